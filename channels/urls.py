"""What X (and Mastodon, which follows it) takes for a URL in a text.

Both count a URL as 23 whatever its length, so a counter must agree with them on
where one starts and ends. The rules are those of X's published twitter-text
conformance suite: a domain needs a known top-level domain, may stand without a
protocol, and the path may hold one nested level of parentheses.

Written here because the one Python port of twitter-text cannot be imported
without setuptools, and takes a minute for 4,000 hostile characters; this scanner
is linear. It refuses to guess: what
is not surely a URL is counted as it is written. Top-level domains come from the
Public Suffix List, which a package keeps fresh.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import publicsuffixlist

Span = tuple[int, int]

_LATIN = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u0100-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268"
    "\u026f\u0272\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_SPACES = "\\x09-\\x0d\\x20\\x85\\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_INVALID = "\ufffe\ufeff\uffff"
_DIRECTIONAL = "\u202a-\u202e\u061c\u200e\u200f\u2066-\u2069"
# Everything but punctuation, spaces and control characters may stand in a domain's label.
_LABEL = rf"[^!'#%&()*+,\\\-./:;<=>?@\[\]^_{{|}}~${_SPACES}{_INVALID}{_DIRECTIONAL}]"

_RUN = re.compile(rf"(?:{_LABEL}|[-_.])+")
_BARRED_BEFORE = re.compile(rf"[A-Za-z0-9@＠$#＃{_INVALID}]")
_SUBDOMAIN = re.compile(rf"{_LABEL}(?:(?:{_LABEL}|[-_])*{_LABEL})?\Z")
_NAME = re.compile(rf"{_LABEL}(?:(?:{_LABEL}|-)*{_LABEL})?\Z")
_ASCII_RUN = re.compile(rf"[-.a-z0-9{_LATIN}]+", re.IGNORECASE)
_PUNYCODE = re.compile(r"xn--[-0-9a-z]+", re.IGNORECASE)
_ASCII_WORD = re.compile(r"[0-9a-zA-Z@+-]")

_PORT = re.compile(r":[0-9]+")
_P = rf"[a-z\u0400-\u04ff0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{_LATIN}]"
_PATH = re.compile(rf"/(?:{_P}|\((?:{_P}++|{_P}*+\({_P}++\){_P}*+)\))*+", re.IGNORECASE)
_PATH_END = re.compile(rf"[+\-a-z\u0400-\u04ff0-9=_#/{_LATIN})]", re.IGNORECASE)
_QUERY = re.compile(r"\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]+", re.IGNORECASE)
_QUERY_END = re.compile(r"[a-z0-9\-_&=#/]", re.IGNORECASE)
_TCO = re.compile(r"https?://t\.co/([a-z0-9]+)", re.IGNORECASE)

_LONGEST_URL = 4096
_LONGEST_TCO_SLUG = 40


@cache
def top_level_domains() -> frozenset[str]:
    """Every public top-level domain, lower case, in Unicode form."""
    data = Path(publicsuffixlist.__file__).with_name("public_suffix_list.dat").read_text(encoding="utf-8")
    public = data.partition("===BEGIN PRIVATE DOMAINS===")[0]
    rules = (line.strip() for line in public.splitlines())
    # .onion is reserved (RFC 7686), not delegated, yet X links it.
    return frozenset(r.rpartition(".")[2] for r in rules if r and not r.startswith("//")) | {"onion"}


@cache
def _longest_tld() -> int:
    return max(map(len, top_level_domains()))


def find_urls(text: str, *, bare: bool = True) -> list[Span]:
    """Where the URLs of `text` stand, as (start, end) in code points, in order.

    `bare` also takes domains without a protocol ("example.com"), as X does and
    Mastodon does not. The text should be in NFC.
    """
    if ("." if bare else "://") not in text:
        return []
    return list(_scan(text, bare))


def _scan(text: str, bare: bool) -> Iterator[Span]:
    last = at = 0  # where the last URL, and the last run of domain characters, ended
    while run := _RUN.search(text, at):
        start, at = run.span()
        if "." not in run.group():
            continue
        begin = _protocol_before(text, start)
        linked = True
        if begin is None:
            start, linked = _bare_start(text, start, at, last)
        end = _domain_end(text, start, at)
        if end is None and start == 1:  # not after a first character that is no ASCII, then with it
            start = 0
            end = _domain_end(text, start, at)
        if end is None:
            continue
        rest = _rest_end(text, end)
        last, at = rest.end, max(at, rest.end)
        if begin is not None:
            yield from _with_protocol(text, begin, (start, end), rest.end)
        elif bare and linked:
            yield from _without_protocol(text, (start, end), rest)


def _protocol_before(text: str, start: int) -> int | None:
    """Where the protocol begins that ends at `start`, if one does and may stand there."""
    for protocol in ("https://", "http://"):
        begin = start - len(protocol)
        if begin >= 0 and text[begin:start].lower() == protocol:
            return begin if begin == 0 or not _BARRED_BEFORE.match(text[begin - 1]) else None
    return None


def _bare_start(text: str, start: int, stop: int, last: int) -> tuple[int, bool]:
    """Where a domain without protocol may begin in a run, and whether it is a link there.

    Right after "-", "_", "." or "/" it is none. Right after an ASCII letter, "@",
    "#" or another URL it may begin only behind the first letter that is not
    ASCII: Japanese and Chinese put no space before a domain.
    """
    first = next((i for i in range(start, stop) if text[i] not in "-_."), stop)
    if first > start or (start > last and text[start - 1] in "-_./"):
        return first, False
    if start == 0:
        return (0 if text[0].isascii() else 1), True
    if start > last and not _BARRED_BEFORE.match(text[start - 1]):
        return start, True
    return next((i + 1 for i in range(start, stop) if not text[i].isascii()), stop), True


def _domain_end(text: str, start: int, stop: int) -> int | None:
    """Where the longest domain that begins at `start` ends; None if there is none."""
    labels = _labels(text, start, stop)
    whole = 0  # how many labels from the first could be subdomains
    while whole < len(labels) and _SUBDOMAIN.match(text[slice(*labels[whole])]):
        whole += 1
    for i in range(min(whole + 1, len(labels) - 1), 0, -1):
        if _NAME.match(text[slice(*labels[i - 1])]):
            end = _tld_end(text, *labels[i])
            if end is not None:
                return end
    return None


def _labels(text: str, start: int, stop: int) -> list[Span]:
    spans, at = [], start
    for label in text[start:stop].split("."):
        spans.append((at, at + len(label)))
        at += len(label) + 1
    return spans


def _tld_end(text: str, start: int, stop: int) -> int | None:
    """Where the top-level domain ends that the label at `start` begins with."""
    for end in range(min(stop, start + _longest_tld()), start, -1):
        if end < len(text) and _ASCII_WORD.match(text[end]):
            continue
        if text[start:end].lower() in top_level_domains():
            return end
    punycode = _PUNYCODE.match(text, start, stop)
    return punycode.end() if punycode else None


@dataclass(frozen=True)
class _Rest:
    """What follows a domain: port, path, query."""

    end: int
    has_path: bool


def _rest_end(text: str, end: int) -> _Rest:
    if port := _PORT.match(text, end):
        end = port.end()
    path = _PATH.match(text, end)
    if path:
        end = _trimmed(text, path.start() + 1, path.end(), _PATH_END)
    query = _QUERY.match(text, end)
    if query:
        trimmed = _trimmed(text, query.start() + 1, query.end(), _QUERY_END)
        end = trimmed if trimmed > query.start() + 1 else end
    return _Rest(end, path is not None)


def _trimmed(text: str, least: int, end: int, ending: re.Pattern[str]) -> int:
    """`end` moved back over what cannot close a URL (a full stop, a comma)."""
    while end > least and not ending.match(text[end - 1]):
        end -= 1
    return end


def _with_protocol(text: str, begin: int, domain: Span, end: int) -> Iterator[Span]:
    if not _is_resolvable(text[slice(*domain)], end - begin):
        return
    short = _TCO.match(text, begin, end)
    if short is None:
        yield begin, end
    elif len(short.group(1)) <= _LONGEST_TCO_SLUG:
        query = _QUERY.match(text, short.end(), end)
        yield begin, (_trimmed(text, short.end(), query.end(), _QUERY_END) if query else short.end())


def _without_protocol(text: str, domain: Span, rest: _Rest) -> Iterator[Span]:
    """The ASCII domains within one that may hold other letters; the last one has the path."""
    start, end = domain
    if not _is_resolvable(text[start:end], rest.end - start + len("https://")):
        return
    spans = []
    name = text[:end]
    for run in _ASCII_RUN.finditer(name, start):
        labels = _labels(name, *run.span())
        for i in range(len(labels) - 1, 0, -1):
            stop = _tld_end(name, *labels[i])
            if stop is not None and labels[i - 1][0] < labels[i - 1][1]:
                first = i - 1
                while first and labels[first - 1][0] < labels[first - 1][1]:
                    first -= 1
                spans.append((labels[first][0], stop))
                break
    if spans and rest.has_path:
        spans[-1] = (spans[-1][0], rest.end)
    yield from spans


def _is_resolvable(domain: str, url_length: int) -> bool:
    if url_length > _LONGEST_URL:
        return False
    try:
        ascii_form = domain.encode("idna")
    except UnicodeError:
        return False
    return url_length + len(ascii_form) - len(domain) <= _LONGEST_URL
