"""What X and Mastodon take for a hashtag: letters, their marks, digits and underscores, one
letter at least. Source: twitter-text (hashtag conformance) and Mastodon's HASHTAG_NAME_RE.
Bluesky takes more: channels/bluesky/richtext.py."""

from __future__ import annotations

import regex

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+")
_LETTER = regex.compile(r"\p{L}")


def word_tag(tag: str) -> str:
    """How much of what stands behind a # is a hashtag there; "" for none of it."""
    found = _WORD.match(tag)
    return found.group() if found and _LETTER.search(found.group()) else ""
