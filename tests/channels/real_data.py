"""Real test data, kept beside the checkout: skipped aloud where it is absent, required in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "shared" / "data"


def real_data(path: str) -> Path:
    """The file at `path` below ../shared/data. Skips the test if absent; fails it in CI."""
    found = ROOT / path
    if found.exists():
        return found
    if os.environ.get("CI"):
        pytest.fail(f"real test data is missing: {path}")
    pytest.skip(f"no real test data here: {path}")
