"""When an account's posts did better than its posts in general, and when nothing can be said. Pure.

Each post is held against the others of its weeks (an account that grows must not make its latest
hours look good), by ranks, so that one post that everybody passed on counts once. Posts of one day
and part of it count together: a day's event is one event. Many parts of the week are tried, and
some would stand out by luck: the best of the same posts in a shuffled order says how far. Of
histories in which nothing depends on the time about one in twenty is to be told otherwise
(`python -m bench times` measures it); a suggestion is a pointer, never a promise.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import log1p, sqrt
from statistics import NormalDist, mean, median
from zoneinfo import ZoneInfo

LOOK_BACK = timedelta(days=90)
NEEDED_POSTS = 30
NEEDED_DAYS = 15  # on which they went out
BLOCK = 2  # hours in a part of the day
MOST_POSTS = 1000  # the newest are looked at
_LEAST = 5  # days with posts in a part of the week, to say anything of it
_NEAR = timedelta(days=14)  # a post is held against those so long before and after it
_FEW = 10  # neighbours; with fewer, against all
_SHUFFLES = 199
_LUCK = 0.04  # how often luck may do as well
_DOUBT = 5  # days with posts that would make us believe half of what a part shows


class Verdict(StrEnum):
    """What can be said of an account."""

    THIN = "thin"  # too few posts, or of too few days
    NOTHING = "nothing"  # no time stands out
    FOUND = "found"


@dataclass(frozen=True)
class Seen:
    """A post, and how much it brought at a comparable age."""

    post_id: int
    at: datetime
    brought: int


@dataclass(frozen=True)
class Part:
    """A part of the week: from `hour` on a weekday (Monday 0), BLOCK hours long. Without a
    weekday: on any day; without an hour: all day."""

    weekday: int | None
    hour: int | None

    def has(self, wall: datetime) -> bool:
        """Whether a wall time lies in it."""
        on_day = self.weekday is None or wall.weekday() == self.weekday
        return on_day and (self.hour is None or wall.hour // BLOCK * BLOCK == self.hour)


@dataclass(frozen=True)
class Measured:
    """What the posts of a part of the week brought: `better` is how far they stand above the
    account's others (in standard deviations, pulled towards none where they are few)."""

    part: Part
    posts: int
    days: int
    brought: int  # the middle one of them
    better: float
    stands_out: bool = False
    minute: int = 0  # of the day at which they went out, the middle one of them


@dataclass(frozen=True)
class Judgement:
    """What is known of an account: `usual` is what the middle one of all its posts brought."""

    verdict: Verdict
    posts: int
    days: int
    usual: int = 0
    parts: Mapping[Part, Measured] = field(default_factory=dict)

    @property
    def best(self) -> list[Measured]:
        """The parts of the week that stand out, the best first."""
        return sorted((m for m in self.parts.values() if m.stands_out), key=lambda m: -m.better)

    def at(self, wall: datetime) -> Measured | None:
        """The best part that stands out and holds this wall time; None: there is none, or the
        posts of just that weekday and hour say otherwise."""
        own = self.parts.get(Part(wall.weekday(), wall.hour // BLOCK * BLOCK))
        if own is not None and own.better <= 0:
            return None
        return next((m for m in self.best if m.part.has(wall)), None)

    def speaks_against(self, wall: datetime) -> bool:
        """Whether the posts of that weekday and hour did worse than the others."""
        own = self.parts.get(Part(wall.weekday(), wall.hour // BLOCK * BLOCK))
        return own is not None and own.days >= _LEAST and own.better < -0.25


def judge(seen: Iterable[Seen], zone: ZoneInfo) -> Judgement:
    """What these posts say, in the account's own zone."""
    posts = sorted(seen, key=lambda s: s.at)[-MOST_POSTS:]
    walls = [s.at.astimezone(zone) for s in posts]
    days = len({w.date() for w in walls})
    usual = middle([s.brought for s in posts])
    if len(posts) < NEEDED_POSTS or days < NEEDED_DAYS:
        return Judgement(Verdict.THIN, len(posts), days, usual)
    above = _above_their_weeks(posts)
    chosen = random.Random(1)  # the same history is always judged the same
    by_part = _families(walls, above)
    best_of_luck = _best_of_luck(by_part, chosen)
    parts = {
        part: _measured(part, scores, posts, walls, usual, best_of_luck)
        for family in by_part
        for part, scores in family.scores().items()
    }
    found = any(m.stands_out for m in parts.values())
    return Judgement(Verdict.FOUND if found else Verdict.NOTHING, len(posts), days, usual, parts)


def middle(values: Sequence[int]) -> int:
    """The lower of the two in the middle; 0 for none."""
    return sorted(values)[(len(values) - 1) // 2] if values else 0


@dataclass(frozen=True)
class _Family:
    """Parts of the week, the score of each unit (a day, or a part of one), and which units
    stand in which part."""

    units: Sequence[float]
    members: Mapping[Part, Sequence[int]]

    def scores(self) -> dict[Part, list[float]]:
        return {part: [self.units[i] for i in at] for part, at in self.members.items()}


def _above_their_weeks(posts: Sequence[Seen]) -> list[float]:
    """How much more each brought than the middle one of the posts around it; as logarithms, for
    twice as much is as much at 5 as at 500."""
    logs = [log1p(s.brought) for s in posts]
    found, first, last = [], 0, 0
    for n, one in enumerate(posts):
        while posts[first].at < one.at - _NEAR:
            first += 1
        while last < len(posts) and posts[last].at <= one.at + _NEAR:
            last += 1
        near = logs[first:last] if last - first >= _FEW else logs
        found.append(logs[n] - median(near))
    return found


def _families(walls: Sequence[datetime], above: Sequence[float]) -> tuple[_Family, _Family]:
    """By parts of days, on their weekday and on any; and by whole days."""
    by_block: dict[tuple[date, int], list[float]] = {}
    by_day: dict[date, list[float]] = {}
    for wall, value in zip(walls, above, strict=True):
        by_block.setdefault((wall.date(), wall.hour // BLOCK * BLOCK), []).append(value)
        by_day.setdefault(wall.date(), []).append(value)
    blocks: dict[Part, list[int]] = {}
    for n, (day, hour) in enumerate(by_block):
        blocks.setdefault(Part(day.weekday(), hour), []).append(n)
        blocks.setdefault(Part(None, hour), []).append(n)
    whole: dict[Part, list[int]] = {}
    for n, day in enumerate(by_day):
        whole.setdefault(Part(day.weekday(), None), []).append(n)
    return (
        _Family(_ranked([mean(v) for v in by_block.values()]), blocks),
        _Family(_ranked([mean(v) for v in by_day.values()]), whole),
    )


def _ranked(values: Sequence[float]) -> list[float]:
    """Each value's place among all, as a standard normal one; equals share their place."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, normal, first = [0.0] * len(values), NormalDist(), 0
    while first < len(order):
        last = first
        while last + 1 < len(order) and values[order[last + 1]] == values[order[first]]:
            last += 1
        score = normal.inv_cdf(((first + last) / 2 + 0.5) / len(order))
        for place in order[first : last + 1]:
            found[place] = score
        first = last + 1
    return found


def _best_of_luck(families: Sequence[_Family], chosen: random.Random) -> float:
    """What the best part reaches, over all parts, where the order is only luck."""
    reached = []
    told = [[at for at in f.members.values() if len(at) >= _LEAST] for f in families]
    units = [list(f.units) for f in families]
    for _ in range(_SHUFFLES):
        best = 0.0
        for of, members in zip(units, told, strict=True):
            chosen.shuffle(of)
            for at in members:
                best = max(best, sum(of[i] for i in at) / sqrt(len(at)))
        reached.append(best)
    return sorted(reached)[int((1 - _LUCK) * (_SHUFFLES + 1)) - 1]


def _measured(
    part: Part, scores: Sequence[float], posts: Sequence[Seen], walls: Sequence[datetime], usual: int, luck: float
) -> Measured:  # fmt: skip
    mine = [(s, w) for s, w in zip(posts, walls, strict=True) if part.has(w)]
    brought, n = middle([s.brought for s, _ in mine]), len(scores)
    stands_out = n >= _LEAST and sum(scores) / sqrt(n) > luck and brought > usual
    minute = middle([w.hour * 60 + w.minute for _, w in mine])
    return Measured(part, len(mine), n, brought, n / (n + _DOUBT) * mean(scores), stands_out, minute)
