"""Receiving, end to end on a rehearsal network: what customers say is kept, once, in order,
whatever is killed, asked twice or away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update

from channels.contract import Connection, Inbound, Page, RawItem
from channels.errors import Malformed, Unavailable
from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.clock import utc_now
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import ingest
from guichet.triage import operations as triage
from tests import factories as f
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.hearing import begin, count, looking, make_due, receive_all, texts
from tests.workers.stage import QuickNetworks, Stage, open_stage
from workers import receive, runtime, tend


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield begin(stage)


def test_what_a_customer_says_arrives_once_in_the_right_queue(stage: Stage) -> None:
    with stage.session() as session:
        boss = f.make_staff(session, "administrator")
        team = f.make_team(session, f.make_staff(session), name="Parcels")
        triage.create_rule(
            session, load_actor(session, boss, utc_now()), name="Parcels", is_on=True, now=utc_now(),
            conditions=[{"field": "text", "operator": "any_of", "value": ["parcel"]}],
            actions=[{"kind": "team", "value": team.id}],
        )  # fmt: skip
        team_id = team.id
    stage.rig.say_publicly("Where is my parcel?")
    receive_all(stage)
    receive_all(stage)

    with looking(stage) as session:
        (conversation,) = session.scalars(select(m.Conversation)).all()
        assert conversation.team_id == team_id
        assert conversation.waiting_since is not None
        assert conversation.preview.endswith("Where is my parcel?")
    assert len(texts(stage)) == 1


def test_polling_and_digesting_twice_at_once_doubles_nothing(stage: Stage) -> None:
    for n in range(12):
        stage.rig.say_publicly(f"Question {n}")
    make_due(stage)
    for job in (lambda: receive.poll(stage.account_id), receive.digest):
        threads = [threading.Thread(target=job) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    receive.digest()
    assert sorted(t.rpartition(" ")[2] for t in texts(stage)) == sorted(str(n) for n in range(12))


def test_what_was_said_while_we_were_down_is_fetched_in_order(stage: Stage) -> None:
    for n in range(45):  # more than a server gives at once
        stage.rig.say_publicly(f"While you were away {n}")
    receive_all(stage)
    assert [int(t.rpartition(" ")[2]) for t in texts(stage)] == list(range(45))


def test_killed_between_storing_and_understanding_nothing_is_lost(stage: Stage) -> None:
    stage.rig.say_publicly("Hello?")
    make_due(stage)
    receive.poll(stage.account_id)
    assert (count(stage, m.RawItem), count(stage, m.Message)) == (1, 0)
    receive.digest()  # by whoever comes next
    receive.digest()
    assert len(texts(stage)) == 1


class Killed(BaseException):
    """What a process that is killed leaves behind: whatever was committed."""


def test_a_cursor_moves_only_with_what_it_has_read(stage: Stage, engine: Engine) -> None:
    """Killed in the storing transaction, after the items: neither they nor the cursor are there."""
    stage.rig.say_publicly("Hello?")
    make_due(stage)
    stored: list[str] = []

    def kill(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        stored.append(statement)
        if "UPDATE poll_cursor SET value" in statement and any("INSERT INTO raw_item" in s for s in stored):
            raise Killed

    event.listen(engine, "before_cursor_execute", kill)
    try:
        with pytest.raises(Killed):
            receive.poll(stage.account_id)
    finally:
        event.remove(engine, "before_cursor_execute", kill)
    assert count(stage, m.RawItem) == 0
    with stage.session() as session:  # the dead one's lease runs out
        session.execute(update(m.PollCursor).values(claimed_until=utc_now() - timedelta(seconds=1)))
    receive_all(stage)
    assert len(texts(stage)) == 1


def test_while_the_network_is_away_the_poll_comes_later_and_says_why(stage: Stage) -> None:
    stage.rig.network.plant(Fault("reset_before", match=r"GET .*"))
    make_due(stage)
    receive.poll(stage.account_id)
    with looking(stage) as session:
        cursor = session.get_one(m.PollCursor, (stage.account_id, "notifications"))
        assert cursor.failures == 1
        assert cursor.last_error
        assert cursor.claimed_until is None
        assert cursor.next_poll_at > utc_now()


def put(stage: Stage, *bodies: bytes) -> None:
    with stage.session() as session:
        items = [RawItem("notifications", f"planted-{i}-{body[:8]!r}", body) for i, body in enumerate(bodies)]
        page = Page(tuple(items), session.get_one(m.PollCursor, (stage.account_id, "notifications")).value)
        account = session.get_one(m.Account, stage.account_id)
        ingest.store_page(session, SYSTEM, account, page, utc_now(), stream="notifications")


def test_a_poisoned_item_holds_up_nothing_and_becomes_a_dead_letter_with_its_original(stage: Stage) -> None:
    put(stage, b"this is not JSON")
    stage.rig.say_publicly("Am I next?")
    receive_all(stage)
    assert len(texts(stage)) == 1
    for _ in range(ingest.TRIES):
        with stage.session() as session:
            session.execute(update(m.RawItem).values(try_after=None))
        receive.digest()
    with stage.session() as session:
        boss = f.make_staff(session, "administrator")
        (dead,) = ingest.list_dead_letters(session, load_actor(session, boss, utc_now()))
        assert (dead.body, dead.tries) == (b"this is not JSON", ingest.TRIES)
        ingest.replay_dead_letter(session, load_actor(session, boss, utc_now()), dead, utc_now())
        assert dead.state == "waiting"


@dataclass(frozen=True)
class PlannedNetworks(QuickNetworks):
    """Networks whose reader understands as planned, one step for each item."""

    plan: list[Exception | list[Inbound]] = field(default_factory=list)

    def reader(self, connection: Connection, is_rehearsal: bool) -> Any:
        return self

    def parse(self, item: RawItem) -> list[Inbound]:
        step = self.plan.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


def test_what_is_the_networks_fault_does_not_count_against_the_item(stage: Stage) -> None:
    put(stage, b"{}")
    stage.process.networks = PlannedNetworks(stage.process.networks.wire, plan=[Unavailable("away"), Malformed("no")])
    receive.digest()
    with looking(stage) as session:
        raw = session.scalars(select(m.RawItem)).one()
        assert (raw.tries, raw.last_error, raw.state) == (0, "away", "waiting")
    with stage.session() as session:
        session.execute(update(m.RawItem).values(try_after=None))
    receive.digest()
    with looking(stage) as session:
        assert session.scalars(select(m.RawItem)).one().tries == 1


def test_a_limit_on_reading_delays_its_stream_and_holds_up_no_answer(stage: Stage) -> None:
    stage.rig.network.plant(
        Fault("status_before", match="GET /api/v1/notifications", status=429, headers={"Retry-After": "300"})
    )
    make_due(stage)
    receive.poll(stage.account_id)
    with looking(stage) as session:
        account = session.get_one(m.Account, stage.account_id)
        assert (account.state, account.parked_until) == ("connected", None)
        cursors = {c.stream: c for c in session.scalars(select(m.PollCursor))}
    limited = cursors.pop("notifications")
    del cursors[receive.RECHECK]  # has a slower pace of its own
    assert limited.next_poll_at > utc_now() + timedelta(seconds=250)
    assert all(c.failures == 0 and c.next_poll_at < utc_now() + timedelta(seconds=250) for c in cursors.values())


@pytest.mark.parametrize("asks", [receive_all, lambda stage: tend.check_account(stage.account_id)])
def test_an_account_needs_a_person_when_the_network_says_no_twice(stage: Stage, asks: Callable[[Stage], None]) -> None:
    def state() -> str:
        with looking(stage) as session:
            return session.get_one(m.Account, stage.account_id).state

    stage.rig.network.plant(Fault("status_before", match="GET .*", status=401))
    asks(stage)
    assert state() == "connected"  # once may be a blip of theirs
    stage.rig.network.revoke("guichet")
    asks(stage)
    assert state() == "needs_reconnect"


def test_while_nobody_wakes_them_workers_do_all_of_their_work_by_themselves(stage: Stage) -> None:
    """Redis is away: what a customer says is read and understood, a doubt is looked into."""
    stage.rig.say_publicly("Hello?")
    make_due(stage)
    stage.plant("reset_after")
    id_ = stage.queue("the lounge is open")
    stage.drain()
    for kind in ("receive", "tend"):
        stage.process.kind = kind
        stage.process.stopping.clear()
        working = threading.Thread(target=runtime.work, args=(stage.process,))
        working.start()
        until = time.monotonic() + 8
        while time.monotonic() < until and not (texts(stage) if kind == "receive" else is_published(stage, id_)):
            time.sleep(0.05)
        stage.process.stopping.set()
        working.join(10)
        assert not working.is_alive()
    assert len(texts(stage)) == 1
    assert is_published(stage, id_)


def is_published(stage: Stage, id_: int) -> bool:
    return stage.delivery(id_).state == "published"


@dataclass(frozen=True)
class StumblingNetworks(QuickNetworks):
    """Networks whose reader has a fault of its own in its first stream."""

    def reader(self, connection: Connection, is_rehearsal: bool) -> Any:
        return self

    streams = ("broken", "whole")

    def poll(self, stream: str, cursor: Any) -> Page:
        if stream == "broken":
            raise KeyError("id")
        return Page((RawItem(stream, "1", b"{}"),), {})


def test_a_reader_that_stumbles_over_one_stream_still_reads_the_others_and_it_is_said(stage: Stage) -> None:
    stage.process.networks = StumblingNetworks(stage.process.networks.wire)
    make_due(stage)
    receive.poll(stage.account_id)
    with looking(stage) as session:
        assert session.scalars(select(m.RawItem.stream)).all() == ["whole"]
        broken = session.get_one(m.PollCursor, (stage.account_id, "broken"))
        assert (broken.failures, broken.claimed_until) == (1, None)
        assert "KeyError" in broken.last_error
        assert broken.next_poll_at > utc_now()
