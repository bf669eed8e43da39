"""The words in a status, from the HTML that servers of this API write.

A link keeps what its author typed: servers hide the ends of long addresses in spans
(`invisible`, `ellipsis`), and all spans together are the address. Where the words of a
link are not its address (other software allows that), the address follows in brackets,
so that nobody is led elsewhere than they read. Nothing here makes HTML safe to show.
Source: docs.joinmastodon.org/spec/activitypub (HTML sanitization), captured statuses.
"""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "head", "title", "template"})
_PARAGRAPHS = frozenset({"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "div"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
# The words of a mention's or a hashtag's link.
_NAME = re.compile(r"[@#][^\s/]+")
# @user@host as it is typed; what stands before must not be part of a word, an address or a path.
_USER = r"(?<![\w@/.+-])@([A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?)"
_MENTION = re.compile(rf"{_USER}(?:@([\w.:-]*\w))?", re.ASCII)
_WITH_HOSTS = re.compile(rf"{_USER}(?:@[\w.:-]*\w)*", re.ASCII)


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0
        self._pre = 0
        self._link: tuple[int, str] | None = None  # where its words begin, its address
        self._lists: list[int | None] = []  # the next number of each open list; None: bullets

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "li":
            self.pieces.append(f"\n{self._bullet()}")
        elif tag in _PARAGRAPHS:
            self._open_paragraph(tag)
        elif tag == "a":
            self._open_link(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _PARAGRAPHS:
            self._close_paragraph(tag)
        elif tag == "a":
            self._close_link()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data if self._pre else _SPACES.sub(" ", data))

    def _open_paragraph(self, tag: str) -> None:
        self.pieces.append("\n\n")
        self._pre += tag == "pre"
        if tag in ("ul", "ol"):
            self._lists.append(1 if tag == "ol" else None)

    def _close_paragraph(self, tag: str) -> None:
        self.pieces.append("\n\n")
        self._pre = max(0, self._pre - (tag == "pre"))
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()

    def _bullet(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "

    def close(self) -> None:
        super().close()
        self._close_link()

    def _open_link(self, attrs: dict[str, str | None]) -> None:
        self._close_link()
        self._link = (len(self.pieces), attrs.get("href") or "")

    def _close_link(self) -> None:
        if self._link is None:
            return
        begin, address = self._link
        self._link = None
        words = "".join(self.pieces[begin:]).strip()
        if address and not _NAME.fullmatch(words) and not _is_same_address(words, address):
            self.pieces.append(f" ({address})" if words else address)


def _is_same_address(words: str, address: str) -> bool:
    def bare(url: str) -> str:
        return re.sub(r"^https?://", "", url, flags=re.IGNORECASE).rstrip("/").casefold()

    return bare(words) == bare(address)


def text_of(content: str) -> str:
    """The words of a status's HTML, with line breaks where a reader sees them."""
    words = _Words()
    words.feed(content)
    words.close()
    lines = (line.strip(" ") for line in "".join(words.pieces).replace("\0", "").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def mentioned(text: str) -> list[str]:
    """The names that `text` mentions, as `user` or `user@host`, in order."""
    return [m.group(1) + (f"@{m.group(2)}" if m.group(2) else "") for m in _MENTION.finditer(text)]


def canonical(text: str) -> str:
    """A text reduced to what survives a server: NFC, one space for any, mentions by their
    local part (servers shorten `@user@host`). Equal values are the same words."""
    local = _WITH_HOSTS.sub(lambda m: f"@{m.group(1).lower()}", unicodedata.normalize("NFC", text))
    return " ".join(local.split())
