"""What a network takes of a film, and what is to be made of one that it would refuse. Pure, and
without the library that makes it: what a person agrees to is decided here, before a picture is coded.

Length and shape are never touched: a film that is too long or of a shape that nobody takes is a
person's to cut. Nothing is enlarged. What needs no change is copied as it is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Self

from channels.contract import FilmLimit, MediaLimit
from channels.limits import file_problems
from guichet.delivery.payload import MediaRef, film_of, item_of

MP4 = "video/mp4"
# What a rendition mends; of anything else the network's refusal stands.
_MENDED = frozenset(
    {"media_type_refused", "media_too_large", "film_codec_refused", "film_too_many_pixels", "film_rate_too_high",
     "film_colours_refused"}
)  # fmt: skip
_OF_THE_POST = frozenset({"alt_too_long"})
_PLAIN = frozenset({"yuv420p", "yuvj420p"})  # points that every player knows
_SOUND = 128_000  # bits a second
_SPARE = 0.95  # of the bytes, since what was asked for is not quite kept
_LEAST_BITS = 0.045  # for a point of a picture; with fewer, pixels are given up instead
_BEST_BITS = 0.14  # more would not be seen
LEAST_SIDE = 240  # pixels of the shorter side, unless the film itself has fewer
_RECIPE = re.compile(r"film mp4<=(\d+)(?: pixels<=(\d+))?(?: rate<=([\d.]+))?(?: video=([\w,]+))?(?: audio=([\w,]+))?")


@dataclass(frozen=True)
class FilmBounds:
    """What an account's network takes of a film in an MP4: bytes, pixels of one picture, pictures
    a second, codecs (none: whatever it is)."""

    max_bytes: int
    max_pixels: int | None = None
    max_rate: float | None = None
    video: frozenset[str] = frozenset()
    audio: frozenset[str] = frozenset()

    @property
    def recipe(self) -> str:
        """The same text for the same bounds, whichever account has them."""
        more = (
            f" pixels<={self.max_pixels}" if self.max_pixels else "",
            f" rate<={self.max_rate:g}" if self.max_rate else "",
            f" video={','.join(sorted(self.video))}" if self.video else "",
            f" audio={','.join(sorted(self.audio))}" if self.audio else "",
        )
        return f"film mp4<={self.max_bytes}{''.join(more)}"

    @classmethod
    def of(cls, recipe: str) -> Self:
        """The bounds that a recipe was written from. Raises ValueError for any other text."""
        found = _RECIPE.fullmatch(recipe)
        if found is None:
            raise ValueError(f"{recipe!r} is no recipe for a film")
        size, pixels, rate, video, audio = found.groups()
        codecs = (frozenset(filter(None, (names or "").split(","))) for names in (video, audio))
        return cls(int(size), int(pixels) if pixels else None, float(rate) if rate else None, *codecs)


@dataclass(frozen=True)
class FilmPlan:
    """What is made of one film: pixels, pictures a second; bits a second of pictures and of sound,
    0 where these are copied as they are; the bytes that it must not pass, and those expected."""

    width: int
    height: int
    rate: float
    video_bits: int
    audio_bits: int
    max_bytes: int
    expected_bytes: int


def film_bounds_for(ref: MediaRef, limit: MediaLimit | None) -> FilmBounds | None:
    """What is to be kept to, where this file is a film that would be refused as it is and could
    be taken otherwise; None: it is fine, or only a person can mend it."""
    if limit is None or ref.film is None or MP4 not in limit.max_bytes:
        return None
    names = {p.name for p in file_problems(item_of(ref), limit)} - _OF_THE_POST
    taken = limit.film or FilmLimit()
    if not names or not names <= _MENDED or not _can_be_written(taken):
        return None
    if ref.mime not in limit.max_bytes and _judged_as_mp4(ref, limit) - _MENDED - _OF_THE_POST:
        return None
    bounds = FilmBounds(limit.max_bytes[MP4], taken.max_pixels, taken.max_rate, taken.video, taken.audio)
    return bounds if plan_for(ref, bounds) else None


def _judged_as_mp4(ref: MediaRef, limit: MediaLimit) -> set[str]:
    """Of a kind that is refused, nothing else is said: it is asked as what it would become."""
    item = item_of(ref)
    as_mp4 = type(item)(item.sha256, MP4, item.size, item.filename, item.alt, item.open, item.width, item.height,
                        film=item.film)  # fmt: skip
    return {p.name for p in file_problems(as_mp4, limit)}


def _can_be_written(taken: FilmLimit) -> bool:
    return (not taken.video or "h264" in taken.video) and (not taken.audio or "aac" in taken.audio)


def plan_for(ref: MediaRef, bounds: FilmBounds) -> FilmPlan | None:
    """What becomes of the film within these bounds; None where only a stamp would fit, or too
    little is known of it."""
    film, width, height = film_of(ref.film), ref.width or 0, ref.height or 0
    if film is None or film.seconds <= 0 or not width or not height:
        return None
    keeps_sound = not film.audio or film.audio == "aac" or film.audio in bounds.audio
    sound = 0 if keeps_sound else _SOUND
    rate = _rate(film.rate, bounds.max_rate)
    share = min(1.0, math.sqrt(bounds.max_pixels / (width * height))) if bounds.max_pixels else 1.0
    is_taken = film.video == "h264" or film.video in bounds.video
    is_plain = not film.pixels or film.pixels in _PLAIN
    if is_taken and is_plain and rate == film.rate and share == 1.0 and ref.size <= bounds.max_bytes * _SPARE:
        return FilmPlan(width, height, rate, 0, sound, bounds.max_bytes, ref.size)
    if film.audio and keeps_sound:
        sound = _SOUND  # it takes its part of the bytes, copied or not
    bits = bounds.max_bytes * _SPARE * 8 / film.seconds - sound
    points = width * height * max(rate, 1.0)
    if bits <= 0:
        return None
    share = min(share, math.sqrt(bits / (points * _LEAST_BITS)))
    size = _even(width * share), _even(height * share)
    if min(size) < min(LEAST_SIDE, _even(width), _even(height)):
        return None
    most = int(min(bits, size[0] * size[1] * max(rate, 1.0) * _BEST_BITS + 50_000))
    expected = min(bounds.max_bytes, int((most + sound) * film.seconds / 8))
    return FilmPlan(*size, rate, most, 0 if keeps_sound else sound, bounds.max_bytes, expected)


def _rate(rate: float, most: float | None) -> float:
    """Every second picture, or every third, rather than an uneven choice of them."""
    if most is None or rate <= most:
        return rate
    return round(rate / math.ceil(rate / most), 2)


def _even(side: float) -> int:
    """H.264 in 4:2:0 wants even sides."""
    return max(2, int(side) // 2 * 2)
