"""A mail's HTML as it may be looked at: with tables, colours and the places of its pictures.

Wider than `sanitise`, and as harmless: nothing in it executes, loads, positions, hides or
submits. Of styles only those stay whose every value is known here; no value can name an
address. A picture's address is taken out of the HTML and kept beside it, its place numbered
(`data-picture`), so that nothing is there to load; what only counts its readers is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import nh3

from guichet.inbox.words import clean
from guichet.receiving.sanitise import EMPTIED, HTML_LENGTH, SAFE_TAGS, is_readable

MOST_PICTURES = 100
_MOST_ADDRESS = 4_000
_MOST_STYLE = 4_000
_TINY = 2  # pixels of a side: such a picture shows nothing, it reports that it was loaded

_TAGS = SAFE_TAGS | {"big", "caption", "center", "col", "colgroup", "dd", "dl", "dt", "font", "img"}
_PLACED = {"align", "bgcolor", "valign", "width"}
_ATTRIBUTES = {
    "*": {"dir", "lang", "style"},
    "a": {"href"},
    "col": {"width", "span"},
    "div": {"align"},
    "font": {"color", "size"},
    "h1": {"align"},
    "h2": {"align"},
    "h3": {"align"},
    "img": {"src", "alt", "width", "height"},
    "p": {"align"},
    "table": {*_PLACED, "border", "cellpadding", "cellspacing"},
    "td": {*_PLACED, "colspan", "rowspan"},
    "th": {*_PLACED, "colspan", "rowspan"},
    "tr": {"align", "bgcolor", "valign"},
}

_NAME = "[a-z]{3,20}"
_SOLID = rf"(?:#[0-9a-f]{{3}}|#[0-9a-f]{{6}}|{_NAME}|(?:rgb|hsl)\([\d\s.,%]{{5,40}}\))"
_COLOUR = rf"(?:{_SOLID}|#[0-9a-f]{{8}}|(?:rgb|hsl)a\([\d\s.,%]{{7,40}}\))"
_SMALL = r"(?:0|\d{1,2}(?:\.\d{1,3})?(?:px|pt)|[0-4](?:\.\d{1,3})?r?em|\d{1,2}%)"
_WIDE = r"(?:auto|\d{1,4}(?:\.\d{1,3})?(?:px|pt)|\d{1,3}(?:\.\d{1,3})?(?:%|em))"
_EDGES = rf"{_SMALL}(?: {_SMALL}){{0,3}}"
_MARGINS = rf"(?:{_SMALL}|auto)(?: (?:{_SMALL}|auto)){{0,3}}"
_LINE = rf"(?:(?:{_SMALL}|{_COLOUR}|none|solid|dashed|dotted|double)(?: (?!$)|$)){{1,3}}"
_SIZE = (
    r"(?:[89]|[1-3]\d|4[0-8])(?:\.\d{1,2})?px|(?:[6-9]|[12]\d|3[0-6])(?:\.\d{1,2})?pt|"
    r"(?:0?\.[6-9]\d?|[12](?:\.\d{1,3})?)r?em|(?:[6-9]\d|[12]\d\d)%|(?:x-|xx-)?large|(?:x-)?small|medium|smaller|larger"
)
_SIDES = ("top", "right", "bottom", "left")
_STYLES = {
    "color": _SOLID,
    "background-color": _COLOUR,
    "border": _LINE,
    **{f"border-{side}": _LINE for side in _SIDES},
    "border-collapse": "collapse|separate",
    "border-color": _COLOUR,
    "border-radius": _EDGES,
    "border-style": "none|solid|dashed|dotted|double",
    "border-width": _EDGES,
    "font-size": _SIZE,
    "font-style": "normal|italic|oblique",
    "font-weight": "normal|bold|bolder|lighter|[1-9]00",
    "list-style-type": "none|disc|circle|square|decimal|(?:lower|upper)-(?:alpha|latin|roman)",
    "margin": _MARGINS,
    **{f"margin-{side}": rf"{_SMALL}|auto" for side in _SIDES},
    "max-width": _WIDE,
    "padding": _EDGES,
    **{f"padding-{side}": _SMALL for side in _SIDES},
    "text-align": "left|right|center|justify|start|end",
    "text-decoration": "none|underline|line-through|underline line-through",
    "text-decoration-line": "none|underline|line-through",
    "vertical-align": "baseline|top|middle|bottom|sub|super",
    "width": _WIDE,
}
_VALUES: Mapping[str, re.Pattern[str]] = {
    "align": re.compile("left|right|center|justify"),
    "bgcolor": re.compile(_SOLID),
    "border": re.compile(r"\d"),
    "cellpadding": re.compile(r"\d{1,2}"),
    "cellspacing": re.compile(r"\d{1,2}"),
    "color": re.compile(_SOLID),
    "colspan": re.compile(r"\d{1,2}"),
    "dir": re.compile("ltr|rtl|auto"),
    "height": re.compile(r"\d{1,4}(?:px)?"),
    "lang": re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}"),
    "rowspan": re.compile(r"\d{1,2}"),
    "size": re.compile(r"[+-]?[1-7]"),
    "span": re.compile(r"\d{1,2}"),
    "valign": re.compile("top|middle|bottom|baseline"),
    "width": re.compile(r"\d{1,4}(?:px|%)?"),
}
_STYLE_VALUES = {name: re.compile(value) for name, value in _STYLES.items()}
_HIDDEN = "width:0"  # what a hidden picture's style is made to say
_HIDES = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:max-)?(?:width|height)\s*:\s*[0-2](?:\.\d*)?(?:px)?\s*(?:!|;|$))",
    re.IGNORECASE,
)
_COLOURED = re.compile(r"(?:^|;)\s*(?:color|background(?:-color)?)\s*:", re.IGNORECASE)
# What nh3 writes: no "<" in text, and no quotation mark within a value.
_TAG = re.compile(r'<([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


@dataclass(frozen=True)
class Picture:
    """Where a picture comes from: an address elsewhere, or a file of the mail by its id."""

    address: str = ""
    inline_id: str = ""


@dataclass(frozen=True)
class Layout:
    """`is_coloured`: it brings colours of its own, and is legible on white alone."""

    html: str = ""
    pictures: tuple[Picture, ...] = ()
    is_coloured: bool = False


def lay_out(html: str) -> Layout:
    """How the mail may be looked at; an empty layout where there is nothing, or more than could
    be read."""
    return _Reading().read(html) if is_readable(html) else Layout()


@dataclass
class _Reading:
    """One mail being read: the addresses that it names, and the places that pictures get."""

    named: list[Picture] = field(default_factory=list)
    places: dict[Picture, int] = field(default_factory=dict)
    is_coloured: bool = False

    def read(self, html: str) -> Layout:
        cleaner = nh3.Cleaner(
            tags=set(_TAGS),
            attributes=_ATTRIBUTES,
            attribute_filter=self._attribute,
            clean_content_tags=set(EMPTIED),
            filter_style_properties=set(_STYLES),
            url_schemes={"http", "https", "mailto", "cid"},
            url_relative="deny",
            link_rel="noopener noreferrer nofollow ugc",
            set_tag_attribute_values={"a": {"target": "_blank"}},
            strip_comments=True,
        )
        cleaned = cleaner.clean(clean(html, HTML_LENGTH)).strip()
        shown = _TAG.sub(self._tag, cleaned)
        return Layout(shown, tuple(self.places), self.is_coloured)

    def _attribute(self, tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return self._style(tag, value)
        if name == "href":
            return value if value.strip()[:7].lower().startswith(("http:", "https:", "mailto:")) else None
        if name == "src":
            return self._source(value.strip())
        if name == "alt":
            return " ".join(value.split())[:500]
        known = _VALUES.get(name)
        if known is None:  # what nh3 itself puts on links
            return value
        value = value.strip().lower()
        if not known.fullmatch(value):
            return None
        self.is_coloured |= name in ("color", "bgcolor")
        return value

    def _source(self, address: str) -> str | None:
        """A number in the guise of an address, which no picture can have by itself: what is
        not taken up here is dropped as relative."""
        if len(address) > _MOST_ADDRESS or not address.isprintable() or len(self.named) > 20 * MOST_PICTURES:
            return None
        scheme, _, rest = address.partition(":")
        if scheme.lower() == "cid":
            self.named.append(Picture(inline_id=rest.strip("<> ")[:300]))
        else:
            self.named.append(Picture(address=address))
        return f"cid:{len(self.named) - 1}"

    def _style(self, tag: str, style: str) -> str | None:
        if len(style) > _MOST_STYLE:
            return None
        if tag == "img" and _HIDES.search(style):
            return _HIDDEN
        kept = []
        for declaration in style.split(";"):
            name, _, value = declaration.partition(":")
            name, value = name.strip().lower(), " ".join(value.lower().removesuffix("!important").split())
            name = "background-color" if name == "background" else name
            known = _STYLE_VALUES.get(name)
            if known is not None and known.fullmatch(value) and not (name == "color" and value == "transparent"):
                kept.append(f"{name}:{value}")
                self.is_coloured |= bool(_COLOURED.match(kept[-1]))
        return ";".join(kept) or None

    def _tag(self, found: re.Match[str]) -> str:
        if found[1] != "img":
            return found[0]
        values = dict(_ATTRIBUTE.findall(found[2]))
        number = values.pop("src", "").removeprefix("cid:")
        height = values.pop("height", "")
        if _is_tiny(values.get("width", "")) or _is_tiny(height) or values.get("style") == _HIDDEN:
            return ""
        rest = "".join(f' {name}="{value}"' for name, value in values.items())
        place = self._place(self.named[int(number)]) if number else None
        if place is None:
            return f"<img{rest}>" if values.get("alt") else ""
        return f'<img data-picture="{place}"{rest}>'

    def _place(self, picture: Picture) -> int | None:
        if picture not in self.places and len(self.places) >= MOST_PICTURES:
            return None
        return self.places.setdefault(picture, len(self.places))


def _is_tiny(size: str) -> bool:
    digits = size.removesuffix("px")
    return digits.isdecimal() and int(digits) <= _TINY
