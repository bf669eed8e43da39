"""The links of a text, with what tells a company's own statistics where a reader came from.

Only whole http and https links are touched, and only those of the domains that were chosen.
Everything else of a text, and of a link, stays byte for byte: its path, its own query, its
fragment. What stands in a query already is never written over. Where it is not sure where a
link ends (right before letters of another script, behind a user's name) it is left alone:
networks disagree there. Pure; webapp/ui/src/lib/tagging.ts does the same while somebody
types, and one table of cases proves both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import idna
import regex

_LATIN_AND_CYRILLIC = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0400-\u04ff"
_LINK = regex.compile(
    r"(?<![A-Za-z0-9_@＠$#＃/])[Hh][Tt][Tt][Pp][Ss]?://(?P<host>[\p{L}\p{M}\p{N}.-]+)(?::[0-9]{1,5})?"
    rf"(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%{_LATIN_AND_CYRILLIC}]*)?"
)
# What may stand right behind a link.
_END = regex.compile(
    "[ \t\r\n\u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000.,;:!?'…*)\\]}<>\"«»“”‘’|—–、。，．）」』】！？：；]"
    r"|\p{Extended_Pictographic}"
)
_CLOSING = {")": "(", "]": "["}
_OF_A_SENTENCE = frozenset(".,;:!?'…*")


@dataclass(frozen=True)
class LinkTags:
    """What is added to links: of these domains and their subdomains (ASCII form, lower case);
    names with values that are percent-encoded already, in order."""

    domains: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]

    def plain(self) -> dict[str, Any]:
        """As it stands in a row."""
        return {"domains": list(self.domains), "parameters": [list(pair) for pair in self.parameters]}


def tags_of(plain: Mapping[str, Any] | None) -> LinkTags | None:
    """What `LinkTags.plain` wrote; None for nothing."""
    if not plain:
        return None
    return LinkTags(tuple(plain["domains"]), tuple((name, value) for name, value in plain["parameters"]))


def tag_links(text: str, tags: LinkTags | None) -> str:
    """The text as it goes out. Doing it again changes nothing."""
    if tags is None or not tags.parameters or "://" not in text:
        return text
    made, at = [], 0
    for start, link, host in _links(text):
        if _is_of(host, tags.domains):
            made += [text[at:start], _tagged(link, tags.parameters)]
            at = start + len(link)
    return "".join([*made, text[at:]])


def links_in(text: str) -> list[str]:
    """The whole links of a text, in order."""
    return [link for _, link, host in _links(text) if host] if "://" in text else []


def _links(text: str) -> Iterator[tuple[int, str, str]]:
    """Where each begins, the link, and its host in ASCII ("" for none)."""
    for match in _LINK.finditer(text):
        link = _without_punctuation(match.group())
        end = match.start() + len(link)
        if end == len(text) or _END.match(text, end) is not None:
            yield match.start(), link, host_of(match.group("host").rstrip("."))


def host_of(name: str) -> str:
    """A host's name as it is compared, in ASCII; "" for what is none."""
    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        return ""


def _is_of(host: str, domains: Sequence[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _without_punctuation(link: str) -> str:
    """A link without the punctuation of the sentence around it; a bracket stays if it was
    opened within."""
    while link:
        last = link[-1]
        if last in _CLOSING:
            if link.count(last) <= link.count(_CLOSING[last]):
                return link
        elif last not in _OF_A_SENTENCE:
            return link
        link = link[:-1]
    return link


def _tagged(link: str, parameters: Sequence[tuple[str, str]]) -> str:
    address, mark, fragment = link.partition("#")
    path, _, query = address.partition("?")
    there = {_name(pair) for pair in query.split("&")}
    added = "&".join(f"{name}={value}" for name, value in parameters if name not in there)
    if not added:
        return link
    between = "" if not query or query.endswith("&") else "&"
    return f"{path}?{query}{between}{added}{mark}{fragment}"


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0].replace("+", " "), encoding="latin-1").lower()
