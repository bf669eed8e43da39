"""Engines: one per process, made by the edges.

SQLite: a transaction that will write begins IMMEDIATE (a deferred one that upgrades fails at once
instead of waiting), and what was promised is synced to disk (`synchronous=FULL`).
"""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 15  # for which a writer waits on SQLite until nobody else writes


def open_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine for `url` with what the database needs set on every connection.

    `postgres://` and `postgresql://` both mean psycopg 3. Values never stand in the text of
    an error: they are what customers wrote, and secrets.
    """
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite":
        pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
        engine = create_engine(parsed, hide_parameters=True, **(pool if parsed.database else {"poolclass": NullPool}))
        prepare_sqlite(engine)
        return engine
    engine = create_engine(
        parsed,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3},
    )
    prepare_postgres(engine)
    return engine


def prepare_postgres(engine: Engine) -> None:
    """Let what only reads prepare the statements that say so (`dialect.PREPARED`), and no others: one
    that is prepared is planned without its values in the end, which does a filter of a list no good."""

    @event.listens_for(engine, "do_execute")
    def on_execute(cursor: Any, statement: str, values: Any, context: Any) -> bool:
        options = context.execution_options
        if not options.get("only_reads") or options.get("stream_results"):  # a cursor of the server prepares nothing
            return False
        cursor.execute(statement, values, prepare=options.get("is_prepared", False))
        return True


def prepare_sqlite(engine: Engine) -> None:
    """Set what every SQLite connection needs, and let us choose how to begin."""

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, record: object) -> None:
        connection.isolation_level = None  # the driver must not begin by itself
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("is_urgent"):
            return _begin_at_once(connection)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes", True) else "BEGIN DEFERRED")


def _begin_at_once(connection: Connection) -> None:
    """Take the first moment in which nobody writes. SQLite itself looks every tenth of a second only:
    beside a worker that writes batch after batch, an answer waited for seconds."""
    until = time.monotonic() + BUSY_SECONDS
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except OperationalError:
                if time.monotonic() > until:
                    raise
            time.sleep(0.002)
    finally:  # whoever has this connection next is in no such hurry
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
