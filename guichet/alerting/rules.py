"""What raises an alert, whom a step calls, when the next try is due. Pure.

An event of a policy is {"kind", …}: `near` (a promise ends within "minutes"), `broken` (one was
not kept and the customer still waits), `flood` (at least "count" messages within "minutes"),
`signed_out` (an account lost its sign-in), `undecided` (something sent needs a person), `failed`
(something could not be sent).

A step is {"whom", "value", "ways", "minutes"}: a `staff` member, everybody of a `team`, whose
turn it is in a team (`rota`), or a `hook`; then "minutes" for somebody to acknowledge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.sentences import say

EVENTS = ("near", "broken", "flood", "signed_out", "undecided", "failed")
WHOM = ("staff", "team", "rota", "hook")
WAYS = ("page", "email")
HOURS = ("always", "open", "closed")
NUMBERS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "near": {"minutes": (1, 24 * 60)},
    "flood": {"minutes": (1, 60), "count": (2, 2000)},
}
MOST_STEPS, MOST_REPEATS, LONGEST_STEP = 10, 20, 24 * 60
# Seconds until the next try of a call that was not taken; after the last it has failed.
BACKOFF = (10, 30, 120, 600, 1800)
CLAIM = timedelta(minutes=3)
_MONDAY = date(1970, 1, 5)


def problems_of_events(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong, by field."""
    wrong: dict[str, str] = {}
    if not events:
        wrong["events"] = say("is needed")
    for n, event in enumerate(events):
        kind = event.get("kind")
        if kind not in EVENTS or any(e.get("kind") == kind for e in events[:n]):
            wrong[f"events.{n}.kind"] = say("must be one of {choices}, each once", choices=", ".join(EVENTS))
            continue
        for name, (low, high) in NUMBERS.get(str(kind), {}).items():
            value = event.get(name)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                wrong[f"events.{n}.{name}"] = say("must be between {low} and {high}", low=low, high=high)
    return wrong


def problems_of_steps(steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What is wrong, by field; whether those who are named exist is asked elsewhere."""
    wrong: dict[str, str] = {}
    if not 1 <= len(steps) <= MOST_STEPS:
        wrong["steps"] = say("must be between {low} and {high}", low=1, high=MOST_STEPS)
    for n, step in enumerate(steps):
        if step["whom"] not in WHOM:
            wrong[f"steps.{n}.whom"] = say("must be one of {choices}", choices=", ".join(WHOM))
        elif step["whom"] != "hook" and (not step["ways"] or not set(step["ways"]) <= set(WAYS)):
            wrong[f"steps.{n}.ways"] = say("must be one of {choices}", choices=", ".join(WAYS))
        if not 1 <= step["minutes"] <= LONGEST_STEP:
            wrong[f"steps.{n}.minutes"] = say("must be between {low} and {high}", low=1, high=LONGEST_STEP)
    return wrong


def in_turn(members: Sequence[int], now: datetime, zone: str) -> list[int]:
    """The members beginning with whose week it is: one after the other, from Monday 00:00 there."""
    if not members:
        return []
    weeks = (now.astimezone(ZoneInfo(zone)).date() - _MONDAY).days // 7
    first = weeks % len(members)
    return [*members[first:], *members[:first]]


def is_quiet(quiet_from: str, quiet_until: str, zone: str, now: datetime) -> bool:
    """Whether it is between these wall times ("22:00", over midnight too) where the person is."""
    if not quiet_from or not quiet_until or quiet_from == quiet_until:
        return False
    begin, end = time.fromisoformat(quiet_from), time.fromisoformat(quiet_until)
    wall = now.astimezone(ZoneInfo(zone)).time()
    return begin <= wall < end if begin < end else wall >= begin or wall < end


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many; None: no more."""
    return now + timedelta(seconds=BACKOFF[tries - 1]) if tries <= len(BACKOFF) else None
