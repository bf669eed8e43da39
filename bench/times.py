"""When posts did better: how often that is told of histories made by chance alone, and how often found.

Each history: 90 days, posts at the hours and on the days that a company posts, spread as reactions
are (logarithms, a standard deviation of 0.9 around 6). `chance`: nothing depends on the time; with
events (whole days do better or worse), growth, or so few reactions that most posts have none. Else
posts of one time bring more: how often that time is told as the best.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.figures import Figure, median
from guichet.timing.rules import Judgement, Part, Seen, Verdict, judge

HISTORIES = 300
PARIS = ZoneInfo("Europe/Paris")
_HOURS, _WEIGHTS = (8, 9, 11, 12, 14, 17, 18, 20), (3, 3, 2, 3, 2, 3, 2, 1)
_FIRST = datetime(2026, 3, 1, tzinfo=PARIS)


@dataclass(frozen=True)
class World:
    """How posts fare. `better`: the time at which they bring `factor` times as much."""

    a_day: float = 1.5
    usual: float = 6
    events: float = 0
    growth: float = 0
    better: Part | None = None
    factor: float = 1

    def history(self, seed: int) -> list[Seen]:
        luck, seen = random.Random(seed), list[Seen]()
        for n in range(90):
            day, event = _FIRST + timedelta(days=n), luck.gauss(0, self.events)
            if day.weekday() >= 5 and luck.random() < 0.7:
                continue
            for _ in range(int(self.a_day) + (luck.random() < self.a_day % 1)):
                wall = day.replace(hour=luck.choices(_HOURS, _WEIGHTS)[0], minute=luck.choice((0, 15, 30)))
                mean = math.log(self.usual) + event + self.growth * n / 90 + luck.gauss(0, 0.9)
                if self.better is not None and self.better.has(wall):
                    mean += math.log(self.factor)
                brought = round(luck.gauss(math.exp(mean), math.exp(mean / 2)))
                seen.append(Seen(len(seen), wall.astimezone(UTC), max(0, brought)))
        return seen


def measure() -> Iterator[Figure]:
    for name, world in {
        "chance alone": World(),
        "chance, four posts a day, days with events": World(a_day=4, events=0.7),
        "chance, one post a day, growth of 2.7×": World(a_day=1, growth=1),
        "chance, most without any reaction": World(usual=0.5),
    }.items():
        judged = [judge(world.history(n), PARIS) for n in range(HISTORIES)]
        told = sum(j.verdict is Verdict.FOUND for j in judged) / HISTORIES
        yield Figure(f"told a time: {name}", told * 100, "%", goal=8, at_least=False)
    for name, world in {
        "any day 08–10, twice as much": World(better=Part(None, 8), factor=2),
        "any day 08–10, three times": World(better=Part(None, 8), factor=3),
        "Thursdays, 2.3 times": World(better=Part(3, None), factor=2.3),
        "Tuesdays 08–10, 2.3 times, two posts a day": World(a_day=2, better=Part(1, 8), factor=2.3),
        "Tuesdays 08–10, four times, two posts a day": World(a_day=2, better=Part(1, 8), factor=4),
    }.items():
        judged = [judge(world.history(n), PARIS) for n in range(HISTORIES)]
        yield Figure(f"found: {name}", sum(_is_found(j, world) for j in judged) / HISTORIES * 100, "%")
    history, took = World(a_day=4).history(1), []
    for _ in range(20):
        began = time.perf_counter()
        judge(history, PARIS)
        took.append((time.perf_counter() - began) * 1000)
    yield Figure(f"judging {len(history)} posts, median", median(took), "ms", goal=150, at_least=False)


def _is_found(judged: Judgement, world: World) -> bool:
    """Whether the best that is told lies in the time that is better, or holds it."""
    best, real = next(iter(judged.best), None), world.better
    if best is None or real is None:
        return False
    return best.part.weekday in (None, real.weekday) and (best.part.hour in (None, real.hour) or real.hour is None)
