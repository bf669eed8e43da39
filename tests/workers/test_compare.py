"""Timelines held against our rows, over a real network: what is told, and that nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import Engine, select

from channels.rehearsal.base import Fault
from channels.x import SPEC as X
from guichet import models as m
from guichet.clock import utc_now
from guichet.comparing import operations, queries
from guichet.errors import Conflict, NotAllowed, NotFound
from guichet.metering.rules import month_of
from guichet.policy import SYSTEM, load_actor
from guichet.stats import needs_you
from tests import factories
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, open_stage
from workers.compare import compare
from workers.runtime import use


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def compare_later(stage: Stage, hours: float = 1) -> list[tuple[str, str, str, int | None]]:
    """Compare so much later; what differs then."""
    use(stage.process)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=True):
        compare(stage.account_id)
    with stage.session() as session:
        return [(d.kind, d.code, d.remote_id, d.delivery_id) for d in queries.list_open(session, SYSTEM)]


def comparison(stage: Stage) -> m.Comparison:
    with stage.session() as session:
        return session.get_one(m.Comparison, stage.account_id)


def test_strangers_and_absences_are_told_and_nothing_is_changed_there(stage: Stage) -> None:
    network = stage.rig.network
    kept, gone, lost = (stage.queue(f"the gate is {word}") for word in ("open", "closed", "moved"))
    stage.drain()
    ids = {id_: stage.delivery(id_).remote_id for id_ in (kept, gone, lost)}
    network.delete_status("guichet", ids[gone])
    stranger = network.publish("guichet", "not from here", application="Tusky")["id"]
    twice = network.publish("guichet", "the gate is open", application="Tusky")["id"]
    before = len(network.ledger())
    assert sorted(compare_later(stage), key=str) == sorted(
        [
            ("absence", "gone", ids[gone], gone),
            ("stranger", "unknown_hand", stranger, None),
            ("stranger", "twice", twice, kept),
        ],
        key=str,
    )
    assert len(network.ledger()) == before
    assert (comparison(stage).result, comparison(stage).read) == ("done", 4)
    with stage.session() as session:
        found = needs_you.read(session, SYSTEM, utc_now())
        assert found.counts == {"absence": 1, "stranger": 2}
        assert {tuple(d.choices) for d in found.items} == {("seen",)}


def test_a_day_later_only_what_is_new_is_told_and_what_was_seen_stays_seen(stage: Stage) -> None:
    publish = stage.rig.network.publish
    first = publish("guichet", "one", application="Tusky")["id"]
    assert [f[2] for f in compare_later(stage)] == [first]
    with stage.session() as session:
        owner = load_actor(session, factories.make_staff(session, "owner"), utc_now())
        (row,) = queries.list_open(session, owner)
        operations.see(session, owner, row, utc_now())
        with pytest.raises(Conflict):
            operations.see(session, owner, row, utc_now())
    assert compare_later(stage) == [], "its turn has not come again"
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=20), tick=True):
        second = publish("guichet", "two", application="Tusky")["id"]
    assert [f[2] for f in compare_later(stage, hours=26)] == [second]


def test_what_a_post_brought_is_kept_once_it_is_a_day_old_and_once_for_all(stage: Stage) -> None:
    def kept() -> list[tuple[int, int]]:
        with stage.session() as session:
            return [(r.delivery_id, r.answers) for r in session.scalars(select(m.Reception))]

    post = stage.queue("the gate is open")
    stage.drain()
    compare_later(stage, hours=1)
    assert kept() == [], "it may bring more yet"
    stage.rig.network.say("zoe", "which gate?", in_reply_to=stage.delivery(post).remote_id)
    compare_later(stage, hours=26)
    assert kept() == [(post, 1)]
    stage.rig.network.say("zoe", "hello?", in_reply_to=stage.delivery(post).remote_id)
    compare_later(stage, hours=52)
    assert kept() == [(post, 1)]


def test_who_does_not_decide_for_an_account_sees_nothing_of_it(stage: Stage) -> None:
    stage.rig.network.publish("guichet", "one", application="Tusky")
    compare_later(stage)
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        people = {role: factories.make_staff(session) for role in ("author", "publisher")}
        for role, person in people.items():
            factories.make_grant(session, person, account, role)
        session.flush()
        author, publisher = (load_actor(session, people[r], utc_now()) for r in ("author", "publisher"))
        (row,) = queries.list_open(session, publisher)
        assert not queries.list_open(session, author)
        assert not needs_you.read(session, author, utc_now()).counts
        with pytest.raises(NotFound):
            queries.get_discrepancy(session, author, row.id)
        with pytest.raises(NotAllowed):
            operations.see(session, author, row, utc_now())
        with pytest.raises(NotAllowed):
            operations.ask_now(session, publisher, account, utc_now())


def test_a_network_that_cannot_be_read_is_asked_again_within_the_day(stage: Stage) -> None:
    stage.rig.network.plant(Fault("status_before", match="GET .*/statuses", status=503))
    compare_later(stage)
    row = comparison(stage)
    assert (row.result, row.through) == ("failed", None)
    assert row.error
    assert row.compared_at is not None
    assert row.next_at - row.compared_at < timedelta(hours=2)


def test_an_account_is_compared_in_its_turn_and_not_where_it_is_switched_off(stage: Stage) -> None:
    with stage.session() as session:
        assert operations.list_due(session, SYSTEM, utc_now()) == [stage.account_id]
        session.get_one(m.Account, stage.account_id).compares = False
        session.flush()
        assert operations.list_due(session, SYSTEM, utc_now()) == []
    compare_later(stage)
    with stage.session() as session:
        assert not session.scalars(select(m.Comparison)).all()
        account = session.get_one(m.Account, stage.account_id)
        with pytest.raises(Conflict):
            operations.ask_now(session, SYSTEM, account, utc_now())
        account.compares = True
        operations.ask_now(session, SYSTEM, account, utc_now())
    assert comparison(stage).next_at <= utc_now()


def test_where_most_of_the_money_is_spent_nothing_is_read(stage: Stage) -> None:
    now = utc_now()
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        account.monthly_limit = 1_000_000
        spend = m.Spend(
            account_id=account.id, month=month_of(now), item="post", currency="USD", quantity=1, micros=799_000
        )
        session.add(spend)
        asked = operations.begin(session, SYSTEM, account, X, now)
        assert asked is not None
        assert asked.most == 1, "up to the first mark and not beyond"
        session.get_one(m.Comparison, account.id).next_at = now
        spend.micros += 1_000
        assert operations.begin(session, SYSTEM, account, X, now) is None
    assert comparison(stage).result == "spent"
