"""Schedules that nobody thought of: a few here, 10,000 with `make chaos`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.simulation.machine import run

QUIET = tuple(HealthCheck)
STEPS = 24


def test_no_schedule_ends_badly() -> None:
    run(_settings(20, derandomize=True))


@pytest.mark.proof
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_two_thousand_schedules_of_each_seed_end_well(number: int) -> None:
    print(f"seed {number}")
    run(_settings(2000), number)


def _settings(schedules: int, *, derandomize: bool = False) -> settings:
    return settings(
        max_examples=schedules, stateful_step_count=STEPS, derandomize=derandomize, deadline=None, database=None,
        suppress_health_check=QUIET, phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
