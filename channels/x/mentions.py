"""What X takes for a mention. Source: twitter-text 3.1 (validMention and its end); names have 1 to
15 letters, digits and underscores (help.x.com, "Username")."""

from __future__ import annotations

import re

from channels.contract import Mention, Mentions

_HANDLE = re.compile(r"[A-Za-z0-9_]{1,15}", re.ASCII)
_PROFILE = re.compile(r"(?:https?://)?(?:www\.|mobile\.)?(?:x|twitter)\.com/@?([^/?#]+)/?(?:[?#].*)?", re.IGNORECASE)
_LATIN = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272\u0289\u028b"
)
_MENTION = re.compile(
    r"(?<![A-Za-z0-9_!#$%&*@＠/])[@＠]([A-Za-z0-9_]{1,20}+)(?:/[A-Za-z][A-Za-z0-9_\-]{0,24}+)?+(?![@＠"
    + _LATIN
    + r"]|://)"
)


def handle_of(given: str) -> str:
    """What stands behind the @; "" for what is no name there."""
    text = given.strip()
    profile = _PROFILE.fullmatch(text)
    name = profile[1] if profile else text.removeprefix("@")
    return name if _HANDLE.fullmatch(name) else ""


def found_in(text: str) -> list[Mention]:
    return [Mention(found.start(), found.end(1), found[1]) for found in _MENTION.finditer(text)]


MENTIONS = Mentions(handle_of, found_in, "lisbon_airport")
