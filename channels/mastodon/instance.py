"""What an instance is: its address as typed, and what it allows, as it says itself.

Nothing is assumed of an instance that it does not say; where it is silent, Mastodon's
own defaults stand. Refused: anything that is not the address of a web server.
Source: docs.joinmastodon.org/methods/instance and /entities/Instance.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from channels.contract import JSON, CountUnit, FilmLimit, Limits, MediaLimit, Surface, TextLimit
from channels.errors import Rejected
from channels.sentences import say

_SOURCE = "https://docs.joinmastodon.org/entities/Instance/#configuration"
_AS_OF = date(2026, 11, 22)

# Mastodon's own defaults; an instance's answer replaces each.
DEFAULTS: Mapping[str, Any] = {
    "max_characters": 500,
    "url_length": 23,
    "max_media": 4,
    "image_bytes": 16 * 1024 * 1024,
    "image_pixels": 33_177_600,
    "video_bytes": 99 * 1024 * 1024,
    "alt_max": 1500,
    "mime_types": ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/webm", "audio/mpeg"],
}

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\Z")


def normal_address(typed: str, *, allow_http: bool = False) -> str:
    """The base URL of the instance that a person typed: `mastodon.social`,
    `https://mastodon.social/@us` and `us@mastodon.social` all name the same.

    `allow_http` keeps `http://` where it is typed with a loopback address (rehearsal);
    everywhere else it becomes https. Raises Rejected, naming the field.
    """
    text = typed.strip()
    if "://" not in text:
        text = f"https://{text.lstrip('@').partition('/')[0].rpartition('@')[2]}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode("ascii").lower()
        port = parts.port
    except (ValueError, UnicodeError) as e:
        raise _bad_address(typed) from e
    if parts.scheme not in ("http", "https") or parts.username is not None or not _is_host(host):
        raise _bad_address(typed)
    scheme = "http" if parts.scheme == "http" and allow_http and _is_loopback(host) else "https"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + (f":{port}" if port else "")


def _is_host(host: str) -> bool:
    return bool(_HOST.match(host)) or _is_ip(host)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _bad_address(typed: str) -> Rejected:
    return Rejected(
        say("“{typed}” is not the address of an instance; type it like mastodon.social", typed=typed.strip()[:80]),
        code="bad_address",
        evidence={"field": "instance"},
    )


@dataclass(frozen=True)
class Instance:
    """What an instance says of itself: its domain, software and limits."""

    domain: str
    version: str
    limits: Mapping[str, Any]

    def settings(self) -> JSON:
        """What is kept with the account."""
        return {"domain": self.domain, "version": self.version, "limits": dict(self.limits)}


def instance_of(answer: Any, host: str) -> Instance:
    """Read /api/v2/instance or /api/v1/instance, which differ in few names."""
    answer = answer if isinstance(answer, Mapping) else {}
    said = _map(answer, "configuration")
    statuses, media = _map(said, "statuses"), _map(said, "media_attachments")
    limits = {
        # Before `configuration` existed, forks said `max_toot_chars`.
        "max_characters": _count(statuses, "max_characters") or _count(answer, "max_toot_chars"),
        "url_length": _count(statuses, "characters_reserved_per_url"),
        "max_media": _count(statuses, "max_media_attachments"),
        "image_bytes": _count(media, "image_size_limit"),
        "image_pixels": _count(media, "image_matrix_limit"),
        "video_bytes": _count(media, "video_size_limit"),
        "video_pixels": _count(media, "video_matrix_limit"),
        "video_rate": _count(media, "video_frame_rate_limit"),
        "alt_max": _count(media, "description_limit"),
        "mime_types": [m for m in media.get("supported_mime_types") or () if isinstance(m, str)],
    }
    domain = answer.get("domain") or answer.get("uri") or host
    domain = urlsplit(domain).netloc if "://" in str(domain) else str(domain)  # GoToSocial's v1 `uri` is a URL
    return Instance(domain, str(answer.get("version", "")), {k: v for k, v in limits.items() if v})


def _map(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = answer.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(answer: Mapping[str, Any], name: str) -> int:
    value = answer.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def limits_of(settings: Mapping[str, Any]) -> Limits:
    """The limits of an account with these settings, as its instance said."""
    has = {**DEFAULTS, **(settings.get("limits") or {})}
    text = TextLimit(
        max_length=has["max_characters"],
        unit=CountUnit.GRAPHEME,
        source=_SOURCE,
        as_of=_AS_OF,
        url_length=has["url_length"],
        mention_local_only=True,
    )
    sizes = {m: has["image_bytes"] if m.startswith("image/") else has["video_bytes"] for m in has["mime_types"]}
    moving = frozenset(m for m in sizes if not m.startswith("image/"))
    film = FilmLimit(max_pixels=has.get("video_pixels"), max_rate=has.get("video_rate"))
    media = MediaLimit(
        has["max_media"], sizes, has["alt_max"], _SOURCE, _AS_OF, alone=moving, max_pixels=has["image_pixels"],
        film=film,
    )  # fmt: skip
    return Limits(
        text={Surface.PUBLIC: text, Surface.DIRECT: text}, media={Surface.PUBLIC: media, Surface.DIRECT: media}
    )
