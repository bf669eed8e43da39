"""Between HTML and the words in it: a mail's HTML as text, and an answer's text as HTML.

Reading keeps the words and the breaks between them and drops everything else; it makes
nothing safe to show (that is done where mail is shown).
"""

from __future__ import annotations

import contextlib
import html
import re
import string

_MOST = 200_000  # characters of markup that are looked at for words

_SILENT = frozenset({"script", "style", "head", "title", "template", "noscript"})
_BREAKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    ]
)
_PARAGRAPHS = frozenset({"p", "blockquote", "h1", "h2", "h3", "h4", "ul", "ol", "table"})
# How mail programs mark what they quote: Gmail, Yahoo, Outlook, Apple and Thunderbird, ProtonMail, Zimbra.
_QUOTES = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote|zmail_extra|divrplyfwdmsg|appendonsend"
    r"|outlookmessageheader|mail-quote-collapse"
)
_MARK = re.compile(r"<(?=[/!?a-z])")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})(?=[\s/>]|$)")
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]]")


# Stands in the text where a mail program marked the start of what it quotes.
QUOTE_STARTS = "\ue000"


def text_of(markup: str) -> str:
    """The words of a mail's HTML, with a line break where a reader sees one."""
    return _lines(_pieces(markup)).replace(QUOTE_STARTS, "")


def newly_written(markup: str) -> str:
    """The words before the first quote that a mail program marked as one; all of them
    where none is marked, or nothing stands before it (an answer below, or between)."""
    text = _pieces(markup)
    return _lines(text.partition(QUOTE_STARTS)[0]) or _lines(text).replace(QUOTE_STARTS, "")


def _pieces(markup: str) -> str:
    """Text and breaks, in one pass forward: html.parser needs minutes for a few hundred
    kilobytes of tags that never end, and may raise."""
    markup = markup[:_MOST].replace(QUOTE_STARTS, "")
    folded = markup.translate(_LOWER)  # keeps every position, which lower() does not
    pieces: list[str] = []
    at = 0
    while at < len(markup):
        found = _MARK.search(folded, at)
        start = found.start() if found else len(markup)
        pieces.append(_unescaped(markup[at:start]))
        tag = _TAG.match(folded, start)
        at = _end_of(folded, start)
        if tag:
            pieces += _meaning(tag.group(2), not tag.group(1), folded[start : min(at, start + 2000)])
            if tag.group(2) in _SILENT and not tag.group(1):
                at = _past(folded, f"</{tag.group(2)}", at)
    return "".join(pieces)


def _end_of(markup: str, start: int) -> int:
    """Where the tag or comment that begins at `start` is over."""
    if markup.startswith("<!--", start):
        return _past(markup, "-->", start + 4)
    return _past(markup, ">", start)


def _past(markup: str, what: str, start: int) -> int:
    found = markup.find(what, start)
    return len(markup) if found < 0 else found + len(what)


def _meaning(name: str, opens: bool, tag: str) -> list[str]:
    """What a tag means for the words: a break, the start of a quote, or nothing."""
    pieces = []
    if name in _BREAKS:
        pieces.append("\n\n" if name in _PARAGRAPHS else "\n")
    if opens and (name == "blockquote" or (len(tag) > 12 and _QUOTES.search(tag))):
        pieces.append(QUOTE_STARTS)
    return pieces


def _unescaped(text: str) -> str:
    with contextlib.suppress(ValueError):  # a number of more digits than Python converts
        text = html.unescape(text)
    return re.sub(r"[ \t\r\n\xa0]+", " ", text)


def _lines(text: str) -> str:
    lines = (line.strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def page_of(text: str) -> str:
    """An answer as simple HTML: paragraphs, line breaks and links, everything else escaped."""
    paragraphs = re.split(r"\n\s*\n", text.strip())
    inner = "\n".join(f"<p>{_linked(p)}</p>" for p in paragraphs)
    return f"<!DOCTYPE html>\n<html><body>\n{inner}\n</body></html>\n"


def _linked(text: str) -> str:
    pieces, end = [], 0
    for found in _URL.finditer(text):
        url = html.escape(found.group())
        pieces += [html.escape(text[end : found.start()]), f'<a href="{url}">{url}</a>']
        end = found.end()
    pieces.append(html.escape(text[end:]))
    return "".join(pieces).replace("\n", "<br>\n")
