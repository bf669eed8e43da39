"""Texts and what their links become on their way out, for the server and for the browser,
which is fed the same cases as JSON.

    python -m tests.publishing.link_cases      writes them for the browser's test
"""

from __future__ import annotations

import json
from pathlib import Path

from guichet.publishing.link_tags import LinkTags

FOR_THE_BROWSER = Path(__file__).parents[2] / "webapp" / "ui" / "tests" / "link-cases.json"

TAGS = LinkTags(("klm.com", "xn--mller-kva.de"), (("utm_source", "x"), ("utm_campaign", "%C3%A9t%C3%A9")))
_Q = "utm_source=x&utm_campaign=%C3%A9t%C3%A9"

# Why, what is written, what goes out (None: the same).
CASES: tuple[tuple[str, str, str | None], ...] = (
    ("nothing", "", None),
    ("no link", "Bonjour à tous", None),
    ("a bare domain is no link everywhere", "see klm.com", None),
    ("nothing behind the domain", "see https://klm.com", f"see https://klm.com?{_Q}"),
    ("a path", "https://klm.com/a/b", f"https://klm.com/a/b?{_Q}"),
    ("a subdomain and another case", "HTTPS://Blog.KLM.com/A", f"HTTPS://Blog.KLM.com/A?{_Q}"),
    ("a port", "http://klm.com:8080/a", f"http://klm.com:8080/a?{_Q}"),
    ("a query stays as it is", "https://klm.com/?q=a+b%20c&&x", f"https://klm.com/?q=a+b%20c&&x&{_Q}"),
    ("an empty query", "https://klm.com/? then", f"https://klm.com/?{_Q}? then"),
    ("an open query", "https://klm.com/?a=1& then", f"https://klm.com/?a=1&{_Q} then"),
    ("a fragment", "https://klm.com/a#top", f"https://klm.com/a?{_Q}#top"),
    ("a query and a fragment with a question mark", "https://klm.com/?a=1#/r?b=2", f"https://klm.com/?a=1&{_Q}#/r?b=2"),
    ("what is there is not written over", "https://klm.com/?utm_source=own", "https://klm.com/?utm_source=own&utm_campaign=%C3%A9t%C3%A9"),
    ("nor in another spelling", "https://klm.com/?UTM%5Fsource&a", "https://klm.com/?UTM%5Fsource&a&utm_campaign=%C3%A9t%C3%A9"),
    ("all of it is there", f"https://klm.com/?{_Q}", None),
    ("a name whose escape is broken", "https://klm.com/?%zz=1", f"https://klm.com/?%zz=1&{_Q}"),
    ("the end of a sentence", "Read https://klm.com/a.", f"Read https://klm.com/a?{_Q}."),
    ("several marks", "https://klm.com/a?!…", f"https://klm.com/a?{_Q}?!…"),
    ("brackets around it", "(https://klm.com/a)", f"(https://klm.com/a?{_Q})"),
    ("brackets within it", "https://klm.com/a_(b)", f"https://klm.com/a_(b)?{_Q}"),
    ("both", "(see https://klm.com/a_(b)).", f"(see https://klm.com/a_(b)?{_Q})."),
    ("French quotation marks", "« https://klm.com/a »", f"« https://klm.com/a?{_Q} »"),
    ("quotation marks", "\"https://klm.com/a\"", f"\"https://klm.com/a?{_Q}\""),
    ("two links", "https://klm.com/a https://klm.com/b", f"https://klm.com/a?{_Q} https://klm.com/b?{_Q}"),
    ("an emoji right behind it", "https://klm.com/a✈️", f"https://klm.com/a?{_Q}✈️"),
    ("accents in the path", "https://klm.com/été", f"https://klm.com/été?{_Q}"),
    ("escapes in the path", "https://klm.com/%C3%A9", f"https://klm.com/%C3%A9?{_Q}"),
    ("a domain with an umlaut", "https://müller.de/", f"https://müller.de/?{_Q}"),
    ("the same in ASCII", "https://xn--mller-kva.de/", f"https://xn--mller-kva.de/?{_Q}"),
    ("Japanese before it", "詳細はhttps://klm.com/a", f"詳細はhttps://klm.com/a?{_Q}"),
    ("Japanese punctuation behind it", "https://klm.com/a。", f"https://klm.com/a?{_Q}。"),
    ("Japanese letters right behind it", "https://klm.com/日本", None),
    ("letters behind a domain", "https://klm.comをご覧", None),
    ("a line end", "https://klm.com/a\nmore", f"https://klm.com/a?{_Q}\nmore"),
    ("another domain", "https://klm.example/", None),
    ("a domain that only ends alike", "https://notklm.com/", None),
    ("a domain that begins alike", "https://klm.com.evil.example/", None),
    ("a user's name before another domain", "https://klm.com@evil.example/", None),
    ("the domain in another's path", "https://evil.example/https://klm.com/", None),
    ("the domain in another's query", "https://evil.example/?u=https://klm.com/", None),
    ("another protocol", "ftp://klm.com/ mailto:a@klm.com", None),
    ("a letter before the protocol", "xhttps://klm.com/", None),
    ("a mail address", "write to help@klm.com", None),
    ("a mention and a hashtag", "@klm #klm", None),
    ("no host", "https:///a https://", None),
    ("a host that nobody can have", "https://-a.klm.com/ https://ab--c.klm.com/ https://a_b.klm.com/", None),
    ("a letter that only looks like the protocol’s", "httpſ://klm.com/", None),
    ("a host of dots", "https://..klm.com/ https://...", None),
)  # fmt: skip


def as_json() -> str:
    """The tags and the cases, for the browser."""
    cases = [{"why": why, "text": text, "sent": text if sent is None else sent} for why, text, sent in CASES]
    return json.dumps({"tags": TAGS.plain(), "cases": cases}, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    FOR_THE_BROWSER.write_text(as_json(), encoding="utf-8")
