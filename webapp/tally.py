"""Counting what is refused without being held up by it: whoever sends a thousand forged
deliveries a second costs one statement a second, from a thread of its own.

What was counted in the last second before a process is killed is not known any more.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

import structlog
from sqlalchemy.exc import SQLAlchemyError

from guichet.policy import SYSTEM
from guichet.receiving import refusals
from guichet.runtime import Runtime

log = structlog.get_logger(__name__)

_EVERY = 1.0  # seconds


class Tally:
    """One for each process; any number of threads."""

    def __init__(self, runtime: Runtime, every: float = _EVERY) -> None:
        self._runtime, self._every = runtime, every
        self._counts: Counter[tuple[int, str]] = Counter()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, account_id: int, kind: str) -> None:
        """One delivery of a kind of `refusals.KINDS` was refused; 0 where there is no account."""
        with self._lock:
            self._counts[account_id, kind] += 1
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write_until_done, name="tally", daemon=True)
                self._thread.start()

    def write_now(self) -> bool:
        """Whether there was anything to write."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if counts:
            self._write(counts)
        return bool(counts)

    def _write_until_done(self) -> None:
        """Ends with nothing left to write, so that a quiet server has no such thread."""
        while True:
            time.sleep(self._every)
            if not self.write_now():
                with self._lock:
                    if not self._counts:
                        self._thread = None
                        return

    def _write(self, counts: Counter[tuple[int, str]]) -> None:
        for (account_id, kind), n in sorted(counts.items()):
            log.warning("deliveries_refused", account=account_id, kind=kind, n=n)
        try:
            with self._runtime.unit() as unit:
                refusals.count(unit.session, SYSTEM, counts, self._runtime.now())
        except SQLAlchemyError as e:
            log.warning("refusals_not_counted", error=type(e).__name__)
            with self._lock:
                self._counts.update(counts)
