"""Whom a text calls by "@name". Pure; who may be called is the caller's matter."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")
_AT = re.compile(r"(?<![\w@])@")


def called_in(text: str, names: Iterable[tuple[str, T]]) -> list[T]:
    """Of the (name, who) given, those that `text` calls, each once. Where several names fit
    behind an @ the longest counts, and everybody who bears it. Case does not matter."""
    if not _AT.search(text):
        return []
    bearers: dict[str, list[T]] = {}
    for name, who in names:
        if name:
            bearers.setdefault(name.casefold(), []).append(who)
    longest_first = sorted(bearers, key=lambda name: -len(name))
    found: list[T] = []
    for at in _AT.finditer(text):
        rest = text[at.end() : at.end() + 300].casefold()
        called = next((n for n in longest_first if re.match(re.escape(n) + r"(?!\w)", rest)), "")
        found += [who for who in bearers.get(called, ()) if who not in found]
    return found
