"""The schema that migrations build is the one that the models describe, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from guichet.db import migrate
from guichet.db.dialect import is_search_table
from guichet.db.engine import open_engine
from guichet.models import Base
from tests import databases


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        yield engine
        engine.dispose()
        return
    if not databases.postgres_url():
        pytest.skip("no PostgreSQL here")
    server = open_engine(databases.postgres_url())
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.execute(text("DROP DATABASE IF EXISTS guichet_empty"))
        c.execute(text("CREATE DATABASE guichet_empty"))
    engine = open_engine(server.url.set(database="guichet_empty").render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    server.dispose()


def test_migrations_build_the_models(empty: Engine) -> None:
    migrate.upgrade(empty)
    assert _differences(empty) == []
    assert migrate.is_current(empty)
    assert "message_search" in inspect(empty).get_table_names()


def test_migrations_go_down_to_nothing(empty: Engine) -> None:
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    assert set(inspect(empty).get_table_names()) <= {"alembic_version"}


def test_a_changed_schema_is_noticed(empty: Engine) -> None:
    migrate.upgrade(empty)
    with empty.begin() as c:
        c.execute(text("ALTER TABLE label ADD COLUMN stranger INTEGER"))
    assert _differences(empty) != []


def _differences(engine: Engine) -> list[Any]:
    def counts(name: str | None, kind: str, parents: Any) -> bool:
        return not (kind == "table" and name is not None and is_search_table(name))

    with engine.connect() as c:
        options = {"compare_type": True, "render_as_batch": True, "include_name": counts}
        found: list[Any] = compare_metadata(MigrationContext.configure(c, opts=options), Base.metadata)
        return found
