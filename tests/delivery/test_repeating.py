"""What is about to be sent once more under its key may be out: it goes out under that key, or
is looked for; never anywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from guichet import models as m
from guichet.delivery import doubts, operations
from guichet.delivery import engine as engine_
from guichet.delivery.payload import freeze
from guichet.delivery.repeating import reopen
from guichet.delivery.states import AttemptState
from guichet.errors import Conflict
from guichet.policy import SYSTEM
from tests.delivery.bench import NOW, Bench, make_bench

LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def bench(engine: Engine, tmp_path: Path) -> Bench:
    return make_bench(engine, tmp_path)


def repeating(bench: Bench, **more: object) -> int:
    """Started, in doubt, not found at the first look, and due once more under its key."""
    [id_] = repeat(bench, bench.queue(**more))
    return id_


def repeat(bench: Bench, *ids: int) -> tuple[int, ...]:
    bench.start(*bench.claim())
    with bench.session() as session, session.begin():
        for attempt in session.query(m.Attempt).filter(m.Attempt.delivery_id.in_(ids)):
            attempt.state, attempt.ended_at = AttemptState.MOOT, NOW
    for id_ in ids:
        bench.change(m.Delivery, id_, state="due", worker_id=None)
    return ids


def brake(bench: Bench, _: int) -> None:
    bench.add(m.Brake(scope="all", stops_posts=True, stops_answers=True, pulled_at=NOW))


def end_right(bench: Bench, _: int) -> None:
    bench.change(m.Staff, bench.staff_id, disabled_at=NOW)


def be_late(bench: Bench, id_: int) -> None:
    bench.change(m.Delivery, id_, deadline_at=NOW - timedelta(seconds=1))


@pytest.mark.parametrize("close", [brake, end_right, be_late])
def test_where_it_may_not_go_it_is_looked_for_before_anybody_decides(
    bench: Bench, close: Callable[[Bench, int], None]
) -> None:
    id_ = repeating(bench)
    close(bench, id_)
    assert bench.claim() == []
    delivery = bench.delivery(id_)
    assert (delivery.state, [a.state for a in delivery.attempts]) == ("unknown", ["unknown"])


def test_a_brake_between_its_claim_and_its_start_leaves_it_in_doubt_too(bench: Bench) -> None:
    id_ = repeating(bench)
    [claimed] = bench.claim()
    assert claimed.is_repeat
    brake(bench, id_)
    assert bench.start(claimed) == set()
    assert bench.delivery(id_).state == "unknown"


def test_who_withdraws_it_has_it_looked_for_and_taken_down(bench: Bench) -> None:
    id_ = repeating(bench)
    with bench.session() as session, session.begin():
        operations.cancel(session, SYSTEM, session.get_one(m.Delivery, id_), NOW)
    delivery = bench.delivery(id_)
    assert (delivery.state, delivery.withdraw, delivery.attempts[0].state) == ("unknown", True, "unknown")
    with bench.engine.begin() as connection:
        [case] = doubts.take_cases(connection, "w-1", LATER)
    assert case.doubt.withdraw


def test_its_content_and_its_time_are_changed_no_more(bench: Bench) -> None:
    id_ = repeating(bench)
    with bench.session() as session:
        delivery = session.get_one(m.Delivery, id_)
        with pytest.raises(Conflict):
            operations.replace_content(session, SYSTEM, delivery, freeze(text="other", surface="public"), "", NOW)
        with pytest.raises(Conflict):
            operations.reschedule(session, SYSTEM, delivery, LATER, NOW)
    assert bench.delivery(id_).state == "due"


def test_of_several_repeats_the_first_stands_for_all_and_ended_when_the_last_did(bench: Bench) -> None:
    id_ = repeating(bench)
    bench.start(*bench.claim())
    with bench.session() as session, session.begin():
        last = session.query(m.Attempt).filter_by(delivery_id=id_, state="in_flight").one()
        last.state, last.ended_at = AttemptState.MOOT, LATER
    bench.change(m.Delivery, id_, state="due", worker_id=None)
    brake(bench, id_)
    bench.claim()
    attempts = bench.delivery(id_).attempts
    assert [(a.state, a.ended_at) for a in attempts] == [("unknown", LATER), ("moot", LATER)]


def test_what_is_in_doubt_again_is_anybodys_to_look_for_at_once_and_all_else_stays_as_it_was(bench: Bench) -> None:
    asked, other, out, older = repeat(bench, *(bench.queue() for _ in range(4)))
    plain = bench.queue()
    bench.change(m.Delivery, asked, worker_id="w-1", claimed_at=NOW, reason_code="busy", reason="it was busy")
    bench.change(m.Delivery, out, state="published")
    bench.change(m.Delivery, older, generation=2)
    with bench.engine.begin() as connection:
        assert reopen(connection, [asked, out, older, plain], LATER) == {asked}
    found = bench.delivery(asked)
    assert (found.state, found.worker_id, found.claimed_at) == ("unknown", None, None)
    assert (found.next_look_at, found.updated_at, found.reason_code, found.reason) == (LATER, LATER, "", "")
    assert [bench.delivery(id_).state for id_ in (other, out, older, plain)] == ["due", "published", "due", "due"]
    assert [bench.delivery(id_).attempts[0].state for id_ in (other, out, older)] == ["moot"] * 3
    with bench.session() as session:
        told = session.scalars(select(m.LiveEvent.data).where(m.LiveEvent.at == LATER)).all()
    assert [(event["id"], event["state"]) for event in told] == [(asked, "unknown")]


def test_a_deletion_that_is_asked_for_again_proves_nothing_and_stops_as_any_other(bench: Bench) -> None:
    id_ = repeating(bench, kind="delete", target_remote_id="1")
    end_right(bench, id_)
    assert bench.claim() == []
    assert bench.delivery(id_).state == "needs_human"


def test_what_was_proved_absent_stops_where_it_is_told_to(bench: Bench) -> None:
    id_ = repeating(bench)
    with bench.session() as session, session.begin():
        session.query(m.Attempt).filter_by(delivery_id=id_).one().state = AttemptState.ABSENT
    brake(bench, id_)
    assert bench.claim() == []
    assert bench.delivery(id_).state == "held"
    with bench.engine.begin() as connection:
        assert not engine_.is_anything_due(connection, NOW)
