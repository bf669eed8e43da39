"""Links, mentions and hashtags in a text, as facets that say where each stands.

Bluesky shows only what a facet marks as a link, and counts positions in bytes of
UTF-8. The text itself is never touched: what cannot be marked stays plain.
Source: docs.bsky.app/docs/advanced-guides/post-richtext and app.bsky.richtext.facet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

from channels.bluesky.syntax import is_handle
from channels.contract import JSON

_LINK = regex.compile(r"(?<![\w@/])(?:https?://|www\.)[^\s<>\"«»“”]+", regex.IGNORECASE)
_MENTION = regex.compile(r"(?<![\w@./-])@([a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)")
_TAG = regex.compile(r"(?<!\S)[#＃](?!\ufe0f)([^\s\u00ad\u2060\u200a-\u200d\u20e2]+)")
_TRAILING = regex.compile(r"\p{P}+$")
_CLOSING = {")": "(", "]": "["}
MAX_TAG_GRAPHEMES = 64
MAX_TAG_BYTES = 640


@dataclass(frozen=True)
class Span:
    """One thing to mark: its place in code points and what it stands for."""

    start: int
    end: int
    kind: str  # "link", "mention", "tag"
    value: str


def spans_in(text: str) -> list[Span]:
    """Everything in `text` that can be marked, in order, none overlapping another."""
    found: list[Span] = []
    for span in (*_links(text), *_mentions(text), *_tags(text)):
        if all(span.end <= other.start or span.start >= other.end for other in found):
            found.append(span)
    return sorted(found, key=lambda span: span.start)


def facets_of(text: str, did_of: Callable[[str], str | None]) -> list[JSON]:
    """The facets of `text`. `did_of` finds the account behind a handle; a mention of
    nobody stays plain text."""
    facets: list[JSON] = []
    for span in spans_in(text):
        feature = _feature(span, did_of)
        if feature is not None:
            start = len(text[: span.start].encode())
            end = start + len(text[span.start : span.end].encode())
            facets.append({"index": {"byteStart": start, "byteEnd": end}, "features": [feature]})
    return facets


def _feature(span: Span, did_of: Callable[[str], str | None]) -> JSON | None:
    if span.kind == "link":
        return {"$type": "app.bsky.richtext.facet#link", "uri": span.value}
    if span.kind == "tag":
        return {"$type": "app.bsky.richtext.facet#tag", "tag": span.value}
    did = did_of(span.value)
    return {"$type": "app.bsky.richtext.facet#mention", "did": did} if did else None


def _links(text: str) -> Iterator[Span]:
    for match in _LINK.finditer(text):
        url = _without_punctuation(match.group())
        host = url.partition("://")[2] or url
        if "." in host or host.startswith("localhost"):
            address = url if "://" in url else f"https://{url}"
            yield Span(match.start(), match.start() + len(url), "link", address)


def _without_punctuation(url: str) -> str:
    """A URL without the punctuation of the sentence around it; a bracket stays if it was
    opened within."""
    while url:
        last = url[-1]
        if last in _CLOSING:
            if url.count(last) <= url.count(_CLOSING[last]):
                return url
        elif last not in ".,;:!?'…*":
            return url
        url = url[:-1]
    return url


def _mentions(text: str) -> Iterator[Span]:
    for match in _MENTION.finditer(text):
        if is_handle(match.group(1)):
            yield Span(match.start(), match.end(), "mention", match.group(1))


def _tags(text: str) -> Iterator[Span]:
    for match in _TAG.finditer(text):
        tag = _TRAILING.sub("", match.group(1))
        short = graphemes(tag) <= MAX_TAG_GRAPHEMES and len(tag.encode()) <= MAX_TAG_BYTES
        if tag and not tag.isdigit() and short:
            yield Span(match.start(), match.start(1) + len(tag), "tag", tag)


def whole_tag(tag: str) -> str:
    """How much of what stands behind a # is marked as a tag; "" for none of it."""
    return next((span.value for span in _tags(f"#{tag}")), "")


def graphemes(text: str) -> int:
    """How many characters a reader sees: extended grapheme clusters (UAX #29)."""
    return len(regex.findall(r"\X", text))
