"""Answers to many: what was stopped is called off and what was let go is planned, in lots, each a
transaction of its own, so that a kill costs one lot at most and nobody waits long for the database.
Woken by the clock and by whoever sends or stops."""

from __future__ import annotations

from guichet.jobs import DRAIN
from guichet.policy import SYSTEM
from guichet.replying import operations as replying
from guichet.replying.looking import Around
from workers.runtime import current

_MOST_LOTS = 50  # of one job; the clock wakes another for the rest


def plan() -> None:
    process = current()
    around = Around(process.networks.specs())
    for _ in range(_MOST_LOTS):
        if process.stopping.is_set():
            return
        with process.runtime.unit() as unit:
            done = replying.settle_lot(unit.session, SYSTEM, process.runtime.now())
        if done:
            continue
        with process.runtime.unit() as unit:
            done = replying.plan_lot(unit.session, SYSTEM, around, process.runtime.now())
            if done:
                unit.enqueue(DRAIN)
        if not done:
            return
