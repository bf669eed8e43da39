"""Every difference between SQLite and PostgreSQL, and nothing else.

SQLite: a transaction that will write begins IMMEDIATE (a deferred one that upgrades
fails at once instead of waiting), and what was promised is synced to disk
(`synchronous=FULL`). Time is the database's own on both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def is_sqlite(bind: Engine | Connection | Session) -> bool:
    engine = bind.get_bind() if isinstance(bind, Session) else bind
    return engine.dialect.name == "sqlite"


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
            "busy_timeout=15000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", True)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")


def database_now(bind: Session | Connection) -> datetime:
    """The database's clock: the one that decides what is due."""
    if is_sqlite(bind):
        value = bind.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    found: datetime = bind.execute(text("SELECT clock_timestamp()")).scalar_one()
    return found.astimezone(UTC)


def insert_new(bind: Session | Connection, table: Table, rows: Sequence[Mapping[str, Any]], *unique: str) -> list[int]:
    """Insert rows, passing over those that break the unique index on `unique` columns.
    Returns the ids of the rows that are new, in no promised order."""
    if not rows:
        return []
    make = sqlite.insert if is_sqlite(bind) else postgresql.insert
    statement = make(table).on_conflict_do_nothing(index_elements=list(unique)).returning(table.c.id)
    return list(bind.execute(statement, list(rows)).scalars())


def upsert(bind: Session | Connection, table: Table, row: Mapping[str, Any], *unique: str, add: str = "") -> None:
    """Insert a row, or update it where `unique` exists. `add` names a numeric column
    that is added to instead of replaced."""
    make: Any = sqlite.insert if is_sqlite(bind) else postgresql.insert
    statement: Any = make(table).values(**row)
    changes = {k: statement.excluded[k] for k in row if k not in unique}
    if add:
        changes[add] = table.c[add] + statement.excluded[add]
    done: Insert = statement.on_conflict_do_update(index_elements=list(unique), set_=changes)
    bind.execute(done)
