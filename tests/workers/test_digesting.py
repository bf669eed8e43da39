"""Understanding what was kept: what ends its reader, and what the database cannot take now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.exc import OperationalError

from channels.contract import Inbound, InboundKind, Person, RawItem, Surface
from guichet import models as m
from guichet.clock import utc_now
from guichet.inbox import thread, timeline
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import ingest
from guichet.triage import operations as triage
from tests import factories as f
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.hearing import begin, looking, texts
from tests.workers.stage import QuickNetworks, Stage, open_stage
from workers import receive

POISON = b"poison"


class Killed(BaseException):
    """A process that ends in the middle of something leaves nothing behind but what was committed."""


@dataclass(frozen=True)
class Deadly(QuickNetworks):
    """Networks on which one item is the end of whoever reads it."""

    read: list[bytes] = field(default_factory=list)

    def reader(self, connection: object, is_rehearsal: bool) -> Any:
        return self

    def parse(self, item: RawItem) -> list[Inbound]:
        self.read.append(item.body)
        if item.body == POISON:
            raise Killed
        name = item.body.decode()
        who = name.partition(" of ")[2] or "ines"
        author = Person(f"https://there/{who}", who)
        return [Inbound(name, InboundKind.MENTION, Surface.PUBLIC, author, name, utc_now(), name)]


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        begin(stage)
        stage.process.networks = Deadly(stage.process.networks.wire)
        yield stage


def put(stage: Stage, *bodies: bytes) -> None:
    with stage.session() as session:
        items = [ingest.Incoming(stage.account_id, RawItem("t", body.decode(), body), utc_now()) for body in bodies]
        ingest.store_items(session, SYSTEM, items)


def item(stage: Stage, body: bytes) -> m.RawItem:
    with looking(stage) as session:
        found = session.scalars(select(m.RawItem).where(m.RawItem.body == body)).one()
        session.expunge_all()
        return found


def let_time_pass(stage: Stage) -> None:
    with stage.session() as session:
        earlier = utc_now() - ingest.BEGUN_FOR - timedelta(seconds=1)
        session.execute(update(m.RawItem).where(m.RawItem.begun_at.is_not(None)).values(begun_at=earlier))
        session.execute(update(m.RawItem).values(try_after=None))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_item_that_is_the_end_of_its_readers_becomes_a_dead_letter_and_the_others_are_read(stage: Stage) -> None:
    put(stage, b"before", POISON, b"behind")
    for _ in range(ingest.TRIES + 3):  # each time another worker
        try:
            receive.digest()
        except Killed:
            let_time_pass(stage)
    assert sorted(texts(stage)) == ["before", "behind"]
    dead = item(stage, POISON)
    assert (dead.state, dead.tries, dead.body) == ("dead", ingest.TRIES, POISON)
    assert "ended before" in dead.last_error


def test_what_another_worker_has_begun_is_left_to_it_and_taken_over_when_it_ended(stage: Stage) -> None:
    put(stage, b"one", b"two")
    with stage.session() as session:  # it has begun, and is killed
        assert len(ingest.begin_waiting(session, SYSTEM, utc_now(), 10)) == 2
        assert not ingest.is_any_waiting(session, SYSTEM, utc_now())
    receive.digest()
    assert texts(stage) == []
    let_time_pass(stage)
    receive.digest()
    assert sorted(texts(stage)) == ["one", "two"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_while_the_database_takes_nothing_up_nothing_counts_against_the_item(stage: Stage, engine: Engine) -> None:
    put(stage, b"one")

    def refuse(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "INSERT INTO message " in statement:
            raise OperationalError(statement, {}, Exception("the disk is full"))

    event.listen(engine, "before_cursor_execute", refuse)
    receive.digest()
    event.remove(engine, "before_cursor_execute", refuse)
    waiting = item(stage, b"one")
    assert (waiting.state, waiting.tries, waiting.begun_at) == ("waiting", 0, None)
    assert "the database did not take it up" in waiting.last_error
    let_time_pass(stage)
    receive.digest()
    assert texts(stage) == ["one"]


def test_many_at_once_are_sorted_and_shared_with_their_history_in_order_and_no_stretch_of_nobody(stage: Stage) -> None:
    with stage.session() as session:
        agents = [f.make_staff(session, presence="online") for _ in range(2)]
        for agent in agents:
            f.make_grant(session, agent, session.get_one(m.Account, stage.account_id), "agent")
        team = f.make_team(session, *agents, assignment="round_robin")
        boss = load_actor(session, f.make_staff(session, "administrator"), utc_now())
        triage.create_rule(
            session, boss, name="Parcels", is_on=True, now=utc_now(),
            conditions=[{"field": "text", "operator": "any_of", "value": ["parcel"]}],
            actions=[{"kind": "team", "value": team.id}],
        )  # fmt: skip
    people = 4
    put(stage, *(f"parcel {n} of {n % people}".encode() for n in range(people)))
    put(stage, b"another of 1")
    receive.digest()
    with looking(stage) as session:
        found = session.scalars(select(m.Conversation).order_by(m.Conversation.id)).all()
        assert len(found) == people + 1  # another root, hence another conversation
        sorted_ = found[:people]
        assert [c.assignee_id for c in sorted_] == [agents[n % 2].id for n in range(people)]
        for conversation in sorted_:
            kinds = [e.kind for e in thread.read_events(session, SYSTEM, conversation)]
            assert kinds == ["created", "received", "rules", "assigned", "owner", "assigned", "owner"]
            (wait,) = session.scalars(select(m.Wait).where(m.Wait.conversation_id == conversation.id))
            (counted,) = timeline.recount_waits(session, SYSTEM, conversation)
            (stretch,) = wait.slices
            assert (stretch.team_id, stretch.staff_id) == (team.id, conversation.assignee_id)
            assert [(s.team_id, s.staff_id, s.started_at) for s in counted.slices] == [
                (stretch.team_id, stretch.staff_id, stretch.started_at)
            ]
        counted_rows = session.execute(select(m.ConversationCount.assignee_id, m.ConversationCount.n)).all()
        assert {who: n for who, n in counted_rows if n} == {0: 1, agents[0].id: 2, agents[1].id: 2}
        told = session.scalars(select(m.LiveEvent.data["id"].as_integer()).where(m.LiveEvent.kind == "conversation"))
        assert set(told) == {c.id for c in found}
