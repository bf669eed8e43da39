"""When somebody writes too often, and when that is over. Pure decisions.

A bucket that runs empty at an even rate: it holds as many messages as somebody may write at
once, and lets through as many in WINDOW. Nothing is refused when it runs over; a machine that
answers a machine, or a flood, then takes one conversation and no more attention than one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=30)
MOST: Mapping[str, int] = {"mail": 20}  # in WINDOW; what machines write counts twice
MOST_ELSEWHERE = 90  # a talk in direct messages is many short lines
BY_MACHINE = 2
QUIET = timedelta(hours=1)  # without a word, and it is over


@dataclass(frozen=True)
class Pace:
    """`level` as of `at`; `rushing_since`: it ran over then, and `count` messages came since."""

    level: float
    at: datetime
    rushing_since: datetime | None = None
    count: int = 0


def after(pace: Pace | None, at: datetime, *, surface: str, automatic: bool) -> Pace:
    """One more message, at `at`. What arrives out of order empties nothing."""
    most = MOST.get(surface, MOST_ELSEWHERE)
    weight = BY_MACHINE if automatic else 1
    if pace is None or at - pace.at >= QUIET:
        return Pace(weight, at)
    passed = max(timedelta(), at - pace.at)
    # Bounded, so that a flood of an hour is over as soon as one of a minute.
    level = min(max(0.0, pace.level - most * (passed / WINDOW)) + weight, most + BY_MACHINE)
    newest = max(at, pace.at)
    if pace.rushing_since is not None:
        return Pace(level, newest, pace.rushing_since, pace.count + 1)
    return Pace(level, newest, at, 1) if level > most else Pace(level, newest)


def is_rushing(pace: Pace, now: datetime) -> bool:
    return pace.rushing_since is not None and now - pace.at < QUIET


def ended(pace: Pace) -> Pace:
    """Somebody ended it: what comes is counted anew."""
    return Pace(0.0, pace.at)
