"""What a page that a link leads to says of itself: for the card that is shown under a post.

Only over the wire, so that no internal address is reached, neither by the link nor by where it
redirects to, and everything is bounded: hops, seconds, bytes. A page is hostile: nothing of it
is kept but two lines of plain text and the address of a picture.
Refused, in a sentence: what is not public, not HTML, too large or too slow.
Source: ogp.me; developer.x.com, Cards markup; HTML, "determining the character encoding".
"""

from __future__ import annotations

import codecs
import html
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urljoin

import requests

from channels.contract.cards import MOST_DESCRIPTION, MOST_TITLE, is_address
from channels.errors import ChannelError, Rejected, Unavailable
from channels.sentences import say
from channels.wire import AddressRefused, Wire

_MOST_HOPS = 5
_SECONDS = 8.0  # of one request
_PAGE = 5_000_000  # bytes
_PICTURE = 10_000_000
_SMALL_PICTURE = 5_000_000
_SECONDS_IN_ALL = 5.0  # of a picture that somebody waits for, wherever its address leads on to
_PICTURES = "image/webp, image/png, image/jpeg, image/gif"
_READ = 1_500_000  # characters of a page that are looked through
_TEXTS = re.compile(r"(utf-8|utf-16(-[bl]e)?|ascii|iso8859-\d+|cp(125\d|866|932|949)|mac-roman|koi8-[ru]|gb2312|gbk|"
                    r"gb18030|big5|euc_(jp|kr)|shift_jis|iso2022_jp)")  # fmt: skip
# Bounded in every part, and over where another tag begins: a page that never closes its tags costs
# no more than one that does.
_TAG = re.compile(r"<(?:meta|base)\s(?:[^<>\"']|\"[^\"]{0,4000}\"|'[^']{0,4000}'){0,400}>", re.IGNORECASE)
_TITLE = re.compile(r"<title(?:\s[^<>]{0,200})?>([^<]{0,4000})", re.IGNORECASE)
_VALUE = re.compile(r"([a-z:-]{1,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A page as its author wants it to be shown. `url` is where the link ends; `picture` an
    address, "" for none."""

    url: str
    title: str = ""
    description: str = ""
    picture: str = ""


def read_page(wire: Wire, url: str) -> Page:
    """What the page behind `url` says of itself. Raises ChannelError, whose sentence says why
    nothing can be had."""
    answer, at = _get(wire, url, "text/html,application/xhtml+xml", _PAGE)
    kind, charset = _kind_of(answer.headers.get("Content-Type", ""))
    if kind not in ("text/html", "application/xhtml+xml"):
        raise Rejected("that link leads to a file, not to a page", code="not_a_page")
    return said_in(_decoded(answer.content, charset), at)


def read_picture(wire: Wire, url: str) -> bytes:
    """The bytes of a page's picture; whether they are one is the caller's to judge. Raises ChannelError."""
    return bytes(_get(wire, url, "image/*", _PICTURE)[0].content)


def read_small_picture(wire: Wire, url: str, seconds: float = _SECONDS_IN_ALL) -> bytes:
    """The same of a picture that somebody waits for: so long in all, and five megabytes."""
    until = time.monotonic() + seconds
    return bytes(_get(wire, url, _PICTURES, _SMALL_PICTURE, until)[0].content)


def _get(
    wire: Wire, url: str, accept: str, most: int, until: float | None = None
) -> tuple[requests.Response, str]:  # fmt: skip
    for _ in range(_MOST_HOPS + 1):
        seconds = _SECONDS if until is None else until - time.monotonic()
        if seconds <= 0:
            raise Unavailable("the page did not answer in time", code="too_slow")
        first = min(wire.connect_timeout, seconds)
        bounded = replace(wire, connect_timeout=first, read_timeout=seconds, deadline=seconds, max_body=most)
        if not is_address(url):
            raise Rejected("that is not a usable address", code="bad_address")
        answer = _ask(bounded, url, accept, most)
        further = answer.headers.get("X-Refused-Location")
        if not further:
            break
        url = urljoin(url, further)
    else:
        raise Rejected("that link redirects too often", code="too_many_redirects")
    if answer.status_code != 200:
        raise Rejected(say("no page: the address answers {status}", status=str(answer.status_code)), code="no_page")
    return answer, url


def _ask(wire: Wire, url: str, accept: str, most: int) -> requests.Response:
    try:
        return wire.call("GET", url, {"Accept": accept})
    except AddressRefused:
        raise Rejected("that link leads to an address inside, which is not looked at", code="address_refused") from None
    except ChannelError as e:
        if e.code == "answer_too_large":
            words = say("what is there is larger than {most} MB", most=most // 1_000_000)
            raise Rejected(words, code="too_large") from None
        if e.code in ("deadline", "read_timeout"):
            raise Unavailable("the page did not answer in time", code="too_slow") from None
        if isinstance(e, Rejected):
            raise
        raise Unavailable("the page cannot be reached", code="unreachable") from None
    except (requests.RequestException, ValueError):
        raise Rejected("that is not a usable address", code="bad_address") from None


# ---------------------------------------------------------------- pure


def said_in(text: str, at: str) -> Page:
    """What a page's markup says of it; `at` is its address."""
    text = _without_comments(text[:_READ])
    said: dict[str, str] = {}
    base = at
    for tag in _TAG.finditer(text):
        values = _values(tag.group())
        name = (values.get("property") or values.get("name") or values.get("itemprop") or "").lower()
        if name and values.get("content", "").strip():
            said.setdefault(name, values["content"])
        elif tag.group()[1:5].lower() == "base" and values.get("href"):
            base = urljoin(at, values["href"].strip())
    named = _TITLE.search(text)
    title = _first(said, "og:title", "twitter:title") or (html.unescape(named[1]) if named else "")
    picture = _first(said, "og:image:secure_url", "og:image:url", "og:image", "twitter:image", "twitter:image:src")
    return Page(
        url=at,
        title=_line(title, MOST_TITLE),
        description=_line(_first(said, "og:description", "twitter:description", "description"), MOST_DESCRIPTION),
        picture=_address(base, picture),
    )


def _first(said: Mapping[str, str], *names: str) -> str:
    return next((said[name] for name in names if name in said), "")


def _values(tag: str) -> dict[str, str]:
    return dict(_pairs(tag))


def _pairs(tag: str) -> Iterator[tuple[str, str]]:
    for name, double, single, bare in _VALUE.findall(tag):
        yield name.lower(), html.unescape(double or single or bare)


def _line(text: str, most: int) -> str:
    """One line of plain text, cut at a word's end where it is too long."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(plain.split())
    if len(line) <= most:
        return line
    cut = line[: most - 1]
    return (cut.rpartition(" ")[0] or cut) + "…"


def _address(base: str, given: str) -> str:
    try:
        found = urljoin(base, given.strip()) if given.strip() else ""
    except ValueError:
        return ""
    return found if found and is_address(found) else ""


def _without_comments(text: str) -> str:
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start)
        if end < 0:
            break
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])


def _kind_of(header: str) -> tuple[str, str]:
    kind, _, rest = header.partition(";")
    named = re.search(r"charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{1,40})", rest, re.IGNORECASE)
    return kind.strip().lower(), named[1] if named else ""


def _decoded(data: bytes, charset: str) -> str:
    """The text: by its mark, its header, what it says itself, as UTF-8, else as browsers guess."""
    inside = _CHARSET.search(data[:4096])
    marked = "utf-8-sig" if data.startswith(codecs.BOM_UTF8) else ""
    for name in (marked, charset, inside[1].decode() if inside else "", "utf-8"):
        try:
            if name and (name == marked or _TEXTS.fullmatch(codecs.lookup(name).name)):
                return data.decode(name, "strict" if name == "utf-8" else "replace")
        except (LookupError, UnicodeError):
            continue
    return data.decode("cp1252", "replace")
