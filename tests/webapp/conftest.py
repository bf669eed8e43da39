"""A site for each test; `engine` gives it SQLite and PostgreSQL, `light` SQLite alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests import databases
from tests.webapp.site import Site, open_site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """On SQLite: for what does not depend on the database."""
    with databases.sqlite_engine() as engine:
        opened = open_site(engine, tmp_path)
        yield opened
        opened.close()


@pytest.fixture
def both(engine: Engine, tmp_path: Path) -> Iterator[Site]:
    """On SQLite and on PostgreSQL."""
    opened = open_site(engine, tmp_path)
    yield opened
    opened.close()
