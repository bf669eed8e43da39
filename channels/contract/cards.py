"""What a card under a link may be, whoever wrote it: a page on the network or a person here."""

from __future__ import annotations

from urllib.parse import urlsplit

MOST_TITLE = 300  # characters; more says nothing on a card
MOST_DESCRIPTION = 1000
MOST_URL = 2000
PICTURE_BYTES = 1_000_000  # lexicon app.bsky.embed.external, `thumb`; 2026-11-23


def is_address(url: str) -> bool:
    """Whether it is the address of a page that can be shown: HTTP, with a host and no password."""
    try:
        parts = urlsplit(url)
        is_plain = parts.port != 0 and not parts.username and not parts.password and url.isprintable()
    except ValueError:
        return False
    fits = len(url) <= MOST_URL and " " not in url
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_plain and fits
