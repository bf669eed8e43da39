"""How X treats a text: its weight, its t.co links, its entities, its escapes.

Written apart from channels.limits on purpose: a rehearsal that shared the
adapter's counter could not find it wrong. Simpler, too: it knows the commonest
domain endings only.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

import regex

from channels.rehearsal.store import Doc

LONGEST = 280
LONGEST_DIRECT = 10_000

_URL = re.compile(
    r"https?://(?![^\s/]*\.invalid\b)[^\s<>\"'（）。、]+|(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|org|net|fr|eu|nl|de|be|io|info)\b(?:/[^\s<>\"']*)?",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w@/])@(\w{1,15})", re.ASCII)


def urls_in(text: str) -> list[str]:
    """The URLs of a text, without the punctuation that ends a sentence."""
    found = (m.group().rstrip(".,;:!?»") for m in _URL.finditer(text))
    return [u if "(" in u else u.rstrip(".,;:!?»)") for u in found]


def weight(text: str) -> int:
    """What X counts: 23 for a URL, 2 for an emoji or a wide letter, 1 for the others."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    total = 0
    for url in urls_in(text):
        total += 23
        text = text.replace(url, "", 1)
    if text.isascii():
        return total + len(text)
    for cluster in regex.findall(r"\X", text):
        if cluster not in "©®" and regex.search(r"\p{Extended_Pictographic}|\p{RI}|\u20E3", cluster):
            total += 2
        else:
            total += sum(1 if _is_narrow(ord(c)) else 2 for c in cluster)
    return total


def _is_narrow(point: int) -> bool:
    return point <= 0x10FF or 0x2000 <= point <= 0x200D or 0x2010 <= point <= 0x201F or 0x2032 <= point <= 0x2037


def mentioned_in(text: str) -> list[str]:
    """User names mentioned, lower case, each once, in order."""
    return list(dict.fromkeys(m.lower() for m in _MENTION.findall(text)))


def wrapped(text: str, media: list[Doc], slug: str) -> tuple[str, list[Doc]]:
    """The text as X hands it out, links shortened and a link for each medium behind
    it, with the `urls` entities that say what they stand for."""
    entities: list[Doc] = []
    for number, url in enumerate(urls_in(text)):
        short = f"https://t.co/{slug}{number}"
        full = url if "://" in url else f"http://{url}"
        text = text.replace(url, short, 1)
        entities.append({"url": short, "expanded_url": full, "display_url": full.split("://", 1)[1][:30]})
    if media:
        short = f"https://t.co/{slug}m"
        text = f"{text} {short}".strip()
        for item in media:
            entities.append(
                {
                    "url": short,
                    "expanded_url": f"https://x.com/i/status/{slug}/photo/1",
                    "display_url": f"pic.x.com/{slug}m",
                    "media_key": item["media_key"],
                }
            )
    for entity in entities:
        entity["start"] = text.index(entity["url"])
        entity["end"] = entity["start"] + len(entity["url"])
    return text, entities


def mention_entities(text: str, people: dict[str, Doc]) -> list[dict[str, Any]]:
    """`mentions` entities for those names that belong to somebody."""
    return [
        {"start": m.start(), "end": m.end(), "username": person["username"], "id": person["id"]}
        for m in _MENTION.finditer(text)
        if (person := people.get(m.group(1).lower()))
    ]


def escaped(text: str) -> str:
    """X hands out &, < and > as entities."""
    return html.escape(text, quote=False)
