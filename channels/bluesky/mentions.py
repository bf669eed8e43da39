"""Handles of Bluesky, and what we mark of a text as a mention: nothing else is one there."""

from __future__ import annotations

import re

from channels.bluesky.richtext import spans_in
from channels.bluesky.syntax import is_handle
from channels.contract import Mention, Mentions

_PROFILE = re.compile(r"(?:https?://)?bsky\.app/profile/([^/?#]+)/?", re.IGNORECASE)


def handle_of(given: str) -> str:
    """The domain name in lower case, from that, from @name or from the address of a profile; ""
    for what is none."""
    text = given.strip()
    profile = _PROFILE.fullmatch(text)
    name = profile[1] if profile else text.removeprefix("@")
    return name.lower() if is_handle(name) else ""


def found_in(text: str) -> list[Mention]:
    return [Mention(span.start, span.end, span.value) for span in spans_in(text) if span.kind == "mention"]


MENTIONS = Mentions(handle_of, found_in, "lisbonairport.example")
