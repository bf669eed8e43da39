"""Which coming times to put forward for a post. Pure.

Of several accounts a time is the better, the more of them it stands out for; what one account's
own posts speak against is put forward for none. Nothing is made up: where no account's history
shows anything, there is no suggestion.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from guichet.promises.hours import Hours, is_open
from guichet.timing.rules import BLOCK, Judgement, Measured, Verdict

LOOK_AHEAD = timedelta(days=14)
SUGGESTED = 3
NOTICE = timedelta(minutes=15)  # nothing is put forward that begins sooner
ROUNDED = 15  # minutes between the times that are tried
_ALONE = timedelta(minutes=15)  # so far from another post, where the account wants no more


@dataclass(frozen=True)
class Candidate:
    """An account that the post is for: what its history says, when it has other posts (in order),
    and how far from them it wants a post to be. `hours`: when its brand is there to answer."""

    account_id: int
    zone: ZoneInfo
    judged: Judgement
    taken: Sequence[datetime] = ()
    min_gap: timedelta = timedelta(0)
    hours: Hours | None = None

    def takes(self, at: datetime) -> bool:
        """Whether a post may stand there."""
        away = max(self.min_gap, _ALONE)
        n = bisect_left(self.taken, at)
        near = self.taken[max(0, n - 1) : n + 1]
        return all(abs(one - at) >= away for one in near) and (self.hours is None or is_open(self.hours, at))

    def better(self, at: datetime) -> Measured | None:
        return self.judged.at(at.astimezone(self.zone))


@dataclass(frozen=True)
class Suggestion:
    """A time, and what speaks for it, by account; the accounts left out have nothing to say."""

    at: datetime
    reasons: Mapping[int, Measured]

    @property
    def rank(self) -> tuple[float, float, datetime]:
        return -len(self.reasons), -sum(m.better for m in self.reasons.values()), self.at


def choose(candidates: Sequence[Candidate], after: datetime, *, most: int = SUGGESTED) -> list[Suggestion]:
    """Up to `most` times later than `after`, the best first, no two in the same part of a day."""
    found: list[Suggestion] = []
    for ours in candidates:
        for day in _days(ours.zone, after):
            for place in _places(ours, day):
                if (one := _first_free(candidates, ours.zone, place, after)) is not None:
                    found.append(one)
    chosen: list[Suggestion] = []
    for one in sorted(found, key=lambda s: s.rank):
        if all(abs(one.at - other.at) >= timedelta(hours=BLOCK) for other in chosen):
            chosen.append(one)
    return chosen[:most]


def _days(zone: ZoneInfo, after: datetime) -> Iterator[date]:
    day, last = after.astimezone(zone).date(), (after + LOOK_AHEAD).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _places(ours: Candidate, day: date) -> Iterator[list[datetime]]:
    """For each part that stands out on that day its wall times: the usual one first."""
    if ours.judged.verdict is not Verdict.FOUND:
        return
    for measured in ours.judged.best:
        part = measured.part
        if part.weekday not in (None, day.weekday()):
            continue
        usual = measured.minute // ROUNDED * ROUNDED
        hour = usual // 60 // BLOCK * BLOCK if part.hour is None else part.hour
        others = range(hour * 60, (hour + BLOCK) * 60, ROUNDED)
        minutes = [usual, *(m for m in others if m != usual)]
        yield [datetime.combine(day, time(m // 60, m % 60)) for m in minutes]


def _first_free(
    candidates: Sequence[Candidate], zone: ZoneInfo, place: Sequence[datetime], after: datetime
) -> Suggestion | None:  # fmt: skip
    for wall in place:
        at = wall.replace(tzinfo=zone).astimezone(UTC)
        is_real = at.astimezone(zone).replace(tzinfo=None) == wall  # not in an hour that the clock skips
        if not is_real or not after < at <= after + LOOK_AHEAD:
            continue
        if any(c.judged.speaks_against(at.astimezone(c.zone)) for c in candidates):
            return None
        reasons = {c.account_id: m for c in candidates if (m := c.better(at)) is not None}
        if reasons and all(c.takes(at) for c in candidates):
            return Suggestion(at, reasons)
    return None
