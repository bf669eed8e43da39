"""Texts with names and what goes out in their place, for the server and for the browser, which is fed
the same cases as JSON.

    python -m tests.publishing.mention_cases      writes them for the browser's test
"""

from __future__ import annotations

import json
from pathlib import Path

from channels.limits import count
from guichet.publishing.mention_tokens import Called
from tests.channels.counting_cases import LIMITS

FOR_THE_BROWSER = Path(__file__).parents[2] / "webapp" / "ui" / "tests" / "mention-cases.json"

CALLED = {
    "Lisbon Airport": Called("Lisbon Airport", "lisbon_airport"),
    "lisbon  airport": Called("Lisbon Airport", "lisbon_airport"),
    "KLM": Called("KLM", "klm@social.example"),
    "Plain": Called("Aéroport de Nice ✈", why="no_handle"),
    "Gare": Called("Gare", "gare.example"),
}
_NAMES = "@lisbon_airport"

# Why, what is written, what goes out (None: the same).
CASES: tuple[tuple[str, str, str | None], ...] = (
    ("nothing", "", None),
    ("no name", "Bonjour à tous", None),
    ("a name", "@[Lisbon Airport]", _NAMES),
    ("within a sentence", "With @[Lisbon Airport], from today.", f"With {_NAMES}, from today."),
    ("as it was typed, in whatever case and spaces", "@[lisbon  airport]", _NAMES),
    ("a name that nobody bears stays", "@[lisbon airport]", None),
    ("another server's", "Merci @[KLM] !", "Merci @klm@social.example !"),
    ("no handle there: the plain name", "À @[Plain] demain", "À Aéroport de Nice ✈ demain"),
    ("twice", "@[Gare] @[Gare]", "@gare.example @gare.example"),
    ("side by side", "@[Gare]@[Lisbon Airport]", f"@gare.example{_NAMES}"),
    ("brackets around it", "(@[Gare])", "(@gare.example)"),
    ("quotation marks around it", "« @[Gare] »", "« @gare.example »"),
    ("a full stop before it, as people do", ".@[Gare] says", ".@gare.example says"),
    ("an emoji before it", "👩‍👩‍👧🇵🇹@[Gare]", "👩‍👩‍👧🇵🇹@gare.example"),
    ("Japanese before it", "詳細は@[Gare]", "詳細は@gare.example"),
    ("two lines", "a\n@[Gare]\nb", "a\n@gare.example\nb"),
    ("a mail address with an address for its host", "me@[192.0.2.1] me@[IPv6:2001:db8::1] me@[ipv6:::1]", None),
    ("behind a word, which the preflight refuses", "us@[Gare]", "us@gare.example"),
    ("not closed", "@[Gare and more", None),
    ("closed on another line", "@[Ga\nre]", None),
    ("empty", "@[] @[ ]", None),
    ("a bracket within", "@[[Gare]]", None),
    ("no @", "[Gare] @ [Gare]", None),
    ("a variable of a template that nobody filled", "@[{partner}]", None),
    ("a link as Markdown writes it", "[Gare](https://a.example) ![Gare](b)", None),
    ("names of objects are none", "@[constructor] @[__proto__] @[toString]", None),
    ("what is put in is not read again", "@[Gare][KLM]", "@gare.example[KLM]"),
)  # fmt: skip


def as_json() -> str:
    """The names and the cases, for the browser, with how each network counts what goes out."""
    limits = {name: limit for name, limit in LIMITS.items() if name != "plain"}
    cases = []
    for why, text, expected in CASES:
        sent = text if expected is None else expected
        counts = {name: count(sent, limit) for name, limit in limits.items()}
        cases.append({"why": why, "text": text, "sent": sent, "counts": counts})
    named = [{"typed": typed, "text": one.text, "handle": one.handle} for typed, one in CALLED.items()]
    return json.dumps({"named": named, "cases": cases}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FOR_THE_BROWSER.write_text(as_json(), encoding="utf-8")
