"""The campaign: people publish through everything that goes wrong, and the judge compares what
the networks have with what was wanted.

    python -m tests.chaos [--seed N …] [--database postgresql|sqlite] [--publications N] [--slice]
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import models as m
from tests.chaos import clocks
from tests.chaos.behaviours import BEHAVIOURS, Behaviour, be_hostile
from tests.chaos.disturbing import FULL, SLICE, Disturber, Quotas
from tests.chaos.harness import Harness, open_harness
from tests.chaos.judge import Row, Verdict, Wanted, judge
from tests.chaos.people import Agent, Author, Decider, keep_at_it, seat
from tests.chaos.stores import STORES

# Where, and when, each seed is set: minutes before its zone's clocks are turned, so that wall
# times fall into gaps and folds, and a jump of an hour crosses the turn.
SCENES: tuple[tuple[str, str], ...] = (
    ("Europe/Brussels", "2027-03-28T00:57:00+00:00"),
    ("America/New_York", "2026-11-01T05:57:00+00:00"),
    ("Australia/Lord_Howe", "2027-04-03T14:57:00+00:00"),
    ("Europe/Paris", "2026-10-25T00:57:00+00:00"),
    ("America/Santiago", "2027-09-05T03:57:00+00:00"),
)
AUTHORS = 3
ANSWERS = 0.2  # of all publications


@dataclass(frozen=True)
class Campaign:
    """One run. `seconds` is how long people write and things go wrong."""

    seed: int
    database: str
    publications: int
    quotas: Quotas
    seconds: float
    settling: float = 150.0

    def part(self, share: float) -> Campaign:
        """A share of it, for a smaller machine or less time."""
        return replace(
            self, publications=round(share * self.publications), quotas=self.quotas.part(share),
            seconds=share * self.seconds,
        )  # fmt: skip

    @property
    def scene(self) -> tuple[str, str]:
        return SCENES[self.seed % len(SCENES)]


def full(seed: int, database: str) -> Campaign:
    if database == "sqlite":  # one writer at a time, and no server that could crash: its own figures
        quotas = Quotas(
            kills=160, wipes=15, crashes=8, freezes=50, jumps=10, duplicates=40, storms=6, revocations=3, full_disks=2
        )
        return Campaign(seed, database, 1000, quotas, seconds=300)
    return Campaign(seed, database, 2000, FULL, seconds=520)


def small(seed: int, database: str) -> Campaign:
    """The slice of every build."""
    return Campaign(seed, database, 200, SLICE, seconds=32, settling=90)


@dataclass
class Report:
    """What happened."""

    campaign: Campaign
    seconds: float
    done: Counter[str]
    verdict: Verdict
    states: dict[str, int]
    published: dict[str, int]
    kinds: Counter[str]
    asked: Counter[tuple[str, str]]
    struck: Counter[str]
    repeats: int
    refused: list[str] = field(default_factory=list)
    folder: str = ""

    def is_clean(self) -> bool:
        return self.verdict.is_clean()


def run(campaign: Campaign, behaviours: Sequence[Behaviour] = BEHAVIOURS) -> Report:
    """Play it. This process's clock is set to the scene's for good. The logs are kept where
    anything is wrong."""
    zone, moment = campaign.scene
    base = (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()
    clocks.set_base(base)
    random.seed(campaign.seed)  # of the rehearsal networks' faults
    folder = Path(tempfile.mkdtemp(prefix="guichet-chaos-"))
    store = STORES[campaign.database](folder, base)
    began = time.monotonic()
    try:
        with open_harness(store, folder, behaviours, base=base) as harness:
            report = _play(campaign, harness, list(behaviours), zone)
    finally:
        store.close()
    report.seconds, report.folder = time.monotonic() - began, str(folder)
    if report.is_clean():
        shutil.rmtree(folder)
    return report


def _play(campaign: Campaign, harness: Harness, behaviours: list[Behaviour], zone: str) -> Report:
    dice = random.Random(campaign.seed)
    wanted, desk = Wanted(), seat(harness)
    decider = Decider(harness, desk, {b.name: b for b in behaviours})
    disturber = Disturber(harness, behaviours, random.Random(campaign.seed + 1))
    faults: list[BaseException] = []
    conversations = _let_customers_write(harness, behaviours, min(100, round(campaign.publications * ANSWERS)))
    authors = [
        Author(harness, behaviours, desk, wanted, random.Random(campaign.seed + 10 + n), (zone, "UTC", "Asia/Kolkata"))
        for n in range(AUTHORS)
    ]
    authors[0].upload(4)
    for author in authors:
        author.media = authors[0].media
    for behaviour in behaviours:
        be_hostile(harness.rigs[behaviour.name], behaviour.uploads)
    stop = threading.Event()
    people = [
        threading.Thread(target=keep_at_it, args=(decider.look_through, stop, 2.0, faults), name="decider", daemon=True)
    ]
    writing = _threads_of_writers(campaign, authors, Agent(desk, wanted), conversations, dice, faults)
    for thread in (*people, *writing):
        thread.start()
    disturber.carry_out(campaign.quotas, campaign.seconds)
    for thread in writing:
        thread.join(240)
    struck = _end_hostility(harness)
    _await_settled(harness, decider, campaign.settling)
    stop.set()
    for thread in people:
        thread.join(200)
    if faults:
        raise faults[0]
    ledgers = {name: rig.network.ledger() for name, rig in harness.rigs.items()}
    verdict = judge(wanted, ledgers, _rows(harness))
    if not verdict.is_clean():
        _keep_evidence(harness, ledgers)
    verdict.asked = _asked_without_need(decider, disturber, behaviours)
    return Report(
        campaign, 0.0, disturber.done, verdict, harness.states(),
        {name: sum(e["act"] not in ("delete", "edit") for e in entries) for name, entries in ledgers.items()},
        wanted.kinds(), decider.asked, struck, desk.repeats, decider.refused,
    )  # fmt: skip


def _let_customers_write(harness: Harness, behaviours: list[Behaviour], count: int) -> list[tuple[str, int]]:
    """Those who write, and their conversations once we know of them."""
    names = [b.name for b in behaviours if b.is_heard]
    _await_cursors(harness, len(names))
    for n in range(count):
        harness.rigs[names[n % len(names)]].say_publicly(f"Question {n}: where is my parcel?")
    by_account = {id_: name for name, id_ in harness.accounts.items()}
    until = time.monotonic() + 90
    while True:
        with Session(harness.store.engine) as session:
            found = session.execute(select(m.Conversation.account_id, m.Conversation.id)).all()
        if len(found) >= count or time.monotonic() > until:
            assert found, "nothing of what customers wrote was heard"
            return [(by_account[account_id], id_) for account_id, id_ in found]
        time.sleep(0.5)


def _await_cursors(harness: Harness, count: int, seconds: float = 60) -> None:
    """From the first reading of an account on, everything is news."""
    until = time.monotonic() + seconds
    while True:
        with Session(harness.store.engine) as session:
            unread = session.scalars(select(m.PollCursor.account_id).where(m.PollCursor.polled_at.is_(None))).all()
            read = session.scalars(select(m.PollCursor.account_id).distinct()).all()
        if len(read) >= count and not unread:
            return
        assert time.monotonic() < until, f"the accounts are not read: {sorted(read)} of {count}"
        time.sleep(0.3)


def _threads_of_writers(
    campaign: Campaign, authors: list[Author], agent: Agent, conversations: list[tuple[str, int]],
    dice: random.Random, faults: list[BaseException],
) -> list[threading.Thread]:  # fmt: skip
    answers = round(campaign.publications * ANSWERS)
    to_write = (campaign.publications - answers) // len(authors)
    seconds = campaign.seconds * 0.95
    chosen = [conversations[n % len(conversations)] for n in range(answers)]
    dice.shuffle(chosen)

    def write(author: Author, count: int) -> None:
        began, written = time.monotonic(), 0
        while written < count:
            written += author.write(count - written)
            time.sleep(max(0.0, began + seconds * written / count - time.monotonic()))

    def answer() -> None:
        began = time.monotonic()
        for n, (name, conversation_id) in enumerate(chosen):
            time.sleep(max(0.0, began + seconds * n / len(chosen) - time.monotonic()))
            agent.answer(name, conversation_id)

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as e:
            faults.append(e)

    rest = campaign.publications - answers - to_write * (len(authors) - 1)
    counts = [rest, *[to_write] * (len(authors) - 1)]
    works: list[Callable[[], None]] = [answer]
    works += [lambda a=a, c=c: write(a, c) for a, c in zip(authors, counts, strict=True)]
    return [threading.Thread(target=guarded, args=(work,), name="writer", daemon=True) for work in works]


def _end_hostility(harness: Harness) -> Counter[str]:
    """How often each of what was planted has struck."""
    struck: Counter[str] = Counter()
    for rig in harness.rigs.values():
        for fault in rig.network.faults:
            struck[fault.effect] += fault.struck
        rig.network.forget_faults()
    return struck


def _await_settled(harness: Harness, decider: Decider, seconds: float) -> None:
    """Until nothing is open and nobody is asked, or time is over; the judge says which."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name in list(harness.running):
            harness.is_ready(name)  # starts again what has ended by itself
        states = harness.states()
        if not set(states) - {"published"}:
            return
        time.sleep(0.5)


def _rows(harness: Harness) -> list[Row]:
    by_account = {id_: name for name, id_ in harness.accounts.items()}
    with Session(harness.store.engine) as session:
        return [
            Row(by_account[d.account_id], d.payload["text"], d.state, d.remote_id)
            for d in session.scalars(select(m.Delivery))
        ]


def _keep_evidence(harness: Harness, ledgers: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """What the judge saw, for whoever looks for the cause."""
    with harness.store.engine.connect() as connection:
        tables = {
            table.name: [dict(row._mapping) for row in connection.execute(select(table))]
            for table in map(m.table_of, (m.Delivery, m.Attempt, m.Look, m.Worker))
        }
    (harness.folder / "evidence.json").write_text(json.dumps({**tables, "ledgers": ledgers}, default=str, indent=1))


_SIGN_IN = frozenset({"auth_expired", "not_connected", "account_gone"})


def _asked_without_need(decider: Decider, disturber: Disturber, behaviours: list[Behaviour]) -> list[str]:
    allowed = {b.name: b.asks | (_SIGN_IN if b.name in disturber.revoked else frozenset()) for b in behaviours}
    return [
        f"{name}: {code or 'no reason'} ({n} times)"
        for (name, code), n in sorted(decider.asked.items())
        if code not in allowed[name]
    ]
