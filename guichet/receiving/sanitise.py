"""HTML from outside, reduced to what may be shown inside the application.

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

_TAGS = {
    "a", "b", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "ins",
    "li", "ol", "p", "pre", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul",
}  # fmt: skip
_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}, "*": {"dir", "lang"}},
    clean_content_tags={"script", "style", "title", "noscript", "iframe", "object", "template"},
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel="noopener noreferrer nofollow ugc",
    set_tag_attribute_values={"a": {"target": "_blank"}},
    strip_comments=True,
)


def sanitise(html: str) -> str:
    """Safe HTML for showing; "" where there is none, or more than could be read."""
    if not html or len(html) > HTML_LENGTH or len(_OPENING.findall(html)) > MOST_TAGS:
        return ""
    return _CLEANER.clean(clean(html, HTML_LENGTH)).strip()
