"""What people wrote, out of the HTML that servers make of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mastodon.markup import canonical, mentioned, text_of
from channels.rehearsal.mastodon.writing import html_of
from tests.channels.real_data import real_data

ADDRESS = "https://www.example.com/a/long/path/that/is/cut?x=1&y=2#end"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>Un</p><p>Deux<br>Trois<br />Quatre</p>", "Un\n\nDeux\nTrois\nQuatre"),
        ("<p>a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;</p>", "a <b> & \"c\" 'd'"),
        ('<p><a href="https://s.example/@i" class="u-url mention">@<span>ines</span></a> oui</p>', "@ines oui"),
        ('<p><a href="https://evil.example" class="mention">https://a.example</a></p>', "https://a.example (https://evil.example)"),
        ('<p><a href="https://s.example/tags/été" class="mention hashtag" rel="tag">#<span>été</span></a></p>', "#été"),
        (
            '<p>voir <a href="https://www.example.com/a/long/path/that/is/cut?x=1&amp;y=2#end">'
            '<span class="invisible">https://www.</span><span class="ellipsis">example.com/a/long/path/that/is</span>'
            '<span class="invisible">/cut?x=1&amp;y=2#end</span></a>.</p>',
            f"voir {ADDRESS}.",
        ),
        ('<p><a href="https://example.com/">example.com</a></p>', "example.com"),
        ('<p><a href="https://evil.example/">https://bank.example/</a></p>', "https://bank.example/ (https://evil.example/)"),
        ('<p><a href="https://example.com/x">cliquez ici</a></p>', "cliquez ici (https://example.com/x)"),
        ("<p>a</p><ul><li>b</li><li>c</li></ul><ol><li>d</li><li>e</li></ol>", "a\n\n- b\n- c\n\n1. d\n2. e"),
        ("<pre><code>a  b\n  c</code></pre>", "a  b\nc"),
        ("<p>x<script>alert(1)</script><style>p{}</style>y</p>", "xy"),
        ("sans <b>balises", "sans balises"),
        ("<p>a\nb   c</p>", "a b c"),
        ("</p></ul></script><li>x", "- x"),
        ("<a href='https://a.example'>", "https://a.example"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_words_are_what_a_reader_sees(content: str, text: str) -> None:
    assert text_of(content) == text


def test_an_unclosed_link_still_shows_where_it_leads() -> None:
    assert "https://evil.example" in text_of('<p><a href="https://evil.example">https://bank.example</p>')


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ines bonjour", ["ines"]),
        ("bonjour @ines@remote.example, et @paul.", ["ines@remote.example", "paul"]),
        ("écrivez à contact@example.com", []),
        ("https://example.com/@ines", []),
        ("(@ines)", ["ines"]),
        ("@ines@127.0.0.1:8701", ["ines@127.0.0.1:8701"]),
        ("@", []),
    ],
)
def test_names_are_found_where_a_server_finds_them(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


WORDS = st.sampled_from(
    [
        *("@ines", "@ines@remote.example", "#été", ADDRESS, "https://a.example.", "<b>", "&amp;"),
        *("é", "e\u0301", "👩‍👩‍👧", "x", " ", "\n", "\n\n"),
    ]
)


@given(st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=12).map("".join))
def test_what_an_instance_made_of_a_text_is_recognised(text: str) -> None:
    known = {
        "ines": ("https://s.example/@ines", "ines"),
        "ines@remote.example": ("https://remote.example/@ines", "ines"),
    }
    text = text.replace("\r", "").replace("\0", "").replace("\f", " ")
    assert canonical(text_of(html_of(text, known, "https://s.example"))) == canonical(text)


@given(st.text())
def test_no_markup_is_too_strange(content: str) -> None:
    assert "\0" not in text_of(content)


def statuses(answer: Any) -> Iterator[dict[str, Any]]:
    if isinstance(answer, dict):
        if isinstance(answer.get("content"), str) and "visibility" in answer:
            yield answer
        for value in answer.values():
            yield from statuses(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from statuses(value)


def test_real_statuses_lose_their_markup_and_nothing_else() -> None:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    found = {s["id"]: s for s in statuses(recordings)}
    assert len(found) > 50
    for status in found.values():
        text = text_of(status["content"])
        assert "<" not in text or "&lt;" in status["content"]
        for mention in status["mentions"]:
            # A server does not say again in the text whom only the envelope mentions.
            assert f"@{mention['username']}".lower() in text.lower() or mention["url"] not in status["content"]
