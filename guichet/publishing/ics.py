"""A brand's posts in the words of other calendars (RFC 5545, written by the icalendar library).
Pure, and the same for the same posts, so that nothing is sent twice to who has it already.

Texts are those of people: what RFC 5545 does not let a text hold is taken out of them, and
the library escapes the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta

from icalendar import Calendar, Event

from guichet.publishing.calendar import Entry

_LENGTH = timedelta(minutes=15)  # a post has none; other calendars draw nothing without one
_REFRESH = timedelta(minutes=15)
# Not in TEXT (RFC 5545, 3.3.11): controls but HTAB and the line break; nor half a character.
_REFUSED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
# As the page marks them, for a calendar that shows no status.
_MARKS = {"awaiting_approval": "? ", "failed": "! ", "partly_failed": "! ", "needs_human": "?! ", "held": "‖ "}


def render(
    name: str, time_zone: str, entries: Iterable[Entry], accounts: Mapping[int, str], tags: Mapping[int, str],
    public_url: str,
) -> bytes:  # fmt: skip
    """The calendar of these entries. `accounts` and `tags` are names by id; `public_url` without
    a slash at its end."""
    calendar = Calendar()
    calendar.add("prodid", "-//Guichet//Calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _clean(name))
    calendar.add("x-wr-timezone", time_zone)
    calendar.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    calendar.add("x-published-ttl", "PT15M")
    host = re.sub(r"^https?://", "", public_url).split("/")[0].split(":")[0] or "guichet"
    for entry in entries:
        calendar.add_component(_event(entry, accounts, tags, public_url, host))
    written: bytes = calendar.to_ical()
    return written


def _event(
    entry: Entry, accounts: Mapping[int, str], tags: Mapping[int, str], public_url: str, host: str
) -> Event:  # fmt: skip
    event, address = Event(), f"{public_url}/compose/{entry.id}"
    words = _clean(entry.first_words)
    event.add("uid", f"post-{entry.id}@{host}")
    event.add("dtstamp", entry.updated_at.astimezone(UTC))
    event.add("last-modified", entry.updated_at.astimezone(UTC))
    event.add("sequence", entry.version)
    event.add("dtstart", entry.due_at.astimezone(UTC))
    event.add("dtend", (entry.due_at + _LENGTH).astimezone(UTC))
    event.add("summary", _MARKS.get(entry.state, "") + (" ".join(words.split())[:80] or "–"))
    shown = ", ".join(_clean(accounts[i]) for i in entry.account_ids if i in accounts)
    event.add("description", "\n".join(part for part in (words, shown, address) if part))
    event.add("url", address)
    event.add("status", "TENTATIVE" if entry.state == "awaiting_approval" else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    named = [_clean(tags[i]) for i in entry.tag_ids if i in tags]
    if named:
        event.add("categories", named)
    return event


def _clean(text: str) -> str:
    return _REFUSED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
