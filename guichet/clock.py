"""The one place that reads the wall clock. Only the edges call it; everything else takes `now`.

The clock of a machine may be moved: set right by an hour, set wrong for a minute. Two
clocks, the wall's and the one that only counts, must tell the same time as when they were
last believed, and so must the database's; where they disagree by more than a minute nothing
starts, for 0 early is as binding as 0 twice. Meanwhile `now` goes on as it was believed.

A clock that was set right stays right: after two minutes of steady telling the new time is
believed, and said so in the log. What is believed outlives a process, until the machine is
started again: else whoever is killed while the clock is wrong would come back believing it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

MOST_DISAGREEMENT = 60.0  # seconds
STEADY_FOR = 120.0  # seconds
_JITTER = 5.0  # seconds; a clock that is being slewed is not steady, a slow answer does not make it so
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def utc_now() -> datetime:
    """Now, aware, in UTC."""
    return datetime.now(UTC)


class _Steady:
    """How far a clock stands from the one that counts, as last believed; kept in a file."""

    def __init__(self, name: str, file: Path | None) -> None:
        self._name, self._file = name, file
        self.offset: float | None = self._recall()
        self._doubted: tuple[float, float] | None = None  # the other offset, and since when

    def believes(self, told: float, counted: float) -> bool:
        """Whether this clock tells what is expected of it. The first that it tells is believed."""
        offset = told - counted
        if self.offset is None:
            self._believe(offset)
            return True
        if abs(offset - self.offset) <= MOST_DISAGREEMENT:
            self._doubted = None
            return True
        moved = round(offset - self.offset, 1)
        if self._doubted is None or abs(offset - self._doubted[0]) > _JITTER:
            log.error("clock_moved", clock=self._name, seconds=moved)
            self._doubted = (offset, counted)
            return False
        if counted - self._doubted[1] < STEADY_FOR:
            return False
        log.warning("clock_believed_again", clock=self._name, seconds=moved)
        self._believe(offset)
        return True

    def _believe(self, offset: float) -> None:
        self.offset, self._doubted = offset, None
        if self._file is None:
            return
        fresh = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            fresh.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(repr(offset))
            fresh.replace(self._file)
        except OSError as e:
            log.warning("clock_not_remembered", clock=self._name, error=type(e).__name__)

    def _recall(self) -> float | None:
        if self._file is None:
            return None
        try:
            return float(self._file.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as e:
            log.warning("clock_not_recalled", clock=self._name, error=type(e).__name__)
            return None


class ClockGuard:
    """Give it the two clocks (tests hand in their own) and, to remember what is believed, a
    folder of this installation; ask `is_trusted` or `agrees` before starting anything."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        counting: Callable[[], float] = time.monotonic,
        memory: Path | None = None,
    ) -> None:
        self._wall, self._counting = wall, counting
        self._of_wall = _Steady("wall", _file_of_this_start(memory, "wall"))
        self._of_database = _Steady("database", _file_of_this_start(memory, "database"))
        self.is_trusted()
        if self._of_database.offset is None:  # expected to tell what we tell, until it has told otherwise for a while
            self._of_database.offset = self._of_wall.offset

    def is_trusted(self) -> bool:
        """Whether the wall clock tells what it is expected to."""
        return self._of_wall.believes(self._wall(), self._counting())

    def agrees(self, database_now: datetime) -> bool:
        """Whether the wall clock and the database's, read just now, can both be trusted."""
        return self.is_trusted() and self._of_database.believes(database_now.timestamp(), self._counting())

    def now(self) -> datetime:
        """The time in UTC; while the wall clock is not trusted, as it would be had it not moved."""
        told, counted = self._wall(), self._counting()
        if not self._of_wall.believes(told, counted):
            told = counted + (self._of_wall.offset or 0.0)
        return datetime.fromtimestamp(told, UTC)


def _file_of_this_start(folder: Path | None, clock: str) -> Path | None:
    """The clock that counts begins anew with the machine, and so does the memory."""
    if folder is None or not _BOOT.exists():
        return None
    return folder / f"{_BOOT.read_text().strip()}.{clock}"
