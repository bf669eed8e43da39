"""Lines to the networks: how many requests of one worker are under way at a time.

A delivery's start is committed before its request, which takes about as long as the request
itself. Where the network knows our key, what was started and never sent is settled by sending
it again under that key: it may be started while it waits for a line. Elsewhere a start is asked
for with a line in hand, so that whoever is killed leaves no more in doubt than it had lines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from channels.contract import ChannelSpec, Draft, Recovery, Surface

PATIENCE = 0.25  # seconds that what is started may wait for a line; a start holds for one second only
PAUSE = 30.0  # seconds without early starts after one waited for longer: answers are slow now


class Lines:
    """Thread-safe; `count` requests at most."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._changed = threading.Condition()
        self._taken = self._wanted = 0
        self._early_from = 0.0  # monotonic seconds

    def may_start_early(self, spec: ChannelSpec, draft: Draft) -> bool:
        """Whether a delivery may be started before it has a line. Uploads are requests, and direct
        messages have no key on Bluesky."""
        is_keyed = spec.recovery is Recovery.KEYED and draft.surface is not Surface.DIRECT
        return is_keyed and not draft.media and time.monotonic() >= self._early_from

    def are_short(self) -> bool:
        """Whether somebody waits for one: starts that are committed later then delay nothing."""
        return self._wanted > 0

    @contextmanager
    def taken(self, *, is_early: bool = False) -> Iterator[None]:
        """Waits for a line and holds it. `is_early`: for what is started already."""
        asked_at = time.monotonic()
        with self._changed:
            self._wanted += 1
            self._changed.wait_for(lambda: self._taken < self.count)
            self._wanted -= 1
            self._taken += 1
        got_at = time.monotonic()
        if is_early and got_at - asked_at > PATIENCE:
            self._early_from = got_at + PAUSE
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify()
