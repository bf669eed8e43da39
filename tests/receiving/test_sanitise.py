"""HTML from outside: whatever it holds, nothing in it runs, loads or holds up anybody."""

from __future__ import annotations

import json
import re
import tarfile
import time
from html.parser import HTMLParser

import pytest

from guichet.receiving.sanitise import MOST_TAGS, sanitise
from tests.channels.real_data import real_data

RUNS = frozenset(
    ["script", "style", "img", "svg", "math", "iframe", "form", "input", "object", "embed", "link", "base"]
)
ALLOWED = frozenset({"href", "rel", "target", "colspan", "rowspan", "dir", "lang"})
HARMLESS = re.compile(r"(https?|mailto):", re.IGNORECASE)
SECONDS = 6.0  # of a busy machine; what this guards against takes minutes


class Left(HTMLParser):
    """What is left of a page that could do something."""

    def __init__(self) -> None:
        super().__init__()
        self.dangers: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in (
            "script",
            "style",
            "img",
            "svg",
            "math",
            "iframe",
            "form",
            "input",
            "object",
            "embed",
            "link",
            "base",
        ):
            self.dangers.append(tag)
        for name, value in attrs:
            if name not in ALLOWED or (name == "href" and not HARMLESS.match(value or "")):
                self.dangers.append((tag, name, value))


def left(page: str) -> list[object]:
    reader = Left()
    reader.feed(sanitise(page))
    reader.close()
    return reader.dangers


def vectors() -> list[str]:
    folder = real_data("html-sanitizer")
    found = [one["payload"] for one in json.loads((folder / "dompurify-expect.json").read_text())]
    found += [f.read_text(errors="replace").split("\n--")[0] for f in sorted((folder / "bleach").iterdir())]
    with tarfile.open(folder / "feedparser-sanitize.tar.gz") as archive:
        files = [archive.extractfile(m) for m in archive.getmembers() if m.isfile()]
        return found + [f.read().decode(errors="replace") for f in files if f is not None]


def test_nothing_that_runs_is_left_of_what_attackers_write() -> None:
    pages = vectors()
    assert len(pages) > 400
    assert {page: found for page in pages if (found := left(page))} == {}


@pytest.mark.parametrize(
    "unit",
    ["<div>", "<ul><li>", "</em><b>", "<a><b><i><u>", "<div><!--</div>-->", '<p><b x="</b>">', "<table><tr><td>"],
)
def test_a_page_that_is_all_nesting_holds_nobody_up(unit: str) -> None:
    began = time.process_time()
    sanitise(unit * (499_999 // len(unit)))
    sanitise(unit * (MOST_TAGS // unit.count("<")))
    assert time.process_time() - began < SECONDS


def test_a_long_newsletter_is_shown() -> None:
    page = "<table>" + "<tr><td><p>Offer <b>now</b></p></td></tr>" * 800 + "</table>"
    assert sanitise(page).count("<b>now</b>") == 800
