"""Life locks: how one process knows that another is gone, and not merely slow.

PostgreSQL: a session advisory lock on a connection of its own, straight to the server,
with keepalives of seconds; the server frees it when the connection ends. SQLite: an
`flock` on a file in the data folder; the kernel frees it when the process ends. A frozen
process keeps its lock on both. Whoever loses the lock is dead to everybody else and goes
on under another name.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import ColumnElement, Connection, Engine, false, insert, text, true, update
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from guichet.db.dialect import is_sqlite
from guichet.models import Worker, table_of

_CLASS = 0x67756963  # "guic": our advisory locks among others' on the same server
_W = table_of(Worker)


class Life:
    """The life of one worker process: a name, and a lock held as long as it lives."""

    def __init__(self, engine: Engine, data_dir: Path, kind: str) -> None:
        self._engine, self._folder, self.kind = engine, data_dir / "locks", kind
        self._lock: _FileLock | _ServerLock | None = None
        self.worker_id = ""
        self.lock_key = 0

    def begin(self, now: datetime) -> None:
        """Take a new name and its lock; none may be held. Where the name cannot be written down there is no life:
        nobody would take over from a name that nobody knows."""
        self.lock_key = secrets.randbelow(2**31 - 1) + 1
        self.worker_id = f"{socket.gethostname()[:80]}-{os.getpid()}-{self.lock_key:08x}"
        self._lock = _open_lock(self._engine, self._folder, self.lock_key)
        if not self._lock.take():
            raise RuntimeError("a new lock is taken already")
        row = {
            "id": self.worker_id, "kind": self.kind, "host": socket.gethostname(), "pid": os.getpid(),
            "lock_key": self.lock_key, "started_at": now, "seen_at": now,
        }  # fmt: skip
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(_W).values(**row))
        except BaseException:
            self.let_go()
            raise

    def is_held(self) -> bool:
        """Whether the lock still stands, as far as this process can see."""
        return self._lock is not None and self._lock.is_held()

    def condition(self) -> ColumnElement[bool]:
        """The SQL condition that the lock is held, judged by the database where it can."""
        return false() if self._lock is None else self._lock.condition()

    def seen(self, now: datetime) -> None:
        """Say that this worker is there; for people who look, not for taking over."""
        with self._engine.begin() as connection:
            connection.execute(update(_W).where(_W.c.id == self.worker_id).values(seen_at=now))

    def end(self, now: datetime) -> None:
        """End in good order: nothing of it needs taking over."""
        with self._engine.begin() as connection:
            connection.execute(update(_W).where(_W.c.id == self.worker_id).values(ended_at=now))
        self.let_go()

    def let_go(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@contextmanager
def seized(connection: Connection, data_dir: Path, lock_key: int) -> Iterator[bool]:
    """Try another worker's lock. True inside the block means that it was free and nobody
    else can find it so until this transaction ends."""
    if not is_sqlite(connection):
        wanted = {"class": _CLASS, "key": lock_key}
        yield bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:class, :key)"), wanted))
        return
    lock = _FileLock(data_dir / "locks", lock_key)
    got = lock.take()
    try:
        yield got
    finally:
        if got:
            lock.release()


@contextmanager
def only_one(engine: Engine, data_dir: Path, name: str) -> Iterator[Any]:
    """A lock by name, for what may run once only (the clock). Yields an object with
    `take()` and `is_held()`; the lock is not yet tried."""
    lock = _open_lock(engine, data_dir / "locks", _key_of(name), is_reused=True)
    try:
        yield lock
    finally:
        lock.release()


def _key_of(name: str) -> int:
    return int.from_bytes(name.encode()[:4].ljust(4, b"\0"), "big") & 0x7FFFFFFF


def _open_lock(engine: Engine, folder: Path, key: int, *, is_reused: bool = False) -> _FileLock | _ServerLock:
    return _FileLock(folder, key, is_reused) if is_sqlite(engine) else _ServerLock(engine.url, key)


class _FileLock:
    """`flock` belongs to the open file: two openings in one process do exclude each other.
    The file of a key that is used again stays: another could be waiting at it."""

    def __init__(self, folder: Path, key: int, is_reused: bool = False) -> None:
        self._path, self._is_reused = folder / f"{key:08x}.lock", is_reused
        self._fd: int | None = None

    def take(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def is_held(self) -> bool:
        return self._fd is not None

    def condition(self) -> ColumnElement[bool]:
        return true() if self.is_held() else false()  # the kernel takes it from nobody who lives

    def release(self) -> None:
        if self._fd is not None:
            if not self._is_reused:
                self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None


class _ServerLock:
    """A connection past any pool, for this alone. The server notices its end within
    seconds, and so do we."""

    def __init__(self, url: URL, key: int) -> None:
        self._url, self._key = url, key
        self._connection: psycopg.Connection[Any] | None = None
        self._condition = _held_on_server(key)

    def take(self) -> bool:
        """Raises OperationalError where the server is away, as the engine does."""
        try:
            return self._try()
        except psycopg.Error as e:
            raise OperationalError("the life lock", None, e) from e

    def _try(self) -> bool:
        if self._connection is None or self._connection.closed:
            plain = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = psycopg.connect(
                plain, autocommit=True, connect_timeout=5, application_name="guichet life lock",
                keepalives_idle=3, keepalives_interval=1, keepalives_count=3, tcp_user_timeout=6000,
            )  # fmt: skip
        found = self._connection.execute("SELECT pg_try_advisory_lock(%s, %s)", (_CLASS, self._key)).fetchone()
        return bool(found and found[0])

    def is_held(self) -> bool:
        """Asks the server over the lock's own connection."""
        if self._connection is None or self._connection.closed:
            return False
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def condition(self) -> ColumnElement[bool]:
        return self._condition

    def release(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _held_on_server(key: int) -> ColumnElement[bool]:
    held = text(
        "EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
        " AND classid = :life_class AND objid = :life_key"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
    )
    return held.bindparams(life_class=_CLASS, life_key=key)  # type: ignore[return-value]
