"""What a mail's calendar part says (RFC 5545, RFC 6047): which event, when, where, who.

Text only, and only a little of it: whoever wants the whole opens the file. A part that cannot be
read says nothing; the file is there all the same.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from channels.contract import RemoteMedia
from channels.email.bodies import plain

MOST_BYTES = 200_000
MOST_PEOPLE = 30
MOST_EVENTS = 200
_LENGTH = 300
_METHODS = frozenset({"REQUEST", "PUBLISH", "REPLY", "CANCEL", "COUNTER", "DECLINECOUNTER", "REFRESH", "ADD"})


def invitation(media: Sequence[RemoteMedia]) -> dict[str, Any] | None:
    """The first event of the first calendar part that can be read; None where there is none.

    `starts`, `ends`: ISO. With an offset where the moment is known, and then `zone` is the
    sender's (an IANA name, or ""); without one where the sender means the reader's own clock; a
    mere date for whole days, of which `ends` is the last.
    """
    for one in media:
        if one.mime == "text/calendar" and one.data and len(one.data) <= MOST_BYTES:
            # The library raises almost anything on broken input.
            with contextlib.suppress(Exception, RecursionError):
                found = _read(one.data)
                if found is not None:
                    return found
    return None


def _read(data: bytes) -> dict[str, Any] | None:
    calendar = Calendar.from_ical(data.decode("utf-8", "replace"))
    events = [part for part in calendar.subcomponents[:MOST_EVENTS] if isinstance(part, Event)]
    begun = [event for event in events if "DTSTART" in event]
    if not begun:
        return None
    event = begun[0]
    method = str(calendar.get("METHOD", "")).upper()
    starts = event.decoded("DTSTART")
    return {
        "method": method if method in _METHODS else "",
        "cancelled": method == "CANCEL" or str(event.get("STATUS", "")).upper() == "CANCELLED",
        "summary": _text(event.get("SUMMARY")),
        "location": _text(event.get("LOCATION")),
        **_when(starts, _end(event, starts)),
        "zone": _zone(starts),
        "repeats": "RRULE" in event or "RDATE" in event,
        "organiser": _person(event.get("ORGANIZER")),
        "people": [_person(who) for who in _several(event.get("ATTENDEE"))[:MOST_PEOPLE]],
        "more_people": max(0, len(_several(event.get("ATTENDEE"))) - MOST_PEOPLE),
        "more_events": len(begun) - 1,
    }


def _end(event: Event, starts: date) -> date | None:
    if "DTEND" in event:
        ends = event.decoded("DTEND")
    elif "DURATION" in event:
        ends = starts + event.decoded("DURATION")
    else:
        return None
    # Neither the one mixed with the other, nor an end before its beginning.
    if isinstance(ends, datetime) != isinstance(starts, datetime) or _comparable(ends) < _comparable(starts):
        return None
    return ends if isinstance(ends, datetime) else max(starts, ends - timedelta(days=1))  # RFC 5545: the day after


def _comparable(moment: date) -> datetime:
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _when(starts: date, ends: date | None) -> dict[str, Any]:
    return {
        "whole_days": not isinstance(starts, datetime),
        "starts": starts.isoformat(),
        "ends": ends.isoformat() if ends is not None and ends != starts else "",
    }


def _zone(starts: date) -> str:
    zone = starts.tzinfo if isinstance(starts, datetime) else None
    return zone.key if isinstance(zone, ZoneInfo) else ""


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _person(value: Any) -> dict[str, str]:
    """A name, and what an address says of it: what stands before "mailto:" is no address."""
    address = _text(value)
    address = address[7:] if address.lower().startswith("mailto:") else ""
    params = getattr(value, "params", {})
    return {
        "name": _text(params.get("CN")),
        "address": address if "@" in address else "",
        "answer": _text(params.get("PARTSTAT")).lower(),
    }


def _text(value: Any) -> str:
    return " ".join(plain("" if value is None else str(value)).split())[:_LENGTH]
