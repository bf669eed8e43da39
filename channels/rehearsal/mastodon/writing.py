"""From what is typed to what stands: counting, mentions, links, the HTML of a status."""

from __future__ import annotations

import html
import re

import regex

_PART = re.compile(
    r"(?P<url>https?://(?![^\s/]*@)(?!\[)[^\s<>\"]*[^\s<>\".,;:!?'()])"
    r"|(?<![\w/@])@(?P<user>[A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)(?:@(?P<host>[A-Za-z0-9.:-]*[A-Za-z0-9]))?"
    r"|(?<![\w/#])#(?P<tag>\w*[^\W\d]\w*)"
)
URL_COUNTS = 23
_SHOWN = 30


def length_of(text: str) -> int:
    """What a text counts: user-perceived characters, any address 23, mentions without host."""

    def counted(part: re.Match[str]) -> str:
        if part["url"]:
            return "x" * URL_COUNTS
        return f"@{part['user']}" if part["user"] else part[0]

    return len(regex.findall(r"\X", _PART.sub(counted, text)))


def names_in(text: str) -> list[str]:
    """`user` or `user@host` of every mention, in order."""
    return [f"{p['user']}@{p['host']}" if p["host"] else p["user"] for p in _PART.finditer(text) if p["user"]]


def html_of(text: str, known: dict[str, tuple[str, str]], base: str) -> str:
    """The HTML that the instance gives out. `known` maps a mention as typed (lower case)
    to the profile's address and the name to show; what is not known stays text."""

    def marked(text: str) -> str:
        pieces, at = [], 0
        for part in _PART.finditer(text):
            pieces += [html.escape(text[at : part.start()]), _marked(part, known, base)]
            at = part.end()
        return "".join([*pieces, html.escape(text[at:])])

    paragraphs = re.split(r"\n{2,}", text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{marked(p).replace(chr(10), '<br />')}</p>" for p in paragraphs if p)


def _marked(part: re.Match[str], known: dict[str, tuple[str, str]], base: str) -> str:
    if part["url"]:
        return _link(part["url"])
    if part["tag"]:
        address = html.escape(f"{base}/tags/{part['tag'].lower()}")
        return f'<a href="{address}" class="mention hashtag" rel="tag">#<span>{part["tag"]}</span></a>'
    profile = known.get(part[0][1:].lower())
    if profile is None:
        return html.escape(part[0])
    address, shown = map(html.escape, profile)
    return (
        f'<span class="h-card" translate="no"><a href="{address}" class="u-url mention">'
        f"@<span>{shown}</span></a></span>"
    )


def _link(url: str) -> str:
    """An address with its ends hidden: all the spans together are the address."""
    scheme = re.match(r"https?://(?:www\.)?", url)
    begin = scheme.end() if scheme else 0
    shown, rest = url[begin : begin + _SHOWN], url[begin + _SHOWN :]
    kind = "ellipsis" if rest else ""
    return (
        f'<a href="{html.escape(url)}" target="_blank" rel="nofollow noopener" translate="no">'
        f'<span class="invisible">{html.escape(url[:begin])}</span><span class="{kind}">{html.escape(shown)}</span>'
        f'<span class="invisible">{html.escape(rest)}</span></a>'
    )
