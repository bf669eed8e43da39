"""Threads, withdrawals, deletions, edits, clocks and tending, with real sends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs

from guichet import audit
from guichet import models as m
from guichet.clock import STEADY_FOR, ClockGuard, utc_now
from guichet.delivery import engine as engine_
from guichet.delivery import operations
from guichet.delivery.payload import freeze
from guichet.policy import SYSTEM
from tests import factories
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.x_rig import XRig
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all
from workers import clock, tend


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def test_a_thread_goes_out_in_order_each_item_under_the_one_before(stage: Stage) -> None:
    first = stage.queue("one")
    second = stage.queue("two", kind="thread_item", item=1, predecessor_id=first)
    third = stage.queue("three", kind="thread_item", item=2, predecessor_id=second)
    settle_all(stage, [first, second, third])
    entries = [e for e in stage.rig.network.ledger() if e["act"] in ("post", "reply")]
    assert [e["text"] for e in entries] == ["one", "two", "three"]
    assert entries[1]["in_reply_to"] == entries[0]["remote_id"]
    assert entries[2]["in_reply_to"] == entries[1]["remote_id"]


def test_an_item_whose_predecessor_failed_waits_for_its_retry(stage: Stage) -> None:
    stage.plant("status_before", status=422)
    first = stage.queue("one")
    second = stage.queue("two", kind="thread_item", item=1, predecessor_id=first)
    stage.drain()
    assert [stage.delivery(i).state for i in (first, second)] == ["failed", "blocked"]
    with stage.session() as session:
        operations.retry(session, SYSTEM, session.get_one(m.Delivery, first), utc_now())
    settle_all(stage, [first, second])
    assert stage.texts() == ["one", "two"]
    assert stage.delivery(first).generation == 2


def test_what_was_withdrawn_while_in_doubt_is_deleted_when_it_is_found(stage: Stage) -> None:
    stage.plant("reset_after")
    id_ = stage.queue("never mind")
    stage.drain()
    with stage.session() as session:
        operations.cancel(session, SYSTEM, session.get_one(m.Delivery, id_), utc_now())
    settle_all(stage, [id_])
    with stage.runtime.reading() as session:
        takedown = session.scalars(select(m.Delivery.id).where(m.Delivery.kind == "delete")).one()
    settle_all(stage, [takedown])
    assert [e["act"] for e in stage.rig.network.ledger()] == ["post", "delete"]


def test_what_was_withdrawn_while_in_doubt_and_is_not_there_ends_as_cancelled(stage: Stage) -> None:
    stage.plant("reset_before")
    id_ = stage.queue("never mind")
    stage.drain()
    with stage.session() as session:
        operations.cancel(session, SYSTEM, session.get_one(m.Delivery, id_), utc_now())
    settle_all(stage, [id_])
    assert stage.delivery(id_).state == "cancelled"
    assert stage.texts() == []


def test_a_deletion_may_be_repeated_and_of_what_is_gone_is_done(stage: Stage) -> None:
    id_ = stage.queue("to be taken down")
    stage.drain()
    takedowns = []
    for _ in range(2):
        with stage.session() as session:
            account = session.get_one(m.Account, stage.account_id)
            published = session.get_one(m.Delivery, id_)
            takedowns.append(operations.take_down(session, SYSTEM, published, account, utc_now()).id)
    settle_all(stage, takedowns)
    assert [stage.delivery(i).state for i in takedowns] == ["published", "published"]
    assert [e["act"] for e in stage.rig.network.ledger()] == ["post", "delete"]


def test_an_edit_changes_what_stands(stage: Stage) -> None:
    id_ = stage.queue("gate F7")
    stage.drain()
    target = stage.delivery(id_).remote_id
    edit = stage.queue("", kind="edit", target_remote_id=target, payload=freeze(text="gate F8", surface="public"))
    settle_all(stage, [edit])
    assert [(e["act"], e["text"]) for e in stage.rig.network.ledger()] == [("post", "gate F7"), ("edit", "gate F8")]


def test_a_rate_limit_parks_the_account_and_what_waited_goes_back(stage: Stage) -> None:
    stage.plant("status_before", status=429, headers={"Retry-After": "60"}, times=0)
    ids = [stage.queue(f"n {n}") for n in range(20)]
    stage.drain()
    with stage.runtime.reading() as session:
        parked = session.get_one(m.Account, stage.account_id).parked_until
    assert parked is not None
    assert parked > utc_now() + timedelta(seconds=30)
    assert {stage.delivery(i).state for i in ids} == {"due"}
    assert stage.texts() == []


def test_a_limit_on_the_whole_application_parks_all_of_its_accounts(engine: Engine, tmp_path: Path) -> None:
    with XRig(posts_a_day=1) as rig, open_stage(engine, tmp_path, rig) as stage:
        with stage.session() as session:
            one = session.get_one(m.Account, stage.account_id)
            same = factories.make_account(session, one.brand, "x", base_url=one.base_url, is_rehearsal=True)
            other = factories.make_account(session, one.brand, "mastodon", is_rehearsal=True)
            same_id, other_id = same.id, other.id
        ids = [stage.queue(f"n {n}") for n in range(2)]
        stage.drain()
        assert sorted(stage.delivery(i).state for i in ids) == ["due", "published"]
        with stage.runtime.reading() as session:
            parked = {a.id: a.parked_until for a in session.scalars(select(m.Account))}
    assert parked[stage.account_id] is not None
    assert parked[same_id] == parked[stage.account_id]
    assert parked[other_id] is None


def test_nothing_starts_while_the_clocks_disagree(stage: Stage) -> None:
    wall = [datetime.now(UTC).timestamp()]
    guard = ClockGuard(wall=lambda: wall[0])
    stage.process.runtime = replace(stage.process.runtime, clock=guard)
    id_ = stage.queue("not yet")
    wall[0] += 3600
    stage.drain()
    assert stage.delivery(id_).state == "due"
    wall[0] -= 3600
    stage.drain()
    assert stage.delivery(id_).state == "published"


def test_a_clock_that_was_set_is_believed_when_it_has_been_steady() -> None:
    wall, counted = [0.0], [0.0]
    guard = ClockGuard(wall=lambda: wall[0], counting=lambda: counted[0])
    wall[0] = 7200.0
    assert not guard.is_trusted()
    for both in (wall, counted):
        both[0] += STEADY_FOR / 2
    assert not guard.is_trusted()
    for both in (wall, counted):
        both[0] += STEADY_FOR / 2 + 1
    assert guard.is_trusted()


def test_a_keyed_network_is_asked_again_under_the_same_key(engine: Engine, tmp_path: Path) -> None:
    with BlueskyRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        for effect in ("reset_before", "reset_after"):
            stage.plant(effect)
            id_ = stage.queue(f"{effect} is no matter")
            settle_all(stage, [id_])
            delivery = stage.delivery(id_)
            assert len({a.idempotency_key for a in delivery.attempts}) == 1
        assert stage.texts() == ["reset_before is no matter", "reset_after is no matter"]


def test_each_seal_of_the_audit_log_leaves_its_signed_head_in_the_process_log(stage: Stage) -> None:
    with stage.session() as session:
        audit.record(session, SYSTEM, "test", None, utc_now())
        session.flush()
        session.execute(update(m.AuditEntry).values(at=utc_now() - audit.SETTLED))
    with capture_logs() as said:
        tend.seal_audit_log(stage.process)
        tend.seal_audit_log(stage.process)
    (told,) = [line for line in said if line["event"] == "audit_sealed"]
    with stage.runtime.reading() as session:
        head = audit.find_head(session)
        assert head is not None
        assert {name: told[name] for name in ("number", "digest", "signature", "key")} == asdict(head)
        assert audit.verify(session, dict(stage.runtime.settings.secret_keys), told["digest"]).problems == []


def test_the_tending_takes_over_from_a_worker_that_died(stage: Stage) -> None:
    life = stage.process.living()
    dead, stage.process.life = life, None
    id_ = stage.queue("somebody else sends it")
    with stage.runtime.engine.begin() as connection:
        assert len(engine_.claim(connection, dead.worker_id, 5, utc_now())) == 1
    tend.take_over_from_the_dead(stage.process)
    assert stage.delivery(id_).state == "claimed"  # it lives: silence proves nothing
    dead.let_go()
    tend.take_over_from_the_dead(stage.process)
    assert stage.delivery(id_).state == "due"
    stage.drain()
    assert stage.texts() == ["somebody else sends it"]


def test_the_clock_moves_what_is_due_and_wakes_for_it(stage: Stage) -> None:
    woken: list[str] = []
    object.__setattr__(stage.runtime, "wake", lambda job, params: woken.append(job.path))
    id_ = stage.queue("at its time", due_at=utc_now() + timedelta(seconds=0.6))
    ticking = clock.Clock(stage.process)
    ticking.tick()
    assert stage.delivery(id_).state == "scheduled"
    assert "workers.deliver.drain" not in woken
    time.sleep(0.7)
    ticking.tick()
    assert stage.delivery(id_).state == "due"
    assert "workers.deliver.drain" in woken


def test_asked_to_stop_a_drain_hands_back_what_is_merely_claimed(stage: Stage) -> None:
    stage.rig.network.latency = 0.1
    ids = [stage.queue(f"n {n}") for n in range(60)]
    draining = threading.Thread(target=stage.drain)
    draining.start()
    while not stage.texts():
        time.sleep(0.01)
    stage.process.stopping.set()
    draining.join(60)
    assert not draining.is_alive()
    states = [stage.delivery(i).state for i in ids]
    assert set(states) == {"published", "due"}
    assert states.count("published") == len(stage.texts())
