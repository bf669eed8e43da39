"""Business hours as a pure value: several intervals a day, in a zone, with days off.

An interval is wall-clock time; where the clock is put forward or back, it is as long as
the day makes it. Elapsed time is counted in real seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from guichet.models import Calendar

Interval = tuple[time, time]

# Nobody's hours are looked for further than this.
HORIZON = timedelta(days=400)


@dataclass(frozen=True)
class Hours:
    """`intervals` by weekday (Monday 0), each in order, not overlapping; an end of 00:00
    is the end of the day. `holidays` have none."""

    zone: ZoneInfo
    intervals: Mapping[int, Sequence[Interval]]
    holidays: frozenset[date] = frozenset()


def from_row(calendar: Calendar) -> Hours:
    """The value of a stored calendar."""
    return parse(calendar.time_zone, calendar.intervals, calendar.holidays)


def parse(time_zone: str, intervals: Mapping[str, Any], holidays: Sequence[str]) -> Hours:
    """From the stored form. Raises ValueError, KeyError, TypeError for anything else."""
    days = {
        int(day): tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in spans)
        for day, spans in intervals.items()
    }
    for day, spans in days.items():
        if not 0 <= day <= 6:
            raise ValueError(f"{day} is no weekday")
        ends = [t for start, end in spans for t in (_minutes(start), _minutes(end) or 24 * 60)]
        if any(a >= b for a, b in zip(ends[::2], ends[1::2], strict=True)) or ends != sorted(ends):
            raise ValueError("intervals must be in order and not overlap")
    return Hours(ZoneInfo(time_zone), days, frozenset(date.fromisoformat(d) for d in holidays))


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether the moment (aware) lies in business hours."""
    day = at.astimezone(hours.zone).date()
    return any(start <= at < end for start, end in _spans(hours, day))


def open_between(hours: Hours, start: datetime, end: datetime) -> timedelta:
    """Business time that passed from `start` to `end` (aware); zero if end is before start."""
    total = timedelta(0)
    for opened, closed in _all_spans(hours, start, end):
        total += max(timedelta(0), min(closed, end) - max(opened, start))
    return total


def add_open(hours: Hours, start: datetime, amount: timedelta) -> datetime | None:
    """The moment at which `amount` of business time has passed since `start`; None if that
    does not come within HORIZON (a calendar without hours)."""
    left = amount
    for opened, closed in _all_spans(hours, start, start + HORIZON):
        begin = max(opened, start)
        if closed <= begin:
            continue
        if left <= closed - begin:
            return begin + left
        left -= closed - begin
    return None


def take_open(hours: Hours, end: datetime, amount: timedelta) -> datetime | None:
    """The latest moment since which `amount` of business time has passed at `end`; None if that
    lies beyond HORIZON."""
    left = amount
    day, last = end.astimezone(hours.zone).date(), (end - HORIZON).astimezone(hours.zone).date()
    while day >= last:
        for opened, closed in reversed(_spans(hours, day)):
            until = min(closed, end)
            if until <= opened:
                continue
            if left <= until - opened:
                return until - left
            left -= until - opened
        day -= timedelta(days=1)
    return None


def _all_spans(hours: Hours, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    day, last = start.astimezone(hours.zone).date(), end.astimezone(hours.zone).date()
    while day <= last:
        yield from _spans(hours, day)
        day += timedelta(days=1)


def _spans(hours: Hours, day: date) -> list[tuple[datetime, datetime]]:
    """The intervals of one day, in UTC. One that falls into a gap of the clock is empty or short."""
    if day in hours.holidays:
        return []
    spans = []
    for start, end in hours.intervals.get(day.weekday(), ()):
        end_day = day if end != time() else day + timedelta(days=1)
        opened, closed = _utc(day, start, hours.zone, 0), _utc(end_day, end, hours.zone, 1)
        if opened < closed:
            spans.append((opened, closed))
    return spans


def _utc(day: date, at: time, zone: ZoneInfo, fold: int) -> datetime:
    """A wall time as UTC. Twice there (autumn): the first for a start, the second for an end,
    so that nothing is lost. Not there (spring): the moment at which the clock jumps."""
    wall = datetime.combine(day, at, zone).replace(fold=fold)
    utc = wall.astimezone(UTC)
    if utc.astimezone(zone).replace(tzinfo=None) != wall.replace(tzinfo=None):
        return _jump(wall, zone)
    return utc


def _jump(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment at which the clock jumps over `wall`."""
    low = wall.replace(fold=1).astimezone(UTC)  # read with the later offset: before the jump
    high = wall.replace(fold=0).astimezone(UTC)  # read with the earlier offset: after it
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute
