"""Walking back through a list that is newest first, until all of it is known.

Two lists of the network are read this way (what was said to us, what we said), and
neither gives a cursor for "what is new since". So the cursor kept here remembers what
the last walk saw. A walk goes on until a whole page holds nothing unknown and lies
before the overlap: things may appear late among older ones (a customer's clock that is
behind), and a long outage is walked through to its beginning.

What the last walk saw and this one misses, within the stretch both cover, has vanished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.bluesky.syntax import datetime_text, parse_datetime
from channels.contract import JSON, Gap
from channels.errors import Malformed
from channels.sentences import say

OVERLAP = timedelta(minutes=15)
FIRST_LOOK_BACK = timedelta(days=1)
MOST_PAGES = 200
REMEMBERED = 100  # at least one page
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """One line of the list: when it stands there, its address, and all of it."""

    at: datetime
    uri: str
    body: JSON


# Gives one page, newest first, and what to ask the next page with ("" at the end).
Fetch = Callable[[str], tuple[list[Entry], str]]


@dataclass(frozen=True)
class Walk:
    """What a walk found: `fresh` oldest first, `missing` as (uri, at), and the cursor to keep."""

    fresh: tuple[Entry, ...]
    missing: tuple[tuple[str, datetime], ...]
    cursor: JSON
    gap: Gap | None = None


def walk(fetch: Fetch, cursor: Mapping[str, Any] | None) -> Walk:
    """Walk once. `cursor` is what the last walk gave, None the first time (then only
    what is newer than a day before the newest entry is taken up)."""
    seen, floor, last = _remembered(cursor)
    met: dict[str, Entry] = {}
    position, ended = "", False
    for _ in range(MOST_PAGES):
        entries, position = fetch(position)
        if cursor is None and not met and entries:
            floor = last = entries[0].at - FIRST_LOOK_BACK
        unknown = [e for e in entries if e.uri not in seen and e.uri not in met and e.at >= floor]
        met.update((e.uri, e) for e in entries if e.uri not in met)
        ended = not position
        if ended or (entries and not unknown and entries[-1].at < last - OVERLAP):
            break
    else:
        return _cut_short(met, seen, floor, last)
    return _result(met, seen, floor, last, ended)


def _result(
    met: Mapping[str, Entry],
    seen: Mapping[str, datetime],
    floor: datetime,
    last: datetime,
    ended: bool,
    gap: Gap | None = None,
) -> Walk:
    # Entries of the same moment come in no order of their own: their keys carry microseconds.
    by_time = sorted(met.values(), key=lambda e: (e.at, e.uri.rpartition("/")[2]))
    fresh = tuple(e for e in by_time if e.uri not in seen and e.at >= floor)
    covered_from = _BEGINNING if ended else min((e.at for e in met.values()), default=last)
    missing = tuple((uri, at) for uri, at in seen.items() if uri not in met and (ended or at > covered_from))
    newest = max((e.at for e in met.values()), default=last)
    return Walk(fresh, missing, _cursor(met.values(), floor, max(last, newest)), gap)


def _cut_short(met: Mapping[str, Entry], seen: Mapping[str, datetime], floor: datetime, last: datetime) -> Walk:
    oldest = min((e.at for e in met.values()), default=last)
    gap = (
        Gap(last, oldest, say("more than {count} entries since the last reading", count=len(met)))
        if oldest > last
        else None
    )
    return _result(met, seen, floor, last, ended=False, gap=gap)


def _remembered(cursor: Mapping[str, Any] | None) -> tuple[dict[str, datetime], datetime, datetime]:
    if cursor is None:
        return {}, _BEGINNING, _BEGINNING
    try:
        seen = {str(uri): parse_datetime(at) for uri, at in cursor["seen"]}
        return seen, parse_datetime(cursor["floor"]), parse_datetime(cursor["last"])
    except (KeyError, TypeError, ValueError) as e:
        raise Malformed("the stored cursor of this stream cannot be read") from e


def _cursor(met: Iterable[Entry], floor: datetime, last: datetime) -> JSON:
    kept = [e for number, e in enumerate(met) if number < REMEMBERED or e.at >= last - OVERLAP]
    return {
        "floor": datetime_text(floor),
        "last": datetime_text(last),
        "seen": [[e.uri, datetime_text(e.at)] for e in kept],
    }


def keep_in_mind(cursor: JSON, missing: Iterable[tuple[str, datetime]]) -> JSON:
    """The cursor with entries that were missed but not yet looked into."""
    return {**cursor, "seen": [*cursor["seen"], *([uri, datetime_text(at)] for uri, at in missing)]}
