"""A mail's HTML as it may be looked at: it keeps tables, colours and the places of pictures, and
nothing that runs, loads, hides or names an address to a browser."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest

from guichet.receiving.layout import MOST_PICTURES, Picture, lay_out
from guichet.receiving.sanitise import MOST_TAGS
from tests.receiving.test_sanitise import SECONDS, vectors

ALLOWED = frozenset(
    {"align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "color", "colspan", "dir", "lang", "rel",
     "rowspan", "size", "span", "target", "valign", "width"}
)  # fmt: skip
RUNS = frozenset(
    ["script", "style", "svg", "math", "iframe", "form", "input", "object", "embed", "link", "base", "meta", "video",
     "audio", "source", "picture", "body", "html", "head", "template", "noscript"]
)  # fmt: skip
HARMLESS_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
LOADS_OR_MOVES = re.compile(
    r"url|\\|/|\"|'|@|expression|var|attr|env|image|position|float|display|\(.*\(|javascript", re.I
)


class Left(HTMLParser):
    """What is left of a mail that could do something, read by another parser."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in RUNS:
            self.dangers.append(tag)
        for name, value in attrs:
            said = value or ""
            is_harmless = {
                "href": bool(HARMLESS_LINK.match(said)),
                "style": not LOADS_OR_MOVES.search(said),
                "data-picture": tag == "img" and said.isdecimal(),
            }.get(name, name in ALLOWED)
            if not is_harmless:
                self.dangers.append((tag, name, value))


def left(page: str) -> list[object]:
    reader = Left()
    reader.feed(lay_out(page).html)
    reader.close()
    return reader.dangers


def test_nothing_that_does_anything_is_left_of_what_attackers_write() -> None:
    pages = vectors()
    assert len(pages) > 400
    assert {page: found for page in pages if (found := left(page))} == {}


def test_what_attackers_name_as_pictures_are_addresses_of_pages_alone() -> None:
    named = {one.address for page in vectors() for one in lay_out(page).pictures} - {""}
    assert named
    assert {address for address in named if not re.match("https?://", address, re.IGNORECASE)} == set()


def test_a_newsletter_keeps_its_tables_its_colours_and_its_words() -> None:
    shown = lay_out(
        '<table width="600" bgcolor="#F4F4F4" background="https://a.example/b.png"><tr><td align="center" '
        'style="padding: 10px 20px; color:#333; font-weight:bold; background: #FFF"><font color="red" size="+1">Sale'
        '</font> <a href="https://a.example/x?a=1&amp;b=2" style="text-decoration:none">here</a></td></tr></table>'
    )
    assert shown.html == (
        '<table width="600" bgcolor="#f4f4f4"><tbody><tr><td align="center" '
        'style="padding:10px 20px;color:#333;font-weight:bold;background-color:#fff"><font color="red" size="+1">Sale'
        '</font> <a href="https://a.example/x?a=1&amp;b=2" style="text-decoration:none" target="_blank" '
        'rel="noopener noreferrer nofollow ugc">here</a></td></tr></tbody></table>'
    )
    assert shown.is_coloured
    assert not lay_out('<p><b>Dear</b> <i style="font-size:15px">all</i></p>').is_coloured


@pytest.mark.parametrize(
    "style",
    [
        "position:fixed", "background:url(https://t.example/)", "background-color:url(x)", "color:expression(1)",
        "width:expression(alert(1))", "-moz-binding:url(x)", "behavior:url(x)", "color:var(--x)", "--x:1",
        "color:re\\64", "color:red/**/", "font-size:0", "font-size:1px", "color:transparent", "display:none",
        "opacity:0", "margin-left:-9999px", "text-indent:-999px", "float:left", "height:100vh", "width:99999px",
        "list-style-image:url(x)", "list-style:url(x)", "content:'x'", "border-image:url(x)", "cursor:url(x)",
        "color:attr(x)", "background-image:image-set('x')", "filter:url(x)", "transform:scale(99)", "z-index:9",
    ],
)  # fmt: skip
def test_of_styles_only_what_is_known_to_be_harmless_stays(style: str) -> None:
    shown = lay_out(f'<p style="{style}">a</p><p style="font-weight:bold;{style}">b</p>').html
    assert shown == '<p>a</p><p style="font-weight:bold">b</p>'


def test_pictures_have_places_and_the_page_has_no_address() -> None:
    shown = lay_out(
        '<img src="https://a.example/p.png?a=1&amp;b=2" alt="A &quot;hat&quot;" width="300" height="90">'
        '<img src="cid:Logo@1" alt="Logo"><img src="CID:&lt;Logo@1&gt;"><img src="https://a.example/p.png?a=1&amp;b=2">'
        '<img src="data:image/png;base64,AAAA" alt="within"><img src="/relative"><img src="//host/x" alt="nowhere">'
        '<img src="javascript:alert(1)"><img srcset="https://b.example/2x 2x" data-picture="7" alt="none">'
    )
    assert shown.pictures == (Picture(address="https://a.example/p.png?a=1&b=2"), Picture(inline_id="Logo@1"))
    assert shown.html == (
        '<img data-picture="0" alt="A &quot;hat&quot;" width="300"><img data-picture="1" alt="Logo">'
        '<img data-picture="1"><img data-picture="0"><img alt="within"><img alt="nowhere"><img alt="none">'
    )


@pytest.mark.parametrize(
    "more",
    ['width="1" height="1"', 'width="0"', 'height="2px"', 'style="display:none"', 'style="width:1px!important"',
     'style="color:red; visibility : hidden"', 'style="max-height:0"'],
)  # fmt: skip
def test_what_only_counts_its_readers_is_no_picture(more: str) -> None:
    shown = lay_out(f'a<img src="https://t.example/open.gif" alt="x" {more}>b')
    assert (shown.html, shown.pictures) == ("ab", ())


def test_text_that_looks_like_a_place_is_text() -> None:
    shown = lay_out('<p>&lt;img src="cid:0"&gt;</p><td title=\'<img a="\'><img src="cid:7" alt=\'" data-picture="9\'>')
    assert shown.pictures == (Picture(inline_id="7"),)
    assert '"9"' not in shown.html
    assert shown.html.count('data-picture="0"') == 1


def test_of_very_many_pictures_a_hundred_are_shown() -> None:
    page = "".join(f'<img src="https://a.example/{n}.png" alt="{n}">' for n in range(MOST_PICTURES + 50))
    assert len(lay_out(page).pictures) == MOST_PICTURES
    assert lay_out(page).html.count("data-picture") == MOST_PICTURES


@pytest.mark.parametrize(
    "unit", ["<div>", '<p style="color:red">', "<table><tr><td>", '<img src="https://a.example/1">']
)
def test_a_page_that_is_all_nesting_holds_nobody_up(unit: str) -> None:
    began = time.process_time()
    lay_out(unit * (499_999 // len(unit)))
    lay_out(unit * (MOST_TAGS // unit.count("<")))
    lay_out(f'<p style="{"border:1px " * 45_000}">')
    lay_out(f"<p {' '.join(f'style=color:red{n}' for n in range(20_000))}>")
    assert time.process_time() - began < SECONDS
