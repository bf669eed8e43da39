"""What stands in a post's way on an account: another one too near, or the same words. Pure.

Warnings with names, for a person to weigh; they become refusals only where the account's
policy says so. Nearly the same is told by how many characters one must put in or take out
(rapidfuzz), after spaces, case and forms of letters are levelled; short texts must be the same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rapidfuzz import fuzz

POLICIES = ("warn", "refuse")
_ALIKE = 0.9  # the part of both texts that is common
_SHORT = 24  # characters: below this, nearly the same says nothing ("Good morning!")
_COMPARED = 1000  # characters of each text


@dataclass(frozen=True)
class Spacing:
    """What an account wants: the least time between posts, for how many days the same words
    are not repeated (0: neither is asked), and whether that is a warning or a refusal."""

    min_gap: timedelta = timedelta(0)
    duplicate_days: int = 0
    refuses: bool = False
    network_refuses_repeats: bool = False

    @property
    def reach(self) -> timedelta:
        """How far from a post others are looked at."""
        return max(self.min_gap, timedelta(days=self.duplicate_days))


@dataclass(frozen=True)
class Neighbour:
    """Another post that stands on the same account."""

    post_id: int
    at: datetime
    text: str


@dataclass(frozen=True)
class Clash:
    """One thing in the way. `name`: too_close, same_text, similar_text; `data` has its
    figures; `refused`: the account does not allow it, or the network will not."""

    account_id: int
    name: str
    post_id: int
    at: datetime
    refused: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


def clashes_of(
    account_id: int, text: str, at: datetime, neighbours: Iterable[Neighbour], wanted: Spacing
) -> list[Clash]:
    """What is in the way of saying `text` at that moment: of each kind the nearest in time."""
    nearest: dict[str, Clash] = {}
    for neighbour in sorted(neighbours, key=lambda n: abs(n.at - at)):
        for clash in _between(account_id, text, at, neighbour, wanted):
            nearest.setdefault(clash.name, clash)
    return list(nearest.values())


def _between(account_id: int, text: str, at: datetime, neighbour: Neighbour, wanted: Spacing) -> Iterator[Clash]:
    away = abs(neighbour.at - at)
    if away < wanted.min_gap:
        data = {"minutes": int(away.total_seconds() // 60), "gap": int(wanted.min_gap.total_seconds() // 60)}
        yield Clash(account_id, "too_close", neighbour.post_id, neighbour.at, wanted.refuses, data)
    if away <= timedelta(days=wanted.duplicate_days):
        alike = likeness(text, neighbour.text)
        if alike == 1:
            data = {"network_refuses": wanted.network_refuses_repeats}
            yield Clash(account_id, "same_text", neighbour.post_id, neighbour.at, wanted.refuses, data)
        elif alike >= _ALIKE:
            data = {"percent": int(alike * 100)}
            yield Clash(account_id, "similar_text", neighbour.post_id, neighbour.at, wanted.refuses, data)


def likeness(one: str, other: str) -> float:
    """How alike two texts are: 1 the same words, 0 not alike enough to say so. Texts without
    words (pictures alone) are never alike."""
    a, b = _level(one), _level(other)
    if not a or not b:
        return 0
    if a == b:
        return 1
    if min(len(a), len(b)) < _SHORT:
        return 0
    found = fuzz.ratio(a[:_COMPARED], b[:_COMPARED], score_cutoff=_ALIKE * 100) / 100
    return min(found, 0.99)


def _level(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
