"""Noticing that the clock was moved. Two clocks, the wall's and the one that only counts,
must tell the same time as when this process began; where they disagree by more than a
minute nothing starts, for 0 early is as binding as 0 twice.

A clock that was set right stays right: after two minutes of steady telling the new
offset is believed, and said so in the log.

Time zones change too: whoever asks is told which rules are installed now.
"""

from __future__ import annotations

import time
import zoneinfo
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

MOST_DISAGREEMENT = 60.0  # seconds
STEADY_FOR = 120.0  # seconds
_JITTER = 1.0  # seconds; a clock that is being slewed is not steady


class ClockGuard:
    """Give it the two clocks (tests hand in their own); ask `is_trusted` before starting."""

    def __init__(
        self, wall: Callable[[], float] = time.time, counting: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._wall, self._counting = wall, counting
        self._offset = wall() - counting()
        self._doubted: tuple[float, float] | None = None  # the other offset, and since when

    def is_trusted(self) -> bool:
        counted = self._counting()
        offset = self._wall() - counted
        if abs(offset - self._offset) <= MOST_DISAGREEMENT:
            self._doubted = None
            return True
        if self._doubted is None or abs(offset - self._doubted[0]) > _JITTER:
            log.error("clock_moved", seconds=round(offset - self._offset, 1))
            self._doubted = (offset, counted)
            return False
        if counted - self._doubted[1] < STEADY_FOR:
            return False
        log.warning("clock_believed_again", seconds=round(offset - self._offset, 1))
        self._offset, self._doubted = offset, None
        return True


def zones_installed() -> tuple[str, ...]:
    """Something that differs when the rules of the world's time zones were replaced, as a
    package of the system or of Python."""
    found = [f"{path} {path.stat().st_mtime_ns}" for path in map(Path, zoneinfo.TZPATH) if path.is_dir()]
    with suppress(metadata.PackageNotFoundError):  # the system's are enough
        found.append(metadata.version("tzdata"))
    return tuple(found)
