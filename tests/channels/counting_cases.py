"""Texts and what they count on each network, for every counter that we have: the
server's, and the browser's, which is fed the same cases as JSON.

    python -m tests.channels.counting_cases      writes them for the browser's test
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from channels.contract import CountUnit, TextLimit

FOR_THE_BROWSER = Path(__file__).parents[2] / "webapp" / "ui" / "tests" / "counting-cases.json"
_SOURCE, _AS_OF = "counting cases", date(2026, 11, 22)

LIMITS = {
    "x": TextLimit(280, CountUnit.WEIGHTED, _SOURCE, _AS_OF, url_length=23),
    "mastodon": TextLimit(500, CountUnit.GRAPHEME, _SOURCE, _AS_OF, url_length=23, mention_local_only=True),
    "bluesky": TextLimit(300, CountUnit.GRAPHEME, _SOURCE, _AS_OF, max_bytes=3000),
    "plain": TextLimit(1000, CountUnit.CHARACTER, _SOURCE, _AS_OF),
}

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@dataclass(frozen=True)
class CountingCase:
    text: str
    why: str
    x: int
    mastodon: int
    bluesky: int
    plain: int


CASES = (
    CountingCase("", "nothing", 0, 0, 0, 0),
    CountingCase("Bonjour à tous", "accents are one", 14, 14, 14, 14),
    CountingCase("e\u0301te\u0301", "a decomposed accent joins its letter, except in code points", 3, 3, 3, 5),
    CountingCase("お待たせしました", "Japanese is two each on X", 16, 8, 8, 8),
    CountingCase("감사합니다", "Korean is two each on X", 10, 5, 5, 5),
    CountingCase("ok 👍", "an emoji is two on X", 5, 4, 4, 4),
    CountingCase("👍🏽", "a skin tone adds nothing", 2, 1, 1, 2),
    CountingCase(FAMILY, "a joined family is one emoji", 2, 1, 1, 7),
    CountingCase("🇫🇷🇳🇱", "two flags", 4, 2, 2, 4),
    CountingCase("7️⃣", "a keycap", 2, 1, 1, 3),
    CountingCase("❤️", "a heart with its colour selector", 2, 1, 1, 2),
    CountingCase("🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a flag made of tags", 2, 1, 1, 7),
    CountingCase("12 © 2026", "digits and a copyright sign are text", 9, 9, 9, 9),
    CountingCase("12 ©️ 2026", "a copyright sign asked to be a picture is an emoji", 10, 9, 9, 10),
    CountingCase("« Merci… »", "French quotation marks are one, an ellipsis is two on X", 11, 10, 10, 10),
    CountingCase("prix : 5 €", "a euro sign is two on X", 11, 10, 10, 10),
    CountingCase("a\r\nb", "a line end is one, except in code points", 3, 3, 3, 4),
    CountingCase("https://example.com/a/very/long/path?with=query", "a URL is 23", 23, 23, 47, 47),
    CountingCase("http://x.co", "a short URL is 23 as well", 23, 23, 11, 11),
    CountingCase("(https://example.com/a)", "the parenthesis is not of the URL", 25, 25, 23, 23),
    CountingCase("see example.com.", "a bare domain is a URL on X only", 28, 16, 16, 16),
    CountingCase("end of sentence.next", "a space forgotten before a word that is a domain ending", 7 + 23, 20, 20, 20),
    CountingCase("v1.0.3 and file.unknownending", "numbers and files are text", 29, 29, 29, 29),
    CountingCase("write to me@example.com", "a mail address is text", 23, 23, 23, 23),
    CountingCase("日本語example.com日本", "a domain between Japanese", 6 + 23 + 4, 16, 16, 16),
    CountingCase("@help@social.example merci", "a far mention counts its first half on Mastodon", 26, 11, 26, 26),
    CountingCase("https://intranet.invalid/notice", "no URL, for there is no such domain ending", 31, 31, 31, 31),
    CountingCase("https://example.com/(a)_(b)", "balanced parentheses belong to the URL", 23, 23, 27, 27),
)


def as_json() -> str:
    """The limits and the cases, for the browser's counter."""
    limits = {
        name: {
            "unit": limit.unit.value,
            "url_length": limit.url_length,
            "mention_local_only": limit.mention_local_only,
            "max_length": limit.max_length,
            "max_bytes": limit.max_bytes,
        }
        for name, limit in LIMITS.items()
    }
    return json.dumps({"limits": limits, "cases": [asdict(c) for c in CASES]}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FOR_THE_BROWSER.write_text(as_json(), encoding="utf-8")
