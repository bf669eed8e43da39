"""What a benchmark reports."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `goal` with `at_least` or at most. Without a goal it is only told."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = True

    @property
    def is_missed(self) -> bool:
        if self.goal is None:
            return False
        return self.value < self.goal if self.at_least else self.value > self.goal

    def line(self) -> str:
        told = f"  {self.name:<58} {self.value:>10.2f} {self.unit}"
        if self.goal is None:
            return told
        sign = "≥" if self.at_least else "≤"
        return f"{told:<82} goal {sign} {self.goal:g}: {'MISSED' if self.is_missed else 'met'}"


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each run, after one that does not count."""
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return took


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
