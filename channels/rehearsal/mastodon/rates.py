"""Counting calls as the instance does: fixed windows, aligned to the clock, by account."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.rehearsal.base import utc_text
from channels.rehearsal.mastodon.ways import Window


@dataclass(frozen=True)
class Count:
    """Where a caller stands in one window."""

    limit: int
    remaining: int
    reset_at: float
    is_over: bool

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": utc_text(datetime.fromtimestamp(self.reset_at, UTC)),
        }


class Rates:
    """Counts by window name and caller."""

    def __init__(self, windows: Mapping[str, Window]) -> None:
        self._windows = windows
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}  # → number of the window, calls in it
        self._lock = threading.Lock()

    def count(self, name: str, caller: str) -> Count:
        """One more call; says whether it is one too many."""
        limit, seconds = self._windows[name]
        number = int(time.time() // seconds)
        with self._lock:
            last, calls = self._counts.get((name, caller), (number, 0))
            calls = calls + 1 if last == number else 1
            self._counts[name, caller] = (number, calls)
        return Count(limit, max(0, limit - calls), (number + 1) * seconds, calls > limit)
