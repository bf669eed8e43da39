"""What a network counts: how often one may call, and what a call costs.

Facts and readings only. Who keeps count, and what follows from it, is no adapter's affair:
the wire tells of every exchange, an adapter reads from it what the network said of its
limits (`Window`) and what it will charge (`Tariff.items_in`). Nothing here guesses: what
an answer does not say is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlsplit

EVERY_KIND = "*"
LATEST = 10**11  # seconds since 1970; no reset of a window lies beyond


@dataclass(frozen=True)
class Exchange:
    """One call as the wire saw it. `status` 0: it may have arrived, and its answer was lost.
    Header names in `headers` are compared without case; nothing of it may be logged."""

    method: str
    url: str = field(repr=False)
    status: int
    headers: Mapping[str, str] = field(repr=False)
    sent: bytes | str | None = field(repr=False)
    answer: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def may_have_acted(self) -> bool:
        """Whether the network may have done, and charged, what it was asked to do."""
        return self.status == 0 or 200 <= self.status < 300 or self.status >= 500


def number_in(headers: Mapping[str, str], name: str) -> int | None:
    """A header that is a plain number of at most twelve digits; None for anything else."""
    text = headers.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else None


Listener = Callable[[Exchange], None]


@dataclass(frozen=True)
class Window:
    """What an answer said of one limit: so many of `limit` are left until `reset_at`. `name`
    is that of the `Quota` that it belongs to."""

    name: str
    limit: int
    remaining: int
    reset_at: datetime


@dataclass(frozen=True)
class Quota:
    """A limit as the network documents it: `limit` in `seconds`. `costs` says what a delivery
    of a kind takes of it (`EVERY_KIND`: any). `of_app`: all accounts of one application share
    it. `unit` names what is counted: posts, points, calls."""

    name: str
    limit: int
    seconds: int
    costs: Mapping[str, int]
    unit: str
    source: str
    as_of: date
    of_app: bool = False

    def cost_of(self, kind: str) -> int:
        return cost_of(self.costs, kind)


def cost_of(costs: Mapping[str, int], kind: str) -> int:
    """What a delivery of a kind takes, 0 for nothing."""
    return costs.get(kind, costs.get(EVERY_KIND, 0))


@dataclass(frozen=True)
class Tariff:
    """What a network charges: `prices` for one of each item, in `currency`. `item_of` names
    the item that sending a text is (direct or not); `items_in` counts what an exchange is
    charged as. `dispensable` are the streams that are read for our own account's sake only,
    and that one does without where the money is spent. `own_read` is the item that reading one
    of our own posts is charged as."""

    currency: str
    prices: Mapping[str, float]
    source: str
    as_of: date
    item_of: Callable[[str, bool], str]
    items_in: Callable[[Exchange, str], Mapping[str, int]]  # the exchange, our own remote id
    dispensable: frozenset[str] = frozenset()
    own_read: str = ""

    @property
    def dearest(self) -> float:
        """The most that one post may cost."""
        return max(self.prices[self.item_of(text, False)] for text in ("hello", "https://example.com/"))
