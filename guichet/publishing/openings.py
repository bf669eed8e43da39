"""The moments that a week of slots means. Pure.

A slot is what people mean by "Tuesdays at nine": a weekday and a wall time in the
account's zone. In an hour that the clock skips it is an hour later, in one that comes
twice it is the first; two slots that mean the same moment are one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.sentences import say
from guichet.errors import Invalid
from guichet.publishing.rules import due_time, zone_of

MOST_SLOTS = 200  # in a week of one account
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST_LABEL = 60


@dataclass(frozen=True, order=True)
class WeekSlot:
    """A place in the week: `weekday` from 0, Monday; `at` as "09:00"."""

    weekday: int
    at: str
    label: str = ""


@dataclass(frozen=True)
class Opening:
    """One moment of an account's slots. `post_id`: the post that stands there already."""

    account_id: int
    at: datetime
    wall_time: str
    time_zone: str
    label: str = ""
    post_id: int | None = None


def good_week(week: Sequence[WeekSlot]) -> list[WeekSlot]:
    """The week in order. Raises Invalid naming the slot that cannot be."""
    if len(week) > MOST_SLOTS:
        raise Invalid("these are too many slots", {"slots": say("are more than {most}", most=MOST_SLOTS)})
    seen: set[tuple[int, str]] = set()
    for n, slot in enumerate(week):
        if not 0 <= slot.weekday <= 6:
            raise Invalid("there is no such weekday", {f"slots.{n}.weekday": "must be from 0 (Monday) to 6"})
        if not _TIME.fullmatch(slot.at):
            raise Invalid("that is no time of day", {f"slots.{n}.at": "must look like 09:00"})
        if len(slot.label) > _LONGEST_LABEL:
            raise Invalid("this name is too long", {f"slots.{n}.label": say("is longer than {most}", most=60)})
        if (slot.weekday, slot.at) in seen:
            raise Invalid("a slot can be named once", {f"slots.{n}.at": "stands twice on this day"})
        seen.add((slot.weekday, slot.at))
    return sorted(week)


def openings_of(
    account_id: int, week: Iterable[WeekSlot], time_zone: str, since: datetime, until: datetime
) -> Iterator[Opening]:
    """The moments from `since` up to `until`, earliest first. Raises Invalid for no zone."""
    by_day: dict[int, list[WeekSlot]] = {}
    for slot in week:
        by_day.setdefault(slot.weekday, []).append(slot)
    zone = zone_of(time_zone)
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    while by_day and day <= last:
        found: dict[datetime, Opening] = {}
        for slot in by_day.get(day.weekday(), ()):
            wall_time = f"{day.isoformat()}T{slot.at}"
            at = due_time(wall_time, time_zone)
            found.setdefault(at, Opening(account_id, at, wall_time, time_zone, slot.label))
        yield from (found[at] for at in sorted(found) if since <= at < until)
        day += timedelta(days=1)


def in_common(free: Mapping[int, Sequence[Opening]]) -> list[list[Opening]]:
    """The moments that are free on every account, earliest first: for each the openings, in
    the order of the accounts."""
    by_moment = {account_id: {o.at: o for o in openings} for account_id, openings in free.items()}
    shared = set.intersection(*(set(of) for of in by_moment.values())) if by_moment else set()
    return [[by_moment[a][at] for a in sorted(by_moment)] for at in sorted(shared)]
