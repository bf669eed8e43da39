"""The dates that a recurrence rule means. Pure.

A rule is an RRULE (RFC 5545, §3.3.10) over wall times: a post that goes out at nine goes
out at nine in summer too. It names days, never times of day, and it ends: by COUNT or by
UNTIL. What would never end, or is finer than a day, is refused with a sentence.

dateutil goes on looking for a date that never comes up to the year 9999, which takes it
minutes. So only forms that have dates are taken, and they are run in the last of the 400
years after which the calendar repeats itself to the weekday: little is left to look through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from dateutil.rrule import rrulestr

from channels.sentences import say
from guichet.errors import Invalid
from guichet.publishing.rules import due_time, zone_of

MOST = 366  # occurrences
LONGEST = timedelta(days=5 * 366)
_LONGEST_RULE = 200  # characters
_PARTS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"})
_ALWAYS = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"})
_OF = {
    "DAILY": _ALWAYS,
    "WEEKLY": _ALWAYS | {"BYDAY"},
    "MONTHLY": _ALWAYS | {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": _ALWAYS | {"BYMONTH", "BYDAY", "BYMONTHDAY"},
}
_DAY = "(MO|TU|WE|TH|FR|SA|SU)"
_FORMS = {
    "INTERVAL": r"[1-9][0-9]?",
    "WKST": _DAY,
    "BYMONTH": r"([1-9]|1[0-2])(,([1-9]|1[0-2])){0,11}",
    "BYMONTHDAY": r"-?([1-9]|[12][0-9]|3[01])(,-?([1-9]|[12][0-9]|3[01])){0,30}",
    "BYSETPOS": r"-?[1-5]",
}
_A_CYCLE = 400  # years, after which dates fall on the same weekdays again
_OF_THE_DAY = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")


@dataclass(frozen=True)
class Occurrence:
    """One date: the wall time that is meant, the moment that it is, and the wall time that
    clocks show then (another one where they skip it)."""

    wall_time: str
    at: datetime
    shown: str


def occurrences(
    rule: str, wall_time: str, time_zone: str, fold_rule: str = "first", gap_rule: str = "later"
) -> list[Occurrence]:
    """Every date of the rule from `wall_time` on. Raises Invalid for a rule that we do not
    take, that has no dates, or too many."""
    due_time(wall_time, time_zone, fold_rule, gap_rule)  # refuses what is no time or zone
    first = datetime.fromisoformat(wall_time)
    parts = _parts(rule)
    until, count = _until(parts, time_zone), _count(parts)
    if (until is None) == (count is None):
        raise _wrong(say("must end: by COUNT or by UNTIL, one of them"))
    last = first + LONGEST
    if until is not None and until > last:
        raise _wrong(say("ends later than five years from its first date"))
    found = _dates(parts, first, until or last, (count or MOST) + 1)
    if count is None and len(found) > MOST:
        raise _wrong(say("has more than {most} dates", most=MOST))
    if count is not None and len(found) < count:
        raise _wrong(say("reaches beyond five years from its first date"))
    if not found:
        raise _wrong(say("has no date at all"))
    return [_occurrence(wall, time_zone, fold_rule, gap_rule) for wall in found[:count]]


def _occurrence(wall: datetime, time_zone: str, fold_rule: str, gap_rule: str) -> Occurrence:
    wall_time = wall.isoformat(timespec="minutes")
    at = due_time(wall_time, time_zone, fold_rule, gap_rule)
    shown = at.astimezone(zone_of(time_zone)).replace(tzinfo=None)
    return Occurrence(wall_time, at, shown.isoformat(timespec="minutes"))


def _parts(rule: str) -> dict[str, str]:
    plain = rule.strip().upper().removeprefix("RRULE:")
    if not plain or len(plain) > _LONGEST_RULE:
        raise _wrong(say("must be a rule of at most {most} characters", most=_LONGEST_RULE))
    parts: dict[str, str] = {}
    for part in plain.split(";"):
        name, _, value = part.partition("=")
        if name in _OF_THE_DAY:
            raise _wrong(say("names a time of day: the post has its own"))
        if name not in _PARTS or not value:
            raise _wrong(say("holds something that is no part of a rule that we take"))
        if name in parts:
            raise _wrong(say("says something twice"))
        parts[name] = value
    _require_form(parts)
    return parts


def _require_form(parts: Mapping[str, str]) -> None:
    frequency = parts.get("FREQ", "")
    if frequency not in _OF:
        raise _wrong(say("must repeat daily, weekly, monthly or yearly"))
    day = _DAY if frequency == "WEEKLY" else f"(-?[1-5])?{_DAY}"
    forms = {**_FORMS, "BYDAY": f"{day}(,{day}){{0,6}}"}
    for name, value in parts.items():
        if name not in _OF[frequency] or (name in forms and not re.fullmatch(forms[name], value)):
            raise _wrong(say("holds {part}, which we do not take there", part=name))
    if frequency == "YEARLY" and ("BYDAY" in parts or "BYMONTHDAY" in parts) and "BYMONTH" not in parts:
        raise _wrong(say("must name its months"))


def _count(parts: Mapping[str, str]) -> int | None:
    if "COUNT" not in parts:
        return None
    count = int(parts["COUNT"]) if re.fullmatch(r"[0-9]{1,6}", parts["COUNT"]) else 0
    if not 1 <= count <= MOST:
        raise _wrong(say("must have from 1 to {most} dates", most=MOST))
    return count


def _until(parts: Mapping[str, str], time_zone: str) -> datetime | None:
    """The last wall time; a day counts whole. In UTC (with Z) it is told in the zone."""
    if "UNTIL" not in parts:
        return None
    given = parts["UNTIL"]
    try:
        if not _UNTIL.fullmatch(given):
            raise ValueError(given)
        if len(given) == 8:
            return datetime.strptime(given, "%Y%m%d").replace(hour=23, minute=59, second=59)  # noqa: DTZ007 - a wall time
        plain = datetime.strptime(given[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - a wall time
        if not given.endswith("Z"):
            return plain
        return plain.replace(tzinfo=UTC).astimezone(zone_of(time_zone)).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise _wrong(say("has an UNTIL that is no day, like 20271231")) from None


def _dates(parts: Mapping[str, str], first: datetime, until: datetime, most: int) -> list[datetime]:
    """The wall times up to `until`, `most` of them."""
    plain = ";".join(f"{name}={value}" for name, value in parts.items() if name not in ("COUNT", "UNTIL"))
    years = (9990 - first.year) // _A_CYCLE * _A_CYCLE
    try:
        rule = rrulestr(plain, dtstart=first.replace(year=first.year + years))
        within = takewhile(lambda d: d.replace(year=d.year - years) <= until, rule)
        return [found.replace(year=found.year - years) for found in islice(within, most)]
    except (ValueError, TypeError, OverflowError, LookupError, AttributeError):
        raise _wrong(say("cannot be understood")) from None


def _wrong(what: str) -> Invalid:
    return Invalid("this recurrence cannot be", {"rule": what})
