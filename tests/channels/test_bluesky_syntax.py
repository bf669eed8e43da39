"""Bluesky: names, keys and the places of links, against the protocol's own cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.bluesky.richtext import facets_of, spans_in
from channels.bluesky.syntax import TidClock, is_did, is_handle, is_nsid, is_tid, parse_address, time_of_tid
from channels.errors import Malformed
from tests.channels.real_data import real_data

TUESDAY = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "is_one"), [("handle", is_handle), ("did", is_did), ("nsid", is_nsid)], ids=["handle", "did", "nsid"]
)
def test_the_protocols_own_cases_of_names_are_judged_as_it_does(kind: str, is_one: Any) -> None:
    for verdict, expected in (("valid", True), ("invalid", False)):
        lines = real_data(f"atproto/syntax/{kind}_syntax_{verdict}.txt").read_text().splitlines()
        cases = [line for line in lines if line and not line.startswith("#")]
        assert len(cases) > 10
        assert [c for c in cases if is_one(c) is not expected] == []


@pytest.mark.parametrize("tid", ["3jzfcijpj2z2a", "7777777777777", "2222222222222"])
def test_identifiers_in_use_elsewhere_are_read(tid: str) -> None:
    assert is_tid(tid)
    assert time_of_tid(tid).tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "3jzfcijpj2z21", "0000000000000", "3jzfcijpj2z2aa", "kjzfcijpj2z2a", "3JZFCIJPJ2Z2A"]
)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    assert not is_tid(text)
    with pytest.raises(Malformed):
        time_of_tid(text)


@given(st.integers(0, 10**14))
def test_a_key_carries_its_moment(microseconds: int) -> None:
    now = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    key = TidClock().next(now)
    assert is_tid(key)
    assert time_of_tid(key) == now


def test_many_keys_of_one_moment_differ_and_stay_in_order() -> None:
    clock = TidClock()
    keys = [clock.next(TUESDAY) for _ in range(1000)]
    assert keys == sorted(set(keys))
    assert time_of_tid(keys[-1]) - TUESDAY < timedelta(seconds=1)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "https://x",
        "at://klm.test/app.bsky.feed.post/3jzfcijpj2z2a",
        "at://did:plc:x/app.bsky.feed.post",
        "at://did:plc:x/app.bsky.feed.post/..",
        "at://did:plc:x/app.bsky.feed.post/a/b",
        "at://did:plc:x/app/3jzfcijpj2z2a",
        "at://did:plc:x/app.bsky.feed.post/a b",
    ],
)
def test_an_address_that_names_no_record_is_refused(uri: str) -> None:
    with pytest.raises(Malformed):
        parse_address(uri)


@given(st.text(st.sampled_from("aé👩 @#.:/()\n‍💻") | st.characters(codec="utf-8")))
def test_facets_never_break_a_character_nor_overlap(text: str) -> None:
    raw, end = text.encode(), 0
    for facet in facets_of(text, lambda handle: "did:plc:x"):
        start, stop = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        assert end <= start < stop <= len(raw)
        raw[start:stop].decode()
        end = stop


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("voir https://a.fr/x.", ["https://a.fr/x"]),
        ("(https://a.fr/x_(y))", ["https://a.fr/x_(y)"]),
        ("« https://a.fr »", ["https://a.fr"]),
        ("https://a.fr/@ines.test#suite", ["https://a.fr/@ines.test#suite"]),
        ("a@b.fr @ines.test.", ["@ines.test"]),
        ("@ines @1.2", []),
        ("#été! ＃日本 c#dièse #42 #a-b", ["#été", "＃日本", "#a-b"]),
        (f"#{'x' * 65}", []),
        ("https:// http://. www.", []),
    ],
)
def test_links_mentions_and_hashtags_end_where_readers_expect(text: str, found: list[str]) -> None:
    assert [text[s.start : s.end] for s in spans_in(text)] == found
