"""The schema that migrations build is the one that the models describe, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, MetaData, Table, inspect, select, text
from sqlalchemy.orm import Session

from guichet.db import migrate
from guichet.db.engine import open_engine
from guichet.db.word_index import is_search_table
from guichet.models import Base, PromisePolicy, PromiseRecount
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


def test_what_a_brand_had_promised_is_its_policy_afterwards_and_its_own_again_before(empty: Engine) -> None:
    migrate.upgrade(empty, "0025")
    with empty.begin() as c:
        brands = Table("brand", MetaData(), autoload_with=c)
        rest = {"time_zone": "UTC", "languages": [], "signs_with_initials": False, "needs_approval": False,
                "close_after_days": 30, "created_at": datetime(2026, 1, 1, tzinfo=UTC)}  # fmt: skip
        for name, minutes in (("Aurore", 60), ("Lumen", None), ("Brume", 15)):
            c.execute(brands.insert().values(name=name, answer_within_minutes=minutes, **rest))
    migrate.upgrade(empty)
    with Session(empty) as session:
        promised = [
            (p.name, p.brand_id, p.first_minutes, p.next_minutes, p.resolution_minutes, p.is_on, p.conditions)
            for p in session.scalars(select(PromisePolicy).order_by(PromisePolicy.position))
        ]
        recounts = session.scalars(select(PromiseRecount)).all()
    assert promised == [("Aurore", 1, 60, 60, None, True, []), ("Brume", 3, 15, 15, None, True, [])]
    assert len(recounts) == 1  # who waits now is measured by it
    migrate.downgrade(empty, "0025")
    with empty.connect() as c:
        assert dict(c.execute(text("SELECT name, answer_within_minutes FROM brand")).all()) == {
            "Aurore": 60, "Lumen": None, "Brume": 15
        }  # fmt: skip


def _differences(engine: Engine) -> list[Any]:
    def counts(name: str | None, kind: str, parents: Any) -> bool:
        return not (kind == "table" and name is not None and is_search_table(name))

    with engine.connect() as c:
        options = {"compare_type": True, "render_as_batch": True, "include_name": counts}
        found: list[Any] = compare_metadata(MigrationContext.configure(c, opts=options), Base.metadata)
        return found


def test_what_stood_in_fields_before_is_found_without_accents(empty: Engine) -> None:
    migrate.upgrade(empty, "0073")
    with empty.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO custom_field (id, subject, key, name, kind, mask, least, most, choices, position,"
                " is_required, created_at) VALUES (1, 'conversation', 'why', 'Why', 'text', '', '', '', '[]', 1,"
                " false, '2026-01-01 00:00:00')"
            )
        )
        row = "INSERT INTO field_value (id, field_id, place, value, folded) VALUES (:id, 1, 0, :value, :was)"
        connection.execute(text(row), {"id": 1, "value": "Hôtel  AB-12", "was": "hôtel ab-12"})
        connection.execute(text(row), {"id": 2, "value": "plain", "was": "plain"})
    migrate.upgrade(empty)
    with empty.begin() as connection:
        found = list(connection.scalars(text("SELECT folded FROM field_value ORDER BY id")))
    assert found == ["hotel ab-12", "plain"]
