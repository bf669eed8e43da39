"""What is true of a network before anybody is connected: what it limits, what it asks for, how
the truth is found there after a doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

JSON = dict[str, Any]


class AuthKind(StrEnum):
    """How an account is connected."""

    OAUTH1 = "oauth1"
    OAUTH2 = "oauth2"
    PASSWORD = "password"  # noqa: S105 - a kind, not a secret


class Recovery(StrEnum):
    """How the truth is found when an outcome is unknown (docs/journeys/post.md)."""

    KEYED = "keyed"
    READABLE = "readable"
    BLIND = "blind"


class CountUnit(StrEnum):
    """What a network counts when it limits a text."""

    CHARACTER = "character"  # Unicode code points
    WEIGHTED = "weighted"  # X: twitter-text, CJK and emoji 2
    GRAPHEME = "grapheme"  # Bluesky: extended grapheme clusters
    UNLIMITED = "unlimited"


class Surface(StrEnum):
    """Where something is said."""

    PUBLIC = "public"
    DIRECT = "direct"
    MAIL = "mail"


@dataclass(frozen=True)
class TextLimit:
    """A text limit as dated data.

    `max_length` in `unit`s; `url_length` is what a URL counts whatever its
    length (None: counted as written); `max_bytes` of UTF-8, if that is limited
    too. `source` and `as_of` say where the figure comes from.
    """

    max_length: int | None
    unit: CountUnit
    source: str
    as_of: date
    url_length: int | None = None
    max_bytes: int | None = None
    mention_local_only: bool = False  # Mastodon counts @user@host as @user


@dataclass(frozen=True)
class FilmLimit:
    """What may be a film, beside its bytes. None, and no codecs: whatever it is. Codecs by FFmpeg's
    names; `max_pixels` of one picture; `max_rate` in pictures a second; `pixels` formats of points."""

    min_seconds: float = 0
    max_seconds: float | None = None
    video: frozenset[str] = frozenset()
    audio: frozenset[str] = frozenset()
    max_pixels: int | None = None
    max_rate: float | None = None
    pixels: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MediaLimit:
    """What may be attached to one message. Sizes in bytes, `alt_max` in code points."""

    max_count: int
    max_bytes: Mapping[str, int]  # by MIME type; a type not named is refused
    alt_max: int
    source: str
    as_of: date
    alone: frozenset[str] = frozenset()  # MIME types that must be the only attachment
    max_pixels: int | None = None  # of a picture, width times height
    film: FilmLimit | None = None


@dataclass(frozen=True)
class Limits:
    """What one account of a network may say, by surface."""

    text: Mapping[Surface, TextLimit]
    media: Mapping[Surface, MediaLimit]


@dataclass(frozen=True)
class FormField:
    """One thing a person types to connect an account (an instance, a password)."""

    name: str
    kind: str  # "text", "address", "secret", "number", "choice"
    required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()
