"""Databases that the harness may hurt: a PostgreSQL cluster of its own, from the wheel of
the development requirements, or a SQLite file.

A full disk is a limit on the size of files (RLIMIT_FSIZE, set from outside on what runs):
every write beyond it fails, as on a disk without room, and no right of root is needed. Of
PostgreSQL it is the sessions that meet it: one that cannot write its log takes the server
down, which recovers.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from guichet.db.engine import open_engine
from guichet.models import Base
from tests.chaos import clocks
from tests.databases import own_postgres

_NO_LIMIT = resource.RLIM_INFINITY


class Store:
    """A database with the schema. `kind` is "postgresql" or "sqlite"; `folder` holds a server's
    cluster."""

    kind: str
    url: str
    engine: Engine
    folder: Path | None = None

    def crash(self) -> None:
        """End the server as a power cut would, and start it again. Where there is no server,
        nothing: the harness kills all who write."""

    def session_pids(self) -> list[int]:
        """The server's processes that work for a client."""
        return []

    def ensure_running(self) -> None:
        """Start the server if it has ended by itself."""

    def move_clock(self, shift: float) -> None:
        """Have the database's own clock stand `shift` seconds off."""

    def close(self) -> None:
        self.engine.dispose()


class SqliteStore(Store):
    kind = "sqlite"

    def __init__(self, folder: Path, base: float) -> None:
        self.url = f"sqlite:///{folder / 'chaos.sqlite3'}"
        self.engine = open_engine(self.url)
        Base.metadata.create_all(self.engine)


class PostgresStore(Store):
    kind = "postgresql"
    folder: Path

    def __init__(self, folder: Path, base: float) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="guichet-chaos-pg-"))
        self._server = own_postgres(self.folder, cleanup="stop")
        self.url = self._server.get_uri()
        self.engine = open_engine(self.url)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # What a killed process has written the kernel still has: syncing it would only cost time.
            connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        Base.metadata.create_all(self.engine)
        clocks.stand_in_front(self.engine, base)

    def crash(self) -> None:
        _kill_server(self.folder)
        self.ensure_running()

    def session_pids(self) -> list[int]:
        return [pid for pid in _server_pids(self.folder) if b"[local]" in _command_of(pid)]

    def ensure_running(self) -> None:
        until = time.monotonic() + 120
        while True:
            try:
                self._server.ensure_postgres_running()
                with self.engine.connect() as connection:
                    connection.exec_driver_sql("SELECT 1")
            except Exception:  # it recovers, or its last processes have not ended
                self.engine.dispose()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    def move_clock(self, shift: float) -> None:
        until = time.monotonic() + 30
        while True:
            try:
                clocks.move_server(self.engine, shift)
            except SQLAlchemyError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def close(self) -> None:
        super().close()
        with contextlib.suppress(Exception):
            self._server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


STORES: dict[str, type[SqliteStore | PostgresStore]] = {"sqlite": SqliteStore, "postgresql": PostgresStore}


def end_cluster(folder: Path) -> None:
    """The server of somebody who is dead, and its files."""
    _kill_server(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _kill_server(folder: Path) -> None:
    pids = _server_pids(folder)
    for pid in pids:  # the postmaster first: it must not notice the others
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await_gone(pids)


def _server_pids(folder: Path) -> list[int]:
    pid = _first_line(folder / "postmaster.pid")
    return [pid, *children_of(pid)] if pid else []


def _first_line(path: Path) -> int:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0


def _command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def children_of(parent: int) -> list[int]:
    """From /proc, so that it holds for processes of any user."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def await_gone(pids: Iterable[int], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    for pid in pids:
        while is_there(pid):
            if time.monotonic() > until:
                raise AssertionError(f"process {pid} does not end")
            time.sleep(0.005)


def is_there(pid: int) -> bool:
    """Whether it still runs; a body that nobody has fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def limit_files(pids: Iterable[int], size: int = _NO_LIMIT) -> None:
    """Let these processes write no file beyond `size` bytes; without a size, any."""
    for pid in pids:
        with contextlib.suppress(OSError):
            owner = Path(f"/proc/{pid}").stat().st_uid
            if owner == os.getuid():
                _limit(pid, size)
            else:  # as the one whose process it is: root alone may not, in a container
                _limit_as(owner, pid, size)


def _limit(pid: int, size: int) -> None:
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size if hard == _NO_LIMIT else min(size, hard), hard))


def _limit_as(owner: int, pid: int, size: int) -> None:
    child = os.fork()
    if child == 0:
        try:
            group = Path(f"/proc/{pid}").stat().st_gid
            os.setresgid(group, group, group)
            os.setresuid(owner, owner, owner)
            _limit(pid, size)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
