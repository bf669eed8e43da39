"""HTML from outside, reduced to its words and their order: what the API gives of a mail. How it
looks is another matter (guichet.receiving.layout).

Refuses everything that executes, loads, tracks, positions or submits: no images (a mail's
image tells the sender that it was read), no styles, no forms, no ids or classes. Links
keep http, https and mailto, open elsewhere and tell nobody where they came from.
"""

from __future__ import annotations

import re

import nh3

from guichet.inbox.words import clean

HTML_LENGTH = 500_000  # code points; beyond it the text alone is shown
# Opening tags; likewise. Reading costs their nesting times their number: 100,000 in each
# other hold a worker for minutes. The longest newsletters have some 3,000.
MOST_TAGS = 6_000
_OPENING = re.compile(r"<[A-Za-z]")

SAFE_TAGS = frozenset({
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins",
    "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul",
})  # fmt: skip
EMPTIED = frozenset({"script", "style", "title", "noscript", "iframe", "object", "template"})
_CLEANER = nh3.Cleaner(
    tags=set(SAFE_TAGS),
    attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "*": {"dir", "lang"}},
    clean_content_tags=set(EMPTIED),
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow ugc",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    strip_comments=True,
)


def sanitise(html: str) -> str:
    """Safe HTML for showing; "" where there is none, or more than could be read."""
    return _CLEANER.clean(clean(html, HTML_LENGTH)).strip() if is_readable(html) else ""


def is_readable(html: str) -> bool:
    """Whether there is any, and not more than can be read without holding up a worker."""
    return bool(html) and len(html) <= HTML_LENGTH and len(_OPENING.findall(html)) <= MOST_TAGS
