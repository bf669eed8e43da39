"""When a rule acts that does not act on a message: a clock, and how long it has run. Pure.

    waiting     since the customer waits for an answer (from the oldest message that has none)
    customer    since the customer's last message, answered or not
    answer      since our last answer, as long as the customer has not replied
    unassigned  since nobody has it
    put_off     since it was set to wait for the customer, or for somebody here
    created     since it began

Each is counted by our own time, of what is not finished. A rule acts once for each time that
its clock begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.sentences import say
from guichet.promises import hours
from guichet.promises.hours import Hours

# By name: the column of a conversation that holds the moment.
CLOCKS: Mapping[str, str] = {
    "waiting": "asked_at", "customer": "said_at", "answer": "answered_at", "unassigned": "unassigned_at",
    "put_off": "put_off_at", "created": "created_at",
}  # fmt: skip
LEAST_MINUTES, MOST_MINUTES = 5, 366 * 24 * 60


@dataclass(frozen=True)
class When:
    """`since` "": on a message. `in_hours`: minutes of the brand's hours, not of the whole day."""

    since: str = ""
    after_minutes: int | None = None
    in_hours: bool = False

    @property
    def is_timed(self) -> bool:
        return bool(self.since)


ON_A_MESSAGE = When()


def problems_of(since: Any, after_minutes: Any) -> dict[str, str]:
    """What is wrong where; {} if nothing."""
    if since == "" and after_minutes is None:
        return {}
    if since not in CLOCKS:
        return {"since": say("must be one of {choices}", choices=", ".join(CLOCKS))}
    if type(after_minutes) is not int or not LEAST_MINUTES <= after_minutes <= MOST_MINUTES:
        return {"after_minutes": say("must be a number from {least} to {most}", least=LEAST_MINUTES, most=MOST_MINUTES)}
    return {}


def begun_by(when: When, kept: Hours | None, now: datetime) -> datetime | None:
    """What began by then is due now; None: nothing is. `kept`: the brand's hours (None: the whole day)."""
    span = timedelta(minutes=when.after_minutes or 0)
    return hours.take_open(kept, now, span) if when.in_hours and kept is not None else now - span
