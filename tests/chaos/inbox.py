"""`make chaos-inbox`: customers write while everything that receives is killed, and the judge
compares what they wrote with what stands in the inbox.

    python -m tests.chaos.inbox [--seed N …] [--database postgresql sqlite] [--slice] [--share S]

The networks that deliver by webhook (X) do so at least once, in any order, until they are told
that it is kept; their reading API answers 503 throughout, so that no poll mends what a webhook
lost. The others are polled.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import requests
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from channels.rehearsal.base import Fault
from channels.rehearsal.x import XNetwork
from guichet import models as m
from guichet.unit import open_reading
from tests.chaos.behaviours import BEHAVIOURS
from tests.chaos.courier import Courier, Parcel
from tests.chaos.harness import Harness, open_harness
from tests.chaos.postbag import Findings, Inbox, Postbag, judge, key_of, look
from tests.chaos.stores import STORES

PROGRAMS = ("web", "receive-1", "receive-2", "tend-1", "clock")
POLLED = ("mastodon", "bluesky", "mail, filed")
HEARD = [b for b in BEHAVIOURS if b.name in (*POLLED, "x")]
_READING = r"GET /2/(users/\d+/(mentions|tweets)|dm_events|tweets/search)"
_KILLED = {"web": 6, "receive": 6, "tend": 1, "clock": 2, "valkey": 3, "database": 2}  # in proportion
ACKNOWLEDGED_WITHIN = 1.0  # seconds, 99 of 100


@dataclass(frozen=True)
class Plan:
    """`webhooks` different deliveries, and `polled` messages on each network that is polled,
    within `seconds`, with `kills`."""

    seed: int
    database: str
    webhooks: int = 20_000
    polled: int = 200
    kills: int = 200
    seconds: float = 520.0
    settling: float = 1200.0

    def part(self, share: float) -> Plan:
        return replace(
            self, webhooks=round(self.webhooks * share), polled=round(self.polled * share),
            kills=round(self.kills * share), seconds=self.seconds * share,
        )  # fmt: skip


def small(seed: int, database: str) -> Plan:
    """The slice of every build."""
    return Plan(seed, database, webhooks=250, polled=6, kills=8, seconds=9, settling=150)


@dataclass
class Report:
    plan: Plan
    findings: Findings
    courier: Courier
    kills: Counter[str]
    wrote: Counter[str]
    unsettled: list[tuple[float, float]]
    seconds: float = 0.0
    folder: str = ""
    settled_in: float = 0.0

    def is_clean(self) -> bool:
        return self.findings.is_clean() and not self.courier.unkept

    def acknowledged(self, share: float, *, undisturbed: bool) -> float:
        """A percentile of the seconds from a request to its 2xx: of all, or of those during which
        web server and database were up."""
        took = sorted(
            ended - began
            for began, ended in self.courier.acknowledged
            if not undisturbed or not any(began < until and ended > since for since, until in self.unsettled)
        )
        return took[min(len(took) - 1, int(share * len(took)))] if took else 0.0


def run(plan: Plan) -> Report:
    folder = Path(tempfile.mkdtemp(prefix="guichet-chaos-inbox-"))
    store = STORES[plan.database](folder, 0.0)
    began = time.monotonic()
    try:
        with open_harness(store, folder, HEARD, PROGRAMS, latency=0.005) as harness:
            report = _play(plan, harness)
    finally:
        store.close()
    report.seconds, report.folder = time.monotonic() - began, str(folder)
    return report


def _play(plan: Plan, harness: Harness) -> Report:
    dice = random.Random(plan.seed)
    _await_listening(harness)
    customers = Customers(harness, dice)
    parcels = customers.write_to_x(plan.webhooks)
    courier = Courier(lambda key: _is_kept(harness, key), random.Random(plan.seed + 1))
    talking = threading.Thread(target=customers.write_to_the_polled, args=(plan.polled, plan.seconds), daemon=True)
    carrying = threading.Thread(target=courier.carry, args=(parcels, plan.seconds), daemon=True)
    killer = Killer(harness, random.Random(plan.seed + 2))
    for thread in (talking, carrying):
        thread.start()
    killer.kill(plan.kills, plan.seconds)
    for thread in (talking, carrying):
        thread.join(600)
        assert not thread.is_alive(), f"{thread.name}: not done: {courier.answers}"
    began = time.monotonic()
    customers.bag.handed_over = courier.told
    findings = _settled(plan, harness, customers.bag)
    settled_in = time.monotonic() - began
    killer.rest()
    return Report(plan, findings, courier, killer.done, customers.wrote, killer.unsettled, settled_in=settled_in)


# ---------------------------------------------------------------- what customers do


@dataclass
class Customers:
    """Write, some of them more than once and in the same place, and take some of it back."""

    harness: Harness
    dice: random.Random
    bag: Postbag = field(default_factory=Postbag)
    wrote: Counter[str] = field(default_factory=Counter)

    def write_to_x(self, count: int) -> list[Parcel]:
        """All that they write there, as X will deliver it."""
        rig = self.harness.rigs["x"]
        network = rig.network
        assert isinstance(network, XNetwork)
        parcels: list[Parcel] = []
        self._register(network)
        network.webhooks.carry = lambda url, body, headers: parcels.append(Parcel(url, body, headers, key_of(body)))
        network.plant(Fault("status_before", match=_READING, times=0, status=503))
        people = [f"customer{n}" for n in range(max(10, count // 40))]
        mentions: list[tuple[str, str]] = []  # who, id: what may be answered or taken back
        while len(parcels) < count:
            time.sleep(0.001)  # X tells time to the millisecond: no two in one
            who, what = self.dice.choice(people), self.dice.random()
            if what < 0.40:
                said = network.say(who, f"Question {len(parcels)}: where is my parcel?", to="acme")
                self.bag.add(said["id"], f"x:{said['id']}:{who}")
                mentions.append((who, said["id"]))
                self.wrote["x: mentions"] += 1
            elif what < 0.85 or not mentions:
                said = network.say(who, f"Between us {len(parcels)}", to="acme", direct=True)
                self.bag.add(said["id"], f"x:direct:{who}")
                self.wrote["x: direct messages"] += 1
            elif what < 0.96:
                who, above = self.dice.choice(mentions[-50:])
                said = network.say(who, f"And another thing {len(parcels)}", in_reply_to=above)
                root = network.store.get("tweet", above)
                assert root is not None
                self.bag.add(said["id"], f"x:{root['conversation_id']}:{who}")
                self.wrote["x: further words under their own"] += 1
            else:
                who, id_ = mentions.pop(self.dice.randrange(len(mentions)))
                network.say(who, "", delete=id_)
                self.bag.withdrawn.add(id_)
                self.wrote["x: taken back"] += 1
        return parcels

    def _register(self, network: XNetwork) -> None:
        """Prove that the address is ours, as X asks."""
        url = f"{self.harness.url}/hooks/x/{self.harness.accounts['x']}"
        address = f"{self.harness.rigs['x'].server.url}/_rehearsal/webhook"
        answer = requests.post(address, json={"url": url, "account": "acme"}, timeout=10)
        assert answer.status_code == 201, answer.text

    def write_to_the_polled(self, count: int, seconds: float) -> None:
        """By so many people that none of them is a flood, which is put into one conversation."""
        people = max(1, count // 10)
        first = {name: self.harness.rigs[name].customer for name in POLLED}
        for n in range(count):
            for name in POLLED:
                rig = self.harness.rigs[name]
                rig.customer = f"c{n % people}{first[name]}"
                id_ = rig.say_publicly(f"Question {n}: where is my parcel?")
                self.bag.add(id_, f"{name}:{id_}")
                self.wrote[f"{name}: questions"] += 1
            time.sleep(seconds / count)


# ---------------------------------------------------------------- what is done to us


@dataclass
class Killer:
    """Kills with -9 what is at work, evenly over a time; each is started again at once."""

    harness: Harness
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    unsettled: list[tuple[float, float]] = field(default_factory=list)  # when no answer could be had
    _watchers: list[threading.Thread] = field(default_factory=list)

    def kill(self, count: int, seconds: float) -> None:
        began = time.monotonic()
        kinds = _shares(count)
        self.dice.shuffle(kinds)
        for n, kind in enumerate(kinds):
            moment = began + seconds * (n + self.dice.uniform(0.2, 0.8)) / count
            time.sleep(max(0.0, moment - time.monotonic()))
            hurt = time.monotonic()
            self._kill(kind)
            self.done[kind] += 1
            if kind in ("web", "database"):
                watcher = threading.Thread(target=self._note_recovery, args=(hurt,), daemon=True)
                watcher.start()
                self._watchers.append(watcher)

    def rest(self) -> None:
        """Nothing goes on in here after it, so that nothing runs into the next test."""
        for watcher in self._watchers:
            watcher.join()

    def _note_recovery(self, hurt: float, seconds: float = 60) -> None:
        """Until the web server says that its database answers."""
        until, is_ready = hurt + seconds, False
        while not is_ready and time.monotonic() < until:
            with contextlib.suppress(requests.RequestException):  # its schema was made without the migrations
                is_ready = requests.get(f"{self.harness.url}/readyz", timeout=5).json()["database"] is True
            time.sleep(0.02)
        self.unsettled.append((hurt, time.monotonic()))

    def _kill(self, kind: str) -> None:
        if kind == "database":
            self.harness.crash_database()
            return
        name = self.dice.choice([name for name in self.harness.running if name.partition("-")[0] == kind])
        for _ in range(200):
            if self.harness.is_ready(name):
                break
            time.sleep(0.01)
        self.harness.kill(name)


def _shares(count: int) -> list[str]:
    """So many kinds, each at least once and as often as it should."""
    whole = sum(_KILLED.values())
    kinds = [kind for kind, share in _KILLED.items() for _ in range(max(1, count * share // whole))]
    return (kinds + list(_KILLED) * count)[:count]


# ---------------------------------------------------------------- what stands in the rows


def _await_listening(harness: Harness, seconds: float = 60) -> None:
    """Until every polled stream was read once: from then on everything is news."""
    until = time.monotonic() + seconds
    wanted = {harness.accounts[name] for name in POLLED}
    while True:
        with open_reading(harness.store.engine) as session:
            read = session.execute(select(m.PollCursor.account_id, m.PollCursor.polled_at)).all()
        unread = {account_id for account_id, at in read if at is None}
        if wanted <= {account_id for account_id, _ in read} - unread:
            return
        assert time.monotonic() < until, "the accounts are not read"
        time.sleep(0.2)


def _is_kept(harness: Harness, key: str) -> bool:
    """Whether a delivery's row is committed; waits for a database that is away."""
    until = time.monotonic() + 60
    wanted = select(m.RawItem.id).where(
        m.RawItem.account_id == harness.accounts["x"], m.RawItem.stream == "webhook", m.RawItem.delivery_key == key
    )
    while True:
        try:
            with open_reading(harness.store.engine) as session:
                return session.scalar(wanted) is not None
        except SQLAlchemyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _settled(plan: Plan, harness: Harness, bag: Postbag) -> Findings:
    """The judge's word once all is understood, or when it should long have been."""
    until = time.monotonic() + plan.settling
    while True:
        findings = judge(bag, _look(harness))
        if findings.is_clean() or time.monotonic() > until:
            return findings
        time.sleep(1.0)


def _look(harness: Harness) -> Inbox:
    with open_reading(harness.store.engine) as session:
        return look(session)


# ---------------------------------------------------------------- the command


def table(report: Report) -> str:
    plan, courier = report.plan, report.courier
    lines = [
        f"\nseed {plan.seed}, {plan.database}: {plan.webhooks} webhooks and {plan.polled} polled messages on each of "
        f"{len(POLLED)} networks, {sum(report.kills.values())} kills, {report.seconds:.0f} s",
        *(f"  {name:<34}{n:>7}" for name, n in sorted(report.wrote.items())),
        *(f"  killed: {name:<26}{n:>7}" for name, n in sorted(report.kills.items())),
        *(f"  answered: {name:<24}{n:>7}" for name, n in courier.answers.most_common()),
        *(f"  {_times(report, undisturbed)}" for undisturbed in (False, True)),
        f"  {courier.looked} acknowledged were looked into at once",
        f"  settled {report.settled_in:.0f} s after the last one",
    ]
    for name, found in vars(report.findings).items():
        lines.append(f"  {name:<34}{len(found):>7}")
        lines += [f"      {line}" for line in found[:5]]
    lines.append(f"  {'not kept though told so':<34}{len(courier.unkept):>7}")
    lines.append(f"  {'CLEAN' if report.is_clean() else 'FAULTS FOUND'}; logs in {report.folder}")
    return "\n".join(lines)


def _times(report: Report, undisturbed: bool) -> str:
    which = "while web and database were up" if undisturbed else "in all"
    p50, p99, most = (1000 * report.acknowledged(share, undisturbed=undisturbed) for share in (0.5, 0.99, 1.0))
    return f"acknowledged, {which}: p50 {p50:.0f} ms, p99 {p99:.0f} ms, at most {most:.0f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.inbox", description="customers write, we are killed")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one run for each")
    parser.add_argument("--database", nargs="+", default=["postgresql"], choices=list(STORES), help="one run on each")
    parser.add_argument("--slice", action="store_true", help="the small one, as in every build")
    parser.add_argument("--share", type=float, default=1.0, help="only so much of it: 0.5 is half")
    asked = parser.parse_args()
    runs = [(seed, database) for database in asked.database for seed in asked.seed]
    if len(runs) > 1:  # each in a process of its own, as threads and servers of one would disturb the next
        return max(_alone(asked, seed, database) for seed, database in runs)
    ((seed, database),) = runs
    report = run((small if asked.slice else Plan)(seed, database).part(asked.share))
    print(table(report), flush=True)
    is_fast = report.acknowledged(0.99, undisturbed=True) < ACKNOWLEDGED_WITHIN
    return 0 if report.is_clean() and (is_fast or asked.slice) else 1


def _alone(asked: argparse.Namespace, seed: int, database: str) -> int:
    command = [sys.executable, "-m", "tests.chaos.inbox", "--seed", str(seed), "--database", database]
    command += ["--slice"] * asked.slice + ["--share", str(asked.share)]
    return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
