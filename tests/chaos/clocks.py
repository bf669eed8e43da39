"""Moving the clocks of a whole machine, without root: every process of the harness reads a
wall clock that stands `base` seconds off (the moment at which the campaign is set, near a
change of summer time) and `jump` seconds more (while the clock is wrong). The clock that
only counts is left alone, as it is by the kernel.

Processes: time-machine replaces the wall clock below everything that reads it. PostgreSQL:
a function stands in front of its own. SQLite: reads the clock of the process it is in.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from sqlalchemy import Engine, event, text

LOOK_EVERY = 0.02  # seconds


def set_base(base: float) -> None:
    """Set this process, for good, `base` seconds off."""
    _travel(base)


def _travel(seconds: float) -> Any:
    traveller = time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()
    time.time()  # it goes on only from its first reading
    return traveller


def write_jump(path: Path, base: float, jump: float) -> None:
    """Tell the processes that follow `path` how far off they are now."""
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{base} {jump}")
    fresh.replace(path)


def follow(path: Path) -> None:
    """Keep this process's wall clock where `path` says, as long as it lives."""
    shift = sum(map(float, path.read_text().split()))
    coordinates = _travel(shift)
    event.listen(Engine, "connect", _tell_sqlite)
    threading.Thread(target=_follow, args=(path, coordinates, shift), name="clock-follower", daemon=True).start()


def _follow(path: Path, coordinates: Any, known: float) -> None:
    seen = 0
    while True:
        time.sleep(LOOK_EVERY)
        changed = os.stat(path).st_ino  # each writing is a file of its own
        if changed == seen:
            continue
        seen, wanted = changed, sum(map(float, path.read_text().split()))
        coordinates.shift(timedelta(seconds=wanted - known))
        known = wanted


def _tell_sqlite(connection: Any, record: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.create_function("strftime", 2, _strftime)


@contextmanager
def a_database_ahead(engine: Engine, seconds: float) -> Iterator[None]:
    """A SQLite database, in this process, whose clock is so far ahead."""

    def tell(pattern: str, when: str) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.000")

    def connected(connection: Any, record: object) -> None:
        connection.create_function("strftime", 2, tell)

    engine.dispose()
    event.listen(engine, "connect", connected)
    yield
    event.remove(engine, "connect", connected)
    engine.dispose()


def _strftime(pattern: str, when: str) -> str:
    assert when == "now"
    now = datetime.now(UTC)
    return now.strftime(pattern.replace("%f", "%S")) + f".{now.microsecond // 1000:03d}"


# ---------------------------------------------------------------- PostgreSQL

_IN_FRONT = (
    "CREATE SCHEMA IF NOT EXISTS chaos",
    "CREATE TABLE IF NOT EXISTS chaos.clock (shift interval NOT NULL)",
    "DELETE FROM chaos.clock",
    "CREATE OR REPLACE FUNCTION chaos.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS"
    " 'SELECT pg_catalog.clock_timestamp() + (SELECT shift FROM chaos.clock)'",
)


def stand_in_front(engine: Engine, shift: float) -> None:
    """Have the server's sessions, from the next on, ask our clock first."""
    with engine.begin() as connection:
        for statement in _IN_FRONT:
            connection.exec_driver_sql(statement)
        connection.execute(text("INSERT INTO chaos.clock VALUES (make_interval(secs => :s))"), {"s": shift})
        name = connection.exec_driver_sql("SELECT current_database()").scalar_one()
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET search_path = chaos, public, pg_catalog')
    engine.dispose()


def move_server(engine: Engine, shift: float) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE chaos.clock SET shift = make_interval(secs => :s)"), {"s": shift})
