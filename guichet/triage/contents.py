"""What a message holds besides words, as rules may ask: pure, one pass over the text."""

from __future__ import annotations

import regex

from channels.urls import find_urls
from guichet.inbox import personal

CONTENTS = frozenset({"link", "only_emoji", "only_mentions", "personal"})

_READ = 20_000  # code points
_MENTION = regex.compile(r"(?<![\w@])@[\w.-]{1,100}(?:@[\w.-]{1,253})?")
# Emoji and what joins, tones or draws them; digits and # are none by themselves.
_EMOJI = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}]")
_JOINS = regex.compile(r"[\s\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]|[0-9#*](?=\ufe0f?\u20e3)")


def holds(text: str, kind: str) -> frozenset[str]:
    """Which of CONTENTS a message of this kind holds. Whom it begins by addressing is not looked at."""
    said = text[:_READ]
    rest = _MENTION.sub(" ", said)
    found = {
        "link": bool(find_urls(said)),
        "only_emoji": bool(_EMOJI.search(rest)) and not _JOINS.sub("", _EMOJI.sub("", rest)),
        "only_mentions": rest != said and not rest.strip(),
        "personal": kind in personal.PUBLIC_KINDS and bool(personal.find(said)),
    }
    return frozenset(name for name, is_there in found.items() if is_there)
