"""A slice of the campaign: 200 publications through everything that goes wrong. It takes two to
three minutes on each database: every build plays it over PostgreSQL, `make chaos` over both."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.source import ROOT
from tests.databases import need_own

pytestmark = pytest.mark.timeout(300)

SEED = 1


@pytest.mark.parametrize(
    "database",
    [
        pytest.param("sqlite", marks=pytest.mark.proof),
        pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.chaos]),
    ],
)
def test_nothing_is_sent_twice_lost_stuck_early_or_falsely_told_whatever_goes_wrong(database: str) -> None:
    need_own(database)
    # In a process of its own: its clock is set, and it has many threads.
    command = [sys.executable, "-m", "tests.chaos", "--slice", "--seed", str(SEED), "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "200 publications" in done.stdout
    assert "CLEAN" in done.stdout
