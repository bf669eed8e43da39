"""Of what one can be told by mail, and when a mail of each rhythm is due. Pure.

A choice is "off", "soon" (at once, but only while no page of Guichet is open), "hourly" or
"daily" (at a wall time where the person is).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.sentences import say

SUBJECTS = ("assigned", "mentioned", "due", "answers", "asked", "approvals", "posts", "followed")
RHYTHMS = ("soon", "hourly", "daily")
OFF = "off"
DAILY_AT = "08:00"
SETTLES = timedelta(seconds=30)  # what began before is committed by then, and can be missed no more
GATHERS = timedelta(minutes=2)  # what follows within them goes into the same mail
SPACING = timedelta(minutes=10)  # between two mails at once to the same person
LONGEST = timedelta(days=3)  # older news is told by no mail
BACKOFF = (30, 300, 1800, 7200)  # seconds until the next try of what was provably not taken
CLAIM = timedelta(minutes=3)
_WALL = re.compile(r"^([01]\d|2[0-3]):[0-5]\d$")


def problems(choices: Mapping[str, Any], daily_at: str) -> dict[str, str]:
    """What is wrong, by field."""
    wrong: dict[str, str] = {}
    for subject, how in choices.items():
        if subject not in SUBJECTS:
            wrong[f"choices.{subject}"] = say("must be one of {choices}", choices=", ".join(SUBJECTS))
        elif how not in (OFF, *RHYTHMS):
            wrong[f"choices.{subject}"] = say("must be one of {choices}", choices=", ".join((OFF, *RHYTHMS)))
    if not _WALL.match(daily_at):
        wrong["daily_at"] = say("must be a time of day such as 08:30")
    return wrong


def subjects_of(choices: Mapping[str, Any], rhythm: str) -> list[str]:
    """What is to be told in this rhythm, in the order in which it is shown."""
    return [subject for subject in SUBJECTS if choices.get(subject) == rhythm]


def last_day(daily_at: str, zone: str, now: datetime) -> datetime:
    """When it was last this time of day there. In a night that has it twice, the first; in one
    that skips it, as long after midnight as it says."""
    place, wall = ZoneInfo(zone), time.fromisoformat(daily_at)
    today = now.astimezone(place).date()
    moments = [datetime.combine(today - timedelta(days=n), wall, place).astimezone(UTC) for n in (0, 1)]
    return next((at for at in moments if at <= now), moments[-1])


def last_hour(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many; None: no more."""
    return now + timedelta(seconds=BACKOFF[tries - 1]) if tries <= len(BACKOFF) else None
