"""Counting a text as each network counts it, and saying what is wrong with a draft.

One implementation for the adapters, the API and the page, so that a person sees
before approval exactly what the network will say. Pure: no clock, no network. It
refuses nothing itself and words nothing: it returns stable names and figures, for
the page to say in the reader's language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import regex

from channels.contract import CountUnit, Film, FilmLimit, Limits, MediaItem, MediaLimit, Surface, TextLimit
from channels.urls import find_urls

# X counts these as one unit, everything else (CJK, symbols) as two, and an emoji as
# two however many code points it has: twitter-text configuration version 3.
_ONE_UNIT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))
_X_REFUSES = re.compile("[\ufffe\ufeff\uffff]")

# The shapes of Unicode TS #51 §1.4.9, rather than a list of known emoji: a list is
# out of date by the next phone.
_EMOJI = regex.compile(
    r"""\p{RI}\p{RI}
    | [0-9\#*]\uFE0F?\u20E3
    | (?![©®](?!\uFE0F))  # text unless asked to be a picture, for X as for everybody
      (?:\p{Extended_Pictographic}(?:\uFE0F\u20E3?|\p{EMod}|[\U000E0020-\U000E007E]+\U000E007F)?)
      (?:\u200D(?:\p{Extended_Pictographic}|[\u2640\u2642\u2695-\u2696])(?:\uFE0F|\p{EMod})?)*
    | \p{EMod}
    """,
    regex.VERBOSE,
)
_GRAPHEME = regex.compile(r"\X")
# Mastodon's own counter: what follows the second @ of a full address is free.
_FULL_MENTION = re.compile(r"(^|[^/\w])@([a-z0-9_]+)@[a-z0-9.\-]+[a-z0-9]+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Problem:
    """One reason why a network would refuse a draft.

    `name` is one of: empty, surface_not_offered, text_too_long,
    text_too_many_bytes, text_has_refused_characters, too_many_media,
    media_type_refused, media_too_large, media_too_many_pixels, media_must_be_alone,
    alt_too_long, film_too_long, film_too_short, film_codec_refused, film_too_many_pixels,
    film_rate_too_high, film_colours_refused.
    `data` holds the figures: count and max in the limit's unit, or bytes for
    sizes, or seconds (film_too_short: max is the least); index (from 0) of the file concerned.
    """

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


def count(text: str, limit: TextLimit) -> int:
    """How much of `limit.max_length` the text uses, in the limit's unit."""
    if limit.unit is CountUnit.WEIGHTED:
        return _weighted(text, limit.url_length)
    if limit.url_length is not None:
        text = _with_urls_as(text, limit.url_length)
    if limit.mention_local_only:
        text = _FULL_MENTION.sub(r"\1@\2", text)
    if limit.unit is CountUnit.GRAPHEME:
        return sum(1 for _ in _GRAPHEME.finditer(text))
    return len(text)


def count_bytes(text: str) -> int:
    """The length in bytes of UTF-8. A lone surrogate counts three, as it would if it could be sent."""
    return len(text.encode("utf-8", "surrogatepass"))


def _weighted(text: str, url_length: int | None) -> int:
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    total, at = 0, 0
    for start, end in find_urls(text) if url_length is not None else ():
        total += _weight(text[at:start]) + (url_length or 0)
        at = end
    return total + _weight(text[at:])


def _weight(text: str) -> int:
    if text.isascii() and "\u20e3" not in text:
        return len(text)
    total, at = 0, 0
    for emoji in _EMOJI.finditer(text):
        total += _units(text[at : emoji.start()]) + 2
        at = emoji.end()
    return total + _units(text[at:])


def _units(text: str) -> int:
    return sum(1 if any(low <= ord(c) <= high for low, high in _ONE_UNIT) else 2 for c in text)


def _with_urls_as(text: str, length: int) -> str:
    parts, at = [], 0
    for start, end in find_urls(text, bare=False):
        parts += [text[at:start], "x" * length]
        at = end
    return "".join((*parts, text[at:]))


def problems(text: str, media: Sequence[MediaItem], limits: Limits, surface: Surface) -> list[Problem]:
    """Everything for which a network with these limits would refuse the draft; [] if nothing."""
    if surface not in limits.text:
        return [Problem("surface_not_offered", {"surface": surface.value})]
    return [*_text_problems(text, bool(media), limits.text[surface]), *_media_problems(media, limits, surface)]


def _text_problems(text: str, has_media: bool, limit: TextLimit) -> list[Problem]:
    found = []
    if not text.strip() and not has_media:
        found.append(Problem("empty"))
    length = count(text, limit)
    if limit.max_length is not None and length > limit.max_length:
        found.append(Problem("text_too_long", {"count": length, "max": limit.max_length, "unit": limit.unit.value}))
    size = count_bytes(text)
    if limit.max_bytes is not None and size > limit.max_bytes:
        found.append(Problem("text_too_many_bytes", {"count": size, "max": limit.max_bytes}))
    if _refused_characters(text, limit):
        found.append(Problem("text_has_refused_characters"))
    return found


def _refused_characters(text: str, limit: TextLimit) -> bool:
    """A lone surrogate or NUL can be sent to nobody; X refuses three more."""
    if "\0" in text or any("\ud800" <= c <= "\udfff" for c in text):
        return True
    return limit.unit is CountUnit.WEIGHTED and _X_REFUSES.search(text) is not None


def _media_problems(media: Sequence[MediaItem], limits: Limits, surface: Surface) -> list[Problem]:
    if not media:
        return []
    limit = limits.media.get(surface)
    if limit is None:
        return [Problem("too_many_media", {"count": len(media), "max": 0})]
    found = []
    if len(media) > limit.max_count:
        found.append(Problem("too_many_media", {"count": len(media), "max": limit.max_count}))
    for index, item in enumerate(media):
        found += _item_problems(index, item, len(media), limit)
    return found


def _film_problems(item: MediaItem, film: Film, limit: FilmLimit) -> Iterator[tuple[str, dict[str, Any]]]:
    if limit.max_seconds is not None and film.seconds > limit.max_seconds:
        yield "film_too_long", {"count": film.seconds, "max": limit.max_seconds}
    if film.seconds < limit.min_seconds:
        yield "film_too_short", {"count": film.seconds, "max": limit.min_seconds}
    for codec, taken in ((film.video, limit.video), (film.audio, limit.audio)):
        if codec and taken and codec not in taken:
            yield "film_codec_refused", {"codec": codec, "accepted": sorted(taken)}
    pixels = (item.width or 0) * (item.height or 0)
    if limit.max_pixels is not None and pixels > limit.max_pixels:
        yield "film_too_many_pixels", {"count": pixels, "max": limit.max_pixels}
    if limit.max_rate is not None and film.rate > limit.max_rate:
        yield "film_rate_too_high", {"count": film.rate, "max": limit.max_rate}
    if film.pixels and limit.pixels and film.pixels not in limit.pixels:
        yield "film_colours_refused", {"pixels": film.pixels, "accepted": sorted(limit.pixels)}


def file_problems(item: MediaItem, limit: MediaLimit) -> list[Problem]:
    """Everything for which a network with this limit would refuse the file, by itself."""
    return _item_problems(0, item, 1, limit)


def _item_problems(index: int, item: MediaItem, of: int, limit: MediaLimit) -> list[Problem]:
    where = {"index": index, "filename": item.filename}
    largest = limit.max_bytes.get(item.mime)
    if largest is None:
        return [Problem("media_type_refused", {**where, "mime": item.mime, "accepted": sorted(limit.max_bytes)})]
    found = []
    if item.size > largest:
        found.append(Problem("media_too_large", {**where, "count": item.size, "max": largest}))
    pixels = (item.width or 0) * (item.height or 0)
    if limit.max_pixels and item.mime.startswith("image/") and pixels > limit.max_pixels:
        found.append(Problem("media_too_many_pixels", {**where, "count": pixels, "max": limit.max_pixels}))
    if item.film and limit.film:
        found += [Problem(name, {**where, **data}) for name, data in _film_problems(item, item.film, limit.film)]
    if of > 1 and item.mime in limit.alone:
        found.append(Problem("media_must_be_alone", {**where, "mime": item.mime}))
    if len(item.alt) > limit.alt_max:
        found.append(Problem("alt_too_long", {**where, "count": len(item.alt), "max": limit.alt_max}))
    return found
