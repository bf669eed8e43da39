"""In what a network's timeline and our rows differ. Pure.

A stranger stands there and is none of ours; an absence is ours and stands there no more. What
may yet change by itself (a send under way, an open doubt) is in neither.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.contract import ChannelSpec, Figures, Standing, Timeline
from guichet.metering.rules import WARN_AT

EVERY = timedelta(days=1)
AGAIN = timedelta(hours=1)  # after one that failed
FIRST_STRETCH = timedelta(days=1)
LONGEST_STRETCH = timedelta(days=7)  # after days without any; older things are not looked at
MARGIN = timedelta(minutes=10)  # clocks differ, and lists are not made in an instant
MOST_READ = 3200  # as much as X gives back
MOST_CONFIRMED = 50  # absences that the network is asked about one by one
LONGEST_EXCERPT = 300  # characters
# How old a post is when what it brought is kept: most of it has come, and a list that is read
# once a day shows each post at one such age.
MEASURED_FROM = timedelta(hours=24)
MEASURED_UNTIL = timedelta(hours=60)
KEPT_FIGURES = timedelta(days=400)


@dataclass(frozen=True)
class Stretch:
    """What is compared: published from `since` to `until`; about `most` may be read, back to
    `read_since`: posts that were compared already are read again for what they brought."""

    since: datetime
    until: datetime
    most: int
    read_since: datetime


@dataclass(frozen=True)
class Sent:
    """A delivery that we say was published."""

    delivery_id: int
    remote_id: str
    text: str
    at: datetime
    url: str = ""


@dataclass(frozen=True)
class Found:
    """One difference, as guichet.models.Discrepancy keeps it."""

    kind: str
    code: str
    remote_id: str
    at: datetime
    text: str
    url: str = ""
    via: str = ""
    delivery_id: int | None = None


@dataclass(frozen=True)
class Said:
    """Who else of ours says some words: `published`, `open` (it may be out) or neither."""

    delivery_id: int
    is_published: bool
    may_be_out: bool


def stretch(
    spec: ChannelSpec, through: datetime | None, connected_at: datetime, most: int, now: datetime,
    measures: bool = True,
) -> Stretch:  # fmt: skip
    """From where the last comparison ended, less a margin, to what nothing can be added to.
    `measures`: posts may be read a second time."""
    until = now - spec.latest_arrival - spec.read_lag - MARGIN
    since = through - MARGIN if through else until - FIRST_STRETCH
    since = max(since, connected_at, now - LONGEST_STRETCH)
    again = max(connected_at, now - MEASURED_UNTIL)
    return Stretch(since, until, most, min(since, again) if measures else since)


def reads_left(spent: int, limit: int | None, price: int) -> int:
    """How many posts may be read at that price, in millionths: never beyond the first mark of the
    month's limit, for what is left then is for what people want to say."""
    if not price or limit is None:
        return MOST_READ
    return min(MOST_READ, max(0, limit * WARN_AT[0] // 100 - spent) // price)


def words(text: str) -> str:
    """A text reduced to what survives a network: NFC, one space for any."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def seen_since(asked: Stretch, timeline: Timeline) -> datetime:
    """From when on the timeline is whole. Of nothing that was shown, nothing is known."""
    if timeline.is_complete:
        return asked.since
    return max(asked.since, timeline.standing[-1].at) if timeline.standing else asked.until


def is_whole(asked: Stretch, timeline: Timeline) -> bool:
    """Whether all that was to be compared was shown."""
    return timeline.is_complete or seen_since(asked, timeline) <= asked.since


def settled(timeline: Timeline, now: datetime) -> dict[str, Figures]:
    """What posts of the right age have brought, by each id that they have."""
    return {
        id_: one.figures
        for one in timeline.standing
        if one.figures is not None and now - MEASURED_UNTIL <= one.at <= now - MEASURED_FROM
        for id_ in (one.remote_id, *one.aliases)
    }


def absences(asked: Stretch, timeline: Timeline, sent: Iterable[Sent], taken_down: Collection[str]) -> list[Found]:
    """What we published in the stretch, did not take down, and is not there."""
    standing = {id_ for s in timeline.standing for id_ in (s.remote_id, *s.aliases)}
    since = seen_since(asked, timeline)
    return [
        Found("absence", "gone", s.remote_id, s.at, excerpt(s.text), s.url, delivery_id=s.delivery_id)
        for s in sent
        if since <= s.at <= asked.until and s.remote_id not in standing and s.remote_id not in taken_down
    ]


def unknown(asked: Stretch, timeline: Timeline, known: Collection[str]) -> list[Standing]:
    """What stands there, from the stretch, under no id of ours."""
    return [
        s
        for s in timeline.standing
        if asked.since <= s.at <= asked.until and not {s.remote_id, *s.aliases} & set(known)
    ]


def strangers(
    standing: Iterable[Standing], heard: Collection[str], by_words: Mapping[str, Sequence[Said]]
) -> list[Found]:
    """What is to be told of what stands there unknown. What is in an open doubt is put before a
    person anyway. `heard`: answers that were written in the network's own app stand in their
    conversation; only where they have the words of a delivery of ours is there more to say."""
    found = []
    for one in standing:
        alike = by_words.get(words(one.text), ())
        if any(said.may_be_out for said in alike):
            continue
        if not alike and one.remote_id in heard:
            continue
        twin = next((said for said in alike if said.is_published), alike[0] if alike else None)
        code = "unknown_hand" if twin is None else "twice" if twin.is_published else "our_words"
        of = twin.delivery_id if twin else None
        found.append(Found("stranger", code, one.remote_id, one.at, excerpt(one.text), one.url, one.via, of))
    return found


def excerpt(text: str) -> str:
    return text if len(text) <= LONGEST_EXCERPT else f"{text[: LONGEST_EXCERPT - 1]}…"
