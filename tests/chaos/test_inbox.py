"""The slice of the proof of receiving, and its judge: take one guard away, and it says so.

Each guard (docs/receiving.md) has a story that only it survives. The story is played with the
guard and without it; without, something must be lost, doubled, astray or out of order. The only
tests of receiving that replace our own functions: that is what they are about.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from channels.contract import JSON, Connection, Inbound, Page, RawItem, Reader
from channels.rehearsal.x import XNetwork
from channels.rehearsal.x.webhooks import sign
from guichet import models as m
from guichet.clock import utc_now
from guichet.policy import SYSTEM, Actor
from guichet.receiving import digest, ingest, withdrawals
from tests.channels.x_rig import XRig
from tests.chaos import inbox
from tests.chaos.courier import Parcel
from tests.chaos.postbag import Postbag, judge, key_of, look
from tests.databases import need_own, sqlite_engine
from tests.workers.hearing import begin, make_due
from tests.workers.quick import QuickNetworks
from tests.workers.stage import Stage, open_stage
from webapp.group_commit import GroupCommit
from webapp.intake import Intake
from workers import receive
from workers.runtime import Process

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_nothing_that_customers_write_is_lost_or_doubled_whatever_is_killed(database: str) -> None:
    need_own(database)
    plan = inbox.small(1, database)
    report = inbox.run(plan)
    print(inbox.table(report))
    assert report.findings.names() == set()
    assert report.courier.unkept == []
    assert sum(report.kills.values()) == plan.kills
    assert report.courier.answers["200"] == round(plan.webhooks * 1.2)


# ---------------------------------------------------------------- a small world


class Killed(BaseException):
    """What a process that is killed leaves behind: whatever was committed."""


@dataclass
class World:
    """X, one account on it, and what receives: the intake of a web server and a worker."""

    stage: Stage
    network: XNetwork
    intake: Intake
    bag: Postbag = field(default_factory=Postbag)
    parcels: list[Parcel] = field(default_factory=list)

    def says(self, who: str, text: str, *, directly: bool = False) -> str:
        said = self.network.say(who, text, to="acme", direct=directly)
        self.bag.add(said["id"], f"direct:{who}" if directly else said["id"])
        return str(said["id"])

    def delivers(self, parcel: Parcel) -> None:
        """As X does it: until it is told that the delivery is kept."""
        for _ in range(5):
            with contextlib.suppress(OperationalError, TimeoutError):
                self.intake.take("x", self.stage.account_id, parcel.headers, parcel.body)
                self.bag.handed_over.add(parcel.key)
                return

    def digests(self, *, killed: int = 0) -> None:
        """Each time by another worker, until one of them is not killed."""
        for _ in range(killed + 1):
            with contextlib.suppress(Killed):
                receive.digest()
            let_time_pass(self.stage)


@contextlib.contextmanager
def world(engine: Engine, folder: Path) -> Iterator[World]:
    folder.mkdir()
    with XRig() as rig, open_stage(engine, folder, rig) as stage:
        begin(stage)
        network = rig.network
        assert isinstance(network, XNetwork)
        company = network.find_person("acme")
        assert company is not None
        network.store.put("webhook", company["id"], {"url": "https://guichet/", "user_id": company["id"]})
        there = World(stage, network, Intake(stage.runtime, stage.process.networks))
        network.webhooks.carry = lambda url, body, headers: there.parcels.append(
            Parcel(url, body, headers, key_of(body))
        )
        yield there


def let_time_pass(stage: Stage) -> None:
    """Whatever was begun, claimed or put off is due."""
    earlier = utc_now() - timedelta(minutes=5)
    with stage.session() as session:
        session.execute(update(m.RawItem).where(m.RawItem.begun_at.is_not(None)).values(begun_at=earlier))
        session.execute(update(m.RawItem).values(try_after=None))
        session.execute(update(m.PollCursor).values(claimed_until=None))


@contextlib.contextmanager
def at_statement(engine: Engine, beginning: str, error: Callable[[], BaseException], times: int) -> Iterator[None]:
    """The first `times` statements that begin so end in an error."""
    numbers = itertools.count()

    def strike(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if statement.startswith(beginning) and next(numbers) < times:
            raise error()

    event.listen(engine, "before_cursor_execute", strike)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", strike)


def away() -> OperationalError:
    return OperationalError("", {}, Exception("the database is away"))


# ---------------------------------------------------------------- stories


def the_database_is_away_while_a_delivery_comes(there: World) -> None:
    there.says("ines", "Where is my parcel?")
    with at_statement(there.stage.runtime.engine, "INSERT INTO raw_item", away, 2):
        there.delivers(there.parcels[0])
    there.digests()


def a_delivery_comes_twice(there: World) -> None:
    there.says("ines", "Where is my parcel?")
    for _ in range(2):
        there.delivers(there.parcels[0])
    there.digests()


def a_worker_dies_while_it_takes_up(there: World) -> None:
    there.says("ines", "Where is my parcel?")
    there.delivers(there.parcels[0])
    with at_statement(there.stage.runtime.engine, "INSERT INTO message ", Killed, 1):
        there.digests(killed=1)


def a_worker_dies_while_it_keeps_what_it_has_read(there: World) -> None:
    there.says("ines", "Where is my parcel?")
    for _ in range(2):
        make_due(there.stage)
        with at_statement(there.stage.runtime.engine, "INSERT INTO raw_item", Killed, 1), contextlib.suppress(Killed):
            receive.poll(there.stage.account_id)
        let_time_pass(there.stage)
    make_due(there.stage)
    receive.poll(there.stage.account_id)
    there.digests()


def the_second_comes_before_the_first(there: World) -> None:
    for n in range(3):
        there.says("ines", f"And another thing {n}", directly=True)
        wait_for_the_next_millisecond()
    for parcel in reversed(there.parcels):
        there.delivers(parcel)
        wait_for_the_next_millisecond()
    there.digests()


def it_is_taken_back_before_it_comes(there: World) -> None:
    id_ = there.says("ines", "My card number is 4970…")
    there.network.say("ines", "", delete=id_)
    there.bag.withdrawn.add(id_)
    for parcel in reversed(there.parcels):
        there.delivers(parcel)
    there.digests()


def one_item_is_the_end_of_whoever_reads_it(there: World) -> None:
    """The others are understood; that one lies with the dead letters, where a person sees it."""
    body = json.dumps({"poison": True}).encode()
    signed = {"x-twitter-webhooks-signature": sign(there.network.api_secret, body)}
    there.delivers(Parcel("", body, signed, key_of(body)))
    there.says("ines", "Where is my parcel?")
    there.delivers(there.parcels[0])
    there.stage.process.networks = FragileNetworks(**vars(there.stage.process.networks))
    there.digests(killed=ingest.TRIES + 1)
    with there.stage.session() as session:
        session.execute(update(m.RawItem).where(m.RawItem.state == "dead").values(state="done"))  # and was seen


def wait_for_the_next_millisecond() -> None:
    now = int(utc_now().timestamp() * 1000)
    while int(utc_now().timestamp() * 1000) <= now:
        pass


class Deadly:
    """A reader that one item is the end of."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self.streams = inner.streams

    def poll(self, stream: str, cursor: JSON | None) -> Page:
        return self._inner.poll(stream, cursor)

    def parse(self, item: RawItem) -> Sequence[Inbound]:
        if b'"poison"' in item.body:
            raise Killed
        return self._inner.parse(item)


class FragileNetworks(QuickNetworks):
    def reader(self, connection: Connection, is_rehearsal: bool) -> Reader | None:
        inner = super().reader(connection, is_rehearsal)
        assert inner is not None
        return Deadly(inner)


# ---------------------------------------------------------------- guards, taken away


def told_whatever_became_of_it(patch: pytest.MonkeyPatch) -> None:
    store = GroupCommit.store

    def naive(commits: GroupCommit, item: ingest.Incoming) -> None:
        with contextlib.suppress(OperationalError):
            store(commits, item)

    patch.setattr(GroupCommit, "store", naive)


def kept_under_a_number_of_its_own(patch: pytest.MonkeyPatch) -> None:
    row, numbers = ingest._row, itertools.count()
    patch.setattr(ingest, "_row", lambda incoming: {**row(incoming), "delivery_key": str(next(numbers))})


def done_before_it_is_taken_up(patch: pytest.MonkeyPatch) -> None:
    def naive(process: Process, parcels: Sequence[Any]) -> None:
        by_id = {parcel.id: parcel for parcel in parcels}
        with process.runtime.unit() as unit:
            for raw in ingest.lock_waiting(unit.session, SYSTEM, sorted(by_id)):
                ingest.note_digested(raw, utc_now())
        with process.runtime.unit() as unit:
            for id_, parcel in by_id.items():
                digest.digest(unit.session, SYSTEM, unit.session.get_one(m.RawItem, id_), parcel.said, utc_now())

    patch.setattr(receive, "_take_up", naive)


def the_cursor_moves_first(patch: pytest.MonkeyPatch) -> None:
    next_page = receive._next_page

    def naive(process: Process, claim: Any, reader: Reader, cursor: JSON | None) -> Page:
        page = next_page(process, claim, reader, cursor)
        ours = (m.PollCursor.account_id == claim.account_id, m.PollCursor.stream == claim.stream)
        with process.runtime.unit() as unit:
            unit.session.execute(update(m.PollCursor).where(*ours).values(value=dict(page.cursor)))
        return page

    patch.setattr(receive, "_next_page", naive)


def in_the_order_of_arrival(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(digest._Case, "remote_at", property(lambda case: case.raw.received_at))


def no_memory_of_deletions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(withdrawals, "is_remembered", lambda session, account_id, remote_id: False)


def no_count_of_who_ended(patch: pytest.MonkeyPatch) -> None:
    def naive(session: Session, actor: Actor, now: datetime, limit: int) -> Sequence[m.RawItem]:
        return session.scalars(select(m.RawItem).where(m.RawItem.state == "waiting").limit(limit)).all()

    patch.setattr(ingest, "begin_waiting", naive)


GUARDS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], Callable[[World], None], str]] = {
    "told when committed": (told_whatever_became_of_it, the_database_is_away_while_a_delivery_comes, "unkept"),
    "kept once": (kept_under_a_number_of_its_own, a_delivery_comes_twice, "doubled"),
    "done with its messages": (done_before_it_is_taken_up, a_worker_dies_while_it_takes_up, "lost"),
    "the cursor with its items": (the_cursor_moves_first, a_worker_dies_while_it_keeps_what_it_has_read, "lost"),
    "in their order": (in_the_order_of_arrival, the_second_comes_before_the_first, "disordered"),
    "taken back in any order": (no_memory_of_deletions, it_is_taken_back_before_it_comes, "standing"),
    "poison alone": (no_count_of_who_ended, one_item_is_the_end_of_whoever_reads_it, "undigested"),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_without_this_guard_the_judge_finds_fault_and_with_it_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    take_away, story, fault = GUARDS[guard]
    assert played(tmp_path / "with", story) == set()
    take_away(monkeypatch)
    assert fault in played(tmp_path / "without", story)


def played(folder: Path, story: Callable[[World], None]) -> set[str]:
    """The judge's word on a story. On SQLite: the same code runs on both databases."""
    with sqlite_engine() as engine, world(engine, folder) as there:
        story(there)
        with there.stage.runtime.reading() as session:
            return judge(there.bag, look(session)).names()
