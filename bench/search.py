"""Search over 5,000,000 messages, through HTTP, by somebody who may see 20 of 22 accounts.

On PostgreSQL, in 1,000,000 conversations. Words are looked for that stand in so many
messages; each time another word. What is found is the newest 25 of all states, and, as the
inbox asks for it, of those that are open.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from urllib.parse import quote

from bench.crowd import Crowd
from bench.databases import fresh
from bench.figures import Figure, median, percentile, timed
from bench.serving import Visitor, served
from guichet.db.engine import open_engine

CONVERSATIONS, EACH = 1_000_000, 5
RUNS = 60
OFTEN = (200, 2_000, 20_000, 100_000, 300_000)  # messages that a word stands in
PAIRS = ((200, 300_000), (2_000, 2_000), (20_000, 20_000), (20_000, 300_000), (300_000, 300_000))
_WORDS = 8  # words of each, taken in turns
ONE, TWO = 15, 100  # ms, p95
_LISTS = {"all": "/api/v1/conversations?limit=25&state=all&sort=newest&q=", "open": "/api/v1/conversations?limit=25&q="}


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, fresh("PostgreSQL", Path(folder)) as url:
        engine = open_engine(url)
        crowd = Crowd(engine, EACH)
        crowd.grow(CONVERSATIONS, is_indexed=True)
        with served("bench.serving", url, Path(folder) / "web") as port:
            visitor = Visitor(port, crowd.token)
            yield from _plain(visitor)
            for often in OFTEN:
                yield from _searches(visitor, f"a word of {often:,}", crowd.words_said(often)[:_WORDS], ONE)
            for one, other in PAIRS:
                words = crowd.words_said(one)[:_WORDS], crowd.words_said(other)[: 2 * _WORDS]
                pairs = [" ".join(pair) for pair in zip(words[0], reversed(words[1]), strict=False)]
                yield from _searches(visitor, f"words of {one:,} and of {other:,}", pairs, TWO)
        engine.dispose()


def _plain(visitor: Visitor) -> Iterator[Figure]:
    """What a list costs that is not searched."""
    for name, path in _LISTS.items():
        took = timed(lambda path=path: visitor.get(path), RUNS)  # type: ignore[misc]
        yield Figure(f"no word, {name}, p50", median(took), "ms")


def _searches(visitor: Visitor, name: str, asked: list[str], goal: float) -> Iterator[Figure]:
    for where, path in _LISTS.items():
        turns = cycle(asked)
        took = timed(lambda path=path, turns=turns: visitor.get(path + quote(next(turns))), RUNS)  # type: ignore[misc]
        yield Figure(f"{name}, {where}, p50", median(took), "ms")
        yield Figure(f"{name}, {where}, p95", percentile(took, 0.95), "ms", goal=goal, at_least=False)
