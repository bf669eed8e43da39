"""Databases of the harness's own, one of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.stores import STORES, Store
from tests.databases import need_own


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    need_own(request.param)
    opened = STORES[request.param](tmp_path, 0.0)
    yield opened
    opened.close()
