"""How a network knows somebody by name, what of a text it makes a mention of, and asking it whom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True)
class Mention:
    """Somebody mentioned in a text: from where to where, in code points with the @, and whom."""

    start: int
    end: int
    handle: str


@dataclass(frozen=True)
class Mentions:
    """`handle`: a handle that somebody typed or pasted, in the one form that stands behind the @;
    "" for what is none there. `found_in`: what the network links in a text that it is given, in
    order. `example`: what a handle looks like."""

    handle: Callable[[str], str]
    found_in: Callable[[str], Sequence[Mention]]
    example: str


@runtime_checkable
class Finder(Protocol):
    """A publisher that can also say who is called so."""

    def find(self, handle: str) -> str | None:
        """Whom the network knows by that handle (as `Mentions.handle` gives it), by its own lasting number;
        None where it knows nobody. Raises any ChannelError where it does not say."""
        ...
