"""Dividing a long text into the items of a thread, each of which every network takes.

A break stands where a reader would breathe: between paragraphs, else between sentences, else
between words. URLs are never cut, nor what else is to be kept whole, nor is what reads as one
character. A word is cut only if no item could hold it; Japanese and Chinese, which put no spaces,
between any two characters that may be parted. Pure, and measured by the one counter there is (channels.limits). A URL
that is itself too long stays whole, and the preflight says so.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import regex

from channels.contract import TextLimit
from channels.limits import count, count_bytes
from channels.urls import find_urls

_PARAGRAPH = re.compile(r"\n\s*\n\s*")
_SENTENCE = re.compile(r"\n\s*|[.!?…][\"'”’»)\]]*\s+|[。！？][」』）]*")
_SPACE = re.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")
# A break of the better kind is taken if it leaves at least this much of what would fit.
_LEAST_FILLED = 0.5
# No item has more code points for each unit of its limit: joined emoji have about ten, and
# counting all that follows at every cut would be quadratic.
_MOST_FOR_A_UNIT = 16


@dataclass(frozen=True)
class Measure:
    """What an item must fit, and what becomes of it on its way there (`as_sent`): that counts."""

    limit: TextLimit
    as_sent: Callable[[str], str] = str

    def holds(self, text: str) -> bool:
        sent = self.as_sent(text)
        return (self.limit.max_length is None or count(sent, self.limit) <= self.limit.max_length) and (
            self.limit.max_bytes is None or count_bytes(sent) <= self.limit.max_bytes
        )


Spans = Callable[[str], Sequence[tuple[int, int]]]


def split(
    text: str, measures: Sequence[Measure], *, numbered: bool = False, kept_whole: Spans | None = None
) -> list[str]:
    """The text as items of a thread that fit all of `measures`, in order; one item where it fits
    whole, none where it is blank. `numbered` ends each with " (2/5)", counted too; `kept_whole`
    finds what else than URLs is not cut."""
    text = unicodedata.normalize("NFC", text).strip()
    if not text or all(m.holds(text) for m in measures):
        return [text] if text else []
    breaks = _Breaks(text, kept_whole(text) if kept_whole else ())
    if not numbered:
        return _cut(text, breaks, measures, "")
    digits = 1
    while True:
        widest = "9" * digits
        items = _cut(text, breaks, measures, f" ({widest}/{widest})")
        if len(str(len(items))) <= digits:
            return [f"{item} ({n}/{len(items)})" for n, item in enumerate(items, 1)]
        digits += 1


class _Breaks:
    """Where a text may be broken, in ascending code points: `kinds` of breathing places, the
    best first; behind `words` and between `characters`, where its end stands last."""

    def __init__(self, text: str, kept: Sequence[tuple[int, int]]) -> None:
        whole = sorted([*find_urls(text), *kept])
        starts = [start for start, _ in whole]

        def allowed(at: int) -> bool:
            last = bisect_right(starts, at - 1) - 1
            return 0 < at < len(text) and (last < 0 or at >= whole[last][1])

        self.kinds = [[m.end() for m in kind.finditer(text) if allowed(m.end())] for kind in (_PARAGRAPH, _SENTENCE)]
        self.words = [m.end() for m in _SPACE.finditer(text) if allowed(m.end())] + [len(text)]
        characters = (m.end() for m in _GRAPHEME.finditer(text))
        self.characters = [at for at in characters if allowed(at) and _may_begin(text[at])] + [len(text)]


def _may_begin(character: str) -> bool:
    """No item begins with what closes or ends something."""
    return character in "@#&" or unicodedata.category(character) not in ("Pe", "Pf", "Po", "Zs", "Cc")


def _cut(text: str, breaks: _Breaks, measures: Sequence[Measure], suffix: str) -> list[str]:
    items, start = [], 0
    while start < len(text):
        stop = _next_break(_Rest(text, start, measures, suffix), breaks)
        item = text[start:stop].strip()
        if item:
            items.append(item)
        start = stop
    return items


@dataclass(frozen=True)
class _Rest:
    """What is still to be divided, from `start` on."""

    text: str
    start: int
    measures: Sequence[Measure]
    suffix: str

    def fits(self, stop: int) -> bool:
        most = min((m.limit.max_length for m in self.measures if m.limit.max_length is not None), default=None)
        if most is not None and stop - self.start > _MOST_FOR_A_UNIT * most:
            return False
        item = self.text[self.start : stop].strip() + self.suffix
        return all(m.holds(item) for m in self.measures)

    def furthest(self, places: Sequence[int]) -> int:
        """The last of the places up to which it fits; `start` if none. Looks ahead in doubled
        steps, for a count of the whole text at every cut would be quadratic."""
        first = bisect_right(places, self.start)
        low, step = first, 1
        while low < len(places) and self.fits(places[min(low + step, len(places)) - 1]):
            low = min(low + step, len(places))
            step *= 2
        high = min(low + step, len(places))
        while low < high:
            middle = (low + high) // 2
            if self.fits(places[middle]):
                low = middle + 1
            else:
                high = middle
        return places[low - 1] if low > first else self.start


def _next_break(rest: _Rest, breaks: _Breaks) -> int:
    by_word = rest.furthest(breaks.words)
    if by_word == len(rest.text):
        return by_word
    limit = by_word if _holds_next_word(rest, breaks, by_word) else rest.furthest(breaks.characters)
    if limit == rest.start:  # not even the first bit fits: a URL, or one character, that is too long
        return min(_after(breaks.words, limit), _after(breaks.characters, limit))
    for places in breaks.kinds:
        best = rest.furthest(places)
        if best - rest.start >= _LEAST_FILLED * (limit - rest.start):
            return best
    return limit


def _holds_next_word(rest: _Rest, breaks: _Breaks, by_word: int) -> bool:
    """Whether the word after this break fits into an item of its own, so that none is cut."""
    if by_word == rest.start:
        return False
    return replace(rest, start=by_word).fits(_after(breaks.words, by_word))


def _after(places: Sequence[int], at: int) -> int:
    return places[bisect_right(places, at)]
