"""What goes wrong, when, and how often: a plan made of one seed, and its execution."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import psycopg
from redis.exceptions import RedisError

from channels.rehearsal.base import Fault
from guichet.dispatch import Dispatcher
from guichet.jobs import DIGEST, DRAIN, RECONCILE, TEND
from tests.chaos.behaviours import Behaviour
from tests.chaos.harness import Harness
from tests.chaos.people import reconnect

_KILLED = {"send": 6, "web": 2, "tend": 3, "receive": 1, "clock": 2, "valkey": 1}  # how often, in proportion


@dataclass(frozen=True)
class Quotas:
    """How often each is done. `kills` do not count those that other disturbances bring."""

    kills: int
    wipes: int
    crashes: int
    freezes: int
    jumps: int
    duplicates: int
    storms: int
    revocations: int
    full_disks: int

    def part(self, share: float) -> Quotas:
        """A share of each, and at least one."""
        return Quotas(**{f.name: max(1, round(share * getattr(self, f.name))) for f in fields(self)})


FULL = Quotas(
    kills=410, wipes=16, crashes=9, freezes=52, jumps=12, duplicates=40, storms=8, revocations=4, full_disks=2
)
SLICE = Quotas(kills=36, wipes=3, crashes=2, freezes=6, jumps=3, duplicates=6, storms=2, revocations=1, full_disks=1)
JUMP = 3600.0  # seconds


@dataclass
class Disturber:
    """Carries out a plan over `seconds`. What it opens it closes before it is done."""

    harness: Harness
    behaviours: list[Behaviour]
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    faults: list[BaseException] = field(default_factory=list)
    revoked: set[str] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _big: threading.Lock = field(default_factory=threading.Lock)  # one at a time of what touches everything

    def plan(self, quotas: Quotas, seconds: float) -> list[tuple[float, str]]:
        """When to do what, in seconds from the beginning. Big things are spread evenly, so that
        they do not wait for each other; everything else falls as it falls."""
        moments: list[tuple[float, str]] = []
        big = ["jump"] * quotas.jumps + ["crash"] * quotas.crashes + ["disk"] * quotas.full_disks
        self.dice.shuffle(big)
        moments += [(seconds * (n + self.dice.random() * 0.3) / len(big), kind) for n, kind in enumerate(big)]
        small = {
            "kill": quotas.kills, "wipe": quotas.wipes, "freeze": quotas.freezes, "duplicate": quotas.duplicates,
            "storm": quotas.storms, "revoke": quotas.revocations,
        }  # fmt: skip
        moments += [(self.dice.uniform(0, seconds), kind) for kind, n in small.items() for _ in range(n)]
        return sorted(moments)

    def carry_out(self, quotas: Quotas, seconds: float) -> None:
        acts: dict[str, Callable[[], None]] = {
            "kill": self.kill, "wipe": self.wipe, "freeze": self.freeze, "duplicate": self.duplicate,
            "storm": self.storm, "revoke": self.revoke, "jump": self.jump, "crash": self.crash, "disk": self.fill_disk,
        }  # fmt: skip
        in_place = {"kill", "wipe", "duplicate"}
        began = time.monotonic()
        for moment, kind in self.plan(quotas, seconds):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            if kind in in_place:
                acts[kind]()
            else:
                thread = threading.Thread(target=self._guarded, args=(acts[kind],), name=kind, daemon=True)
                thread.start()
                self._threads.append(thread)
            if self.faults:
                break
        for thread in self._threads:
            thread.join(120)
        if self.faults:
            raise self.faults[0]

    def _guarded(self, act: Callable[[], None]) -> None:
        try:
            act()
        except BaseException as e:
            self.faults.append(e)

    # -- one by one

    def kill(self) -> None:
        """Something that is at work, with -9."""
        names = list(self.harness.running)
        weights = [_KILLED[name.partition("-")[0]] for name in names]
        for _ in range(40):
            name = self.dice.choices(names, weights)[0]
            if self.harness.is_ready(name):
                break
            time.sleep(0.01)
        self.harness.kill(name)
        self.done["kills"] += 1
        self.done[f"kill {name.partition('-')[0]}"] += 1
        if name == "valkey":
            self.done["wipes"] += 1  # it keeps nothing

    def wipe(self) -> None:
        self.harness.wipe()
        self.done["wipes"] += 1

    def freeze(self) -> None:
        """A process stops and goes on; some for longer than a send may take, some after their
        lock was taken from them meanwhile."""
        name = self.dice.choice([n for n in self.harness.programs() if n.partition("-")[0] != "web"])
        seconds = self.dice.choice((0.5, 1.5, 3.0, 6.0))
        pid = self.harness.freeze(name)
        try:
            time.sleep(min(1.0, seconds / 3))
            if seconds >= 3 and self._end_life(pid):
                self.done["freezes past the lock"] += 1
            time.sleep(seconds - min(1.0, seconds / 3))
        finally:
            self.harness.thaw(pid)
        self.done["freezes"] += 1

    def _end_life(self, pid: int) -> bool:
        """As a broken network would: the server ends the session that holds its life lock."""
        if self.harness.store.kind != "postgresql":
            return False
        ends = (
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN worker w ON w.lock_key::oid = l.objid"
            " WHERE l.locktype = 'advisory' AND w.pid = %s AND w.ended_at IS NULL"
        )
        try:
            with psycopg.connect(self.harness.store.url, autocommit=True, connect_timeout=2) as connection:
                return bool(connection.execute(ends, (pid,)).fetchall())
        except psycopg.Error:
            return False

    def duplicate(self) -> None:
        """The same work is asked for many times at once."""
        send = Dispatcher(self.harness.redis)
        try:
            for job in (DRAIN, DRAIN, DRAIN, DRAIN, RECONCILE, RECONCILE, TEND, DIGEST):
                send(job, {})
        except RedisError:
            return
        self.done["duplicated jobs"] += 8

    def storm(self) -> None:
        """For some seconds a network says no to everything."""
        behaviour = self.dice.choice([b for b in self.behaviours if b.has_tokens])
        network = self.harness.rigs[behaviour.name].network
        how = self.dice.choice(({"status": 429, "headers": {"Retry-After": "2"}}, {"status": 503}))
        fault = Fault("status_before", times=0, **how)
        network.faults.insert(0, fault)
        time.sleep(self.dice.uniform(3, 6))
        network.faults.remove(fault)
        self.done["storms"] += 1

    def revoke(self) -> None:
        """A network does not know our sign-in any more, until a person signs in anew."""
        behaviour = self.dice.choice([b for b in self.behaviours if b.has_tokens])
        network = self.harness.rigs[behaviour.name].network
        self.revoked.add(behaviour.name)
        fault = Fault("status_before", times=0, status=401)
        network.faults.insert(0, fault)
        time.sleep(self.dice.uniform(3, 5))
        network.faults.remove(fault)
        reconnect(self.harness, behaviour.name)
        self.done["sign-ins revoked"] += 1

    def jump(self) -> None:
        """The clock is an hour wrong for some seconds: of all machines, of the database's, or of
        all but the database's."""
        seconds = self.dice.choice((JUMP, -JUMP))
        where = self.dice.choice(
            ("all", "database", "programs") if self.harness.store.kind == "postgresql" else ("all",)
        )
        with self._big:
            self.harness.jump_clocks(seconds, programs=where != "database", database=where != "programs")
            time.sleep(self.dice.uniform(4, 7))
            self.harness.jump_clocks(0)
        self.done["clock jumps"] += 1
        self.done[f"jump {'+' if seconds > 0 else '-'}1 h of {where}"] += 1

    def crash(self) -> None:
        with self._big:
            self.harness.crash_database()
        self.done["database crashes"] += 1

    def fill_disk(self) -> None:
        """Nothing can be written for some seconds."""
        with self._big:
            self.harness.fill_disk(64 * 1024)
            time.sleep(self.dice.uniform(2, 4))
            self.harness.free_disk()
        self.done["full disks"] += 1
