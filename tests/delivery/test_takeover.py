"""What becomes of each row of a worker that is gone, exactly. Found by mutants."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from guichet import models as m
from guichet.delivery import takeover
from tests.delivery.bench import NOW, Bench, add_worker, make_bench

LATER = NOW + timedelta(minutes=3)


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Bench:
    bench = make_bench(engine, tmp_path)
    with bench.session() as session, session.begin():
        add_worker(session, "w-2", 2)
        add_worker(session, "w-3", 3)
        add_worker(session, "w-4", 4)
    bench.change(m.Worker, "w-3", ended_at=NOW)
    bench.change(m.Worker, "w-4", ended_at=NOW)
    return bench


def held(bench: Bench, state: str, worker_id: str) -> int:
    """A delivery in a worker's hands, with its attempt where it was started."""
    id_ = bench.queue(state=state, worker_id=worker_id, claimed_at=NOW)
    if state in ("sending", "reconciling"):
        attempt_state = "in_flight" if state == "sending" else "unknown"
        bench.add(
            m.Attempt(
                delivery_id=id_, generation=1, fence=1, worker_id=worker_id, payload_hash="h", state=attempt_state,
                started_at=NOW, error_code="before",
            )
        )  # fmt: skip
    return id_


def row(bench: Bench, id_: int) -> tuple[object, ...]:
    d = bench.delivery(id_)
    return d.state, d.worker_id, d.claimed_at, d.next_look_at, d.reason_code, d.updated_at


def test_of_the_dead_what_was_claimed_is_due_and_what_was_begun_is_looked_for(bench: Bench) -> None:
    claimed, sending, looked = (held(bench, state, "w-1") for state in ("claimed", "sending", "reconciling"))
    others = {held(bench, state, "w-2"): state for state in ("claimed", "sending", "reconciling")}
    with bench.engine.begin() as connection:
        assert takeover.take_over(connection, "w-1", LATER) == (1, 1)
    assert row(bench, claimed) == ("due", None, None, None, "", LATER)
    assert row(bench, sending) == ("unknown", None, NOW, LATER, "worker_gone", LATER)
    assert bench.delivery(sending).reason == "the worker ended while it was sending"
    assert row(bench, looked) == ("reconciling", None, NOW, LATER, "", NOW)
    (attempt,) = bench.delivery(sending).attempts
    assert (attempt.state, attempt.ended_at, attempt.error_code) == ("unknown", LATER, "worker_gone")
    (attempt,) = bench.delivery(looked).attempts
    assert (attempt.state, attempt.ended_at, attempt.error_code) == ("unknown", None, "before")
    for id_, state in others.items():
        assert row(bench, id_) == (state, "w-2", NOW, None, "", NOW)
    with bench.session() as session:
        ended = {w.id: w.ended_at for w in session.scalars(select(m.Worker))}
        told = {e.data["id"] for e in session.scalars(select(m.LiveEvent).where(m.LiveEvent.kind == "delivery"))}
    assert ended == {"w-1": LATER, "w-2": None, "w-3": NOW, "w-4": NOW}
    assert told == {claimed, sending}
    with bench.engine.begin() as connection:
        assert takeover.take_over(connection, "w-3", LATER) == (0, 0)
    with bench.session() as session:
        assert session.get_one(m.Worker, "w-3").ended_at == NOW, "it ended when it ended"


def test_a_worker_that_lives_settles_all_but_what_it_has_in_hand(bench: Bench) -> None:
    ids = {
        (worker, state, n): held(bench, state, worker)
        for worker in ("w-1", "w-2")
        for state in ("claimed", "sending", "reconciling")
        for n in (1, 2)
    }
    in_hand = [id_ for (_, _, n), id_ in ids.items() if n == 1]
    with bench.engine.begin() as connection:
        assert takeover.recover(connection, "w-1", LATER, in_hand) == (1, 1)
    moved = {"claimed": "due", "sending": "unknown", "reconciling": "reconciling"}
    for (worker, state, n), id_ in ids.items():
        is_let_go = worker == "w-1" and n == 2
        found = bench.delivery(id_)
        assert (found.state, found.worker_id) == ((moved[state], None) if is_let_go else (state, worker))


def test_suspects_have_not_ended_or_still_hold_something(bench: Bench) -> None:
    held(bench, "sending", "w-4")
    held(bench, "reconciling", "w-3")
    with bench.engine.connect() as connection:
        assert takeover.suspects(connection) == [("w-1", 1), ("w-2", 2), ("w-4", 4)]
