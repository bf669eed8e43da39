"""Deadlines: measured anew where something changed for many, and acted upon when they come near.
Woken by the clock; a lot is a transaction of its own, so that a kill costs one at most."""

from __future__ import annotations

from guichet.inbox import remeasuring
from guichet.policy import SYSTEM
from guichet.triage import escalating
from workers.runtime import current

_MOST_LOTS = 50  # of one job; the clock wakes another for the rest


def keep() -> None:
    """What is due, then what is to be measured anew."""
    process = current()
    runtime = process.runtime
    for work in (escalating.take_steps, remeasuring.remeasure_promises):
        for _ in range(_MOST_LOTS):
            if process.stopping.is_set():
                return
            with runtime.unit() as unit:
                done = work(unit.session, SYSTEM, runtime.now())
            if not done:
                break
