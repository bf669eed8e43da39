"""Reading the moments that people and their programs write into tables. Pure.

What can be read in two ways is not read at all: "03/04/2026" is answered with a question and
both readings, never with a guess.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from channels.sentences import Sentence, say

ORDERS = ("dmy", "mdy")  # which of two numbers is the day, where a whole table was asked about

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier janv", "february feb fevrier fevr fev", "march mar mars", "april apr avril avr",
            "may mai", "june jun juin", "july jul juillet juil", "august aug aout", "september sept sep septembre",
            "october oct octobre", "november nov novembre", "december dec decembre",
        ),
        1,
    )
    for name in names.split()
}  # fmt: skip
_WEEKDAYS = (
    "monday mon lundi lun tuesday tue tues mardi wednesday wed mercredi mer thursday thu thur thurs jeudi jeu friday "
    "fri vendredi ven saturday sat samedi sam sunday sun dimanche dim"
)
_DAYS = frozenset(_WEEKDAYS.split())
_REST = r"(?:(?:T|,?\s+(?:at\s+|a\s+)?|,)(?P<rest>.+))?$"
_YEAR_FIRST = re.compile(r"^(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})" + _REST, re.IGNORECASE)
_YEAR_LAST = re.compile(r"^(?P<a>\d{1,2})(?P<sep>[-/.])(?P<b>\d{1,2})(?P=sep)(?P<y>\d{4})" + _REST, re.IGNORECASE)
_SHORT_YEAR = re.compile(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}(?:\D|$)")
_DAY_MONTH = re.compile(
    r"^(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.)?[\s-]+(?P<m>[a-z]+)\.?,?[\s-]+(?P<y>\d{4})" + _REST, re.I
)
_MONTH_DAY = re.compile(r"^(?P<m>[a-z]+)\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})" + _REST, re.IGNORECASE)
_SERIAL = re.compile(r"^\d{5}(?:[.,]\d{1,15})?$")
_CLOCK = re.compile(
    r"^(?P<h>\d{1,2})(?:\s*[:h.]\s*(?P<min>\d{2})?(?::(?P<s>\d{2})(?:[.,]\d{1,9})?)?)?\s*(?P<half>[ap]\.?m\.?)?"
    r"\s*(?P<offset>Z|UTC|GMT|[+-]\d{2}:?\d{2})?$",
    re.IGNORECASE,
)
_LONGEST = 80  # characters that a moment may have
_FURTHEST = timedelta(hours=14)  # no zone is further from UTC
_SERIAL_START = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's day 0, where its days are counted from 1900


@dataclass(frozen=True)
class Moment:
    """A wall time or, with `offset`, a moment of the world's."""

    wall: datetime
    offset: timedelta | None = None


@dataclass(frozen=True)
class Unread:
    """Why it cannot be read, under a stable name, and what could be written instead."""

    name: str
    why: Sentence
    choices: tuple[str, ...] = ()
    is_time: bool = False  # it is the time cell that is wrong, not the date


def looks_like_a_date(text: str) -> bool:
    """Whether a cell could stand for a day, however it is written."""
    plain = _plain(text)
    shapes = (_YEAR_FIRST, _YEAR_LAST, _SHORT_YEAR, _DAY_MONTH, _MONTH_DAY)
    return 0 < len(plain) <= _LONGEST and any(shape.match(plain) for shape in shapes)


def read_moment(text: str, clock: str = "", order: str = "") -> Moment | Unread:
    """The moment that a date cell and a time cell (which may be empty) say together. `order`
    says which of two numbers is the day, where somebody was asked."""
    plain = _plain(text)
    if len(plain) > _LONGEST or len(clock) > _LONGEST:
        return _unreadable()
    if _SERIAL.match(plain):
        return _serial(plain)
    if _SHORT_YEAR.match(plain):
        return Unread("short_year", say("Write the year with four digits, like 2026-03-29 14:30."))
    days, rest = _days_of(plain, order)
    if isinstance(days, Unread):
        return days
    said = clock.strip() or (rest or "").strip()
    if clock.strip() and (rest or "").strip():
        return Unread("two_times", say("The time stands in two cells: leave it in one."), is_time=True)
    if len(days) > 1:
        choices = tuple(f"{day:%Y-%m-%d} {said}".strip() if not clock.strip() else f"{day:%Y-%m-%d}" for day in days)
        return Unread(
            "ambiguous_date", say("Is this {first} or {second}?", first=choices[0], second=choices[1]), choices
        )
    return _at(days[0], said)


def _plain(text: str) -> str:
    """Accents and the weekday's name taken off: neither decides anything."""
    folded = unicodedata.normalize("NFKD", " ".join(text.split()))
    plain = "".join(c for c in folded if not unicodedata.combining(c))
    first, _, rest = plain.partition(" ")
    return rest if first.rstrip(".,").casefold() in _DAYS else plain


def _days_of(plain: str, order: str) -> tuple[list[date] | Unread, str | None]:
    """The days that it can mean, and what stands behind them."""
    if found := _YEAR_FIRST.match(plain):
        return _day(found["y"], found["m"], found["d"]), found["rest"]
    if found := _DAY_MONTH.match(plain) or _MONTH_DAY.match(plain):
        named = _MONTHS.get(found["m"].casefold())
        return (_day(found["y"], str(named), found["d"]) if named else _unreadable()), found["rest"]
    found = _YEAR_LAST.match(plain)
    if not found:
        return _unreadable(), None
    # With points it is day first wherever it is written so.
    wanted = ("dmy",) if found["sep"] == "." else (order,) if order in ORDERS else ORDERS
    readings = {one: (found["a"], found["b"]) if one == "dmy" else (found["b"], found["a"]) for one in wanted}
    days: list[date] = []
    for day, month in readings.values():
        read = _day(found["y"], month, day)
        if not isinstance(read, Unread):
            days += [one for one in read if one not in days]
    return days or Unread("no_such_day", say("There is no such day.")), found["rest"]


def _day(year: str, month: str, day: str) -> list[date] | Unread:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return Unread("no_such_day", say("There is no such day."))
    if not 1970 <= found.year < 2200:
        return Unread("no_such_day", say("That year is out of reach."))
    return [found]


def _at(day: date, said: str) -> Moment | Unread:
    if not said:
        return Unread(
            "time_missing", say("Say the hour too, like {example}.", example=f"{day:%Y-%m-%d} 09:00"), is_time=True
        )
    found = _CLOCK.match(said)
    if not found or (found["min"] is None and found["half"] is None and not re.search(r"[h:]", said, re.IGNORECASE)):
        return _no_time()
    try:
        clock = time(_hour(int(found["h"]), found["half"] or ""), int(found["min"] or 0), int(found["s"] or 0))
        return Moment(datetime.combine(day, clock), _offset(found["offset"]))
    except ValueError:
        return _no_time()


def _hour(hour: int, half: str) -> int:
    """Raises ValueError where a half of the day has no such hour."""
    if not half:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError(hour)
    return hour % 12 + (12 if half[0] in "pP" else 0)


def _no_time() -> Unread:
    return Unread("time_unread", say("This is no time: write it like 14:30."), is_time=True)


def _offset(said: str | None) -> timedelta | None:
    """Raises ValueError for what no zone has."""
    if not said:
        return None
    if said.upper() in ("Z", "UTC", "GMT"):
        return timedelta(0)
    size = timedelta(hours=int(said[1:3]), minutes=int(said[-2:]))
    if size > _FURTHEST:
        raise ValueError(said)
    return -size if said.startswith("-") else size


def _serial(plain: str) -> Unread:
    """A bare number of days says neither from when it counts nor that it is a date at all."""
    meant = _SERIAL_START + timedelta(days=float(plain.replace(",", ".")))
    meant = (meant + timedelta(seconds=30)).replace(second=0, microsecond=0)
    choice = f"{meant:%Y-%m-%d %H:%M}"
    return Unread(
        "date_serial",
        say("This is how Excel counts days. If it counts from 1900, {choice} is meant.", choice=choice),
        (choice,),
    )


def _unreadable() -> Unread:
    return Unread("date_unread", say("This is no date that can be read: write it like 2026-03-29 14:30."))


def instant_of(moment: Moment) -> datetime | None:
    """The moment in UTC, where it said its offset. Raises OverflowError at the calendar's ends."""
    if moment.offset is None:
        return None
    return moment.wall.replace(tzinfo=timezone(moment.offset))
