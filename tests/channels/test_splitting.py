"""A long text becomes a thread that every network takes and a reader follows."""

from __future__ import annotations

import time
import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.contract import CountUnit, TextLimit
from channels.limits import count, count_bytes
from channels.splitting import Measure, split
from channels.urls import find_urls
from tests.channels.counting_cases import LIMITS

ALL = [Measure(limit) for limit in LIMITS.values()]


def limit(most: int) -> Measure:
    return Measure(TextLimit(most, CountUnit.CHARACTER, "a test", date(2026, 11, 22)))


def test_what_fits_stays_whole_and_what_is_blank_is_nothing() -> None:
    assert split(" Gate B12 is open. \n", ALL, numbered=True) == ["Gate B12 is open."]
    assert split(" \n\t", ALL) == []


def test_paragraphs_go_before_sentences_and_sentences_before_words() -> None:
    paragraphs = "First one here.\n\nThe second one is there. And on it goes."
    assert split(paragraphs, [limit(30)]) == ["First one here.", "The second one is there.", "And on it goes."]
    assert split("All flights wait. Please do not come here today.", [limit(34)]) == [
        "All flights wait.",
        "Please do not come here today.",
    ]
    assert split("all flights wait until the ash is gone", [limit(16)]) == [
        "all flights wait",
        "until the ash is",
        "gone",
    ]


def test_a_break_early_in_the_item_does_not_waste_it() -> None:
    assert split("No. The ash cloud keeps every flight here today", [limit(30)]) == [
        "No. The ash cloud keeps every",
        "flight here today",
    ]


def test_a_url_is_never_cut_even_where_it_is_too_long() -> None:
    url = "https://example.com/" + "a" * 40
    assert split(f"Read all about it there: {url} and come back", [limit(30)]) == [
        "Read all about it there:",
        url,
        "and come back",
    ]


def test_a_word_is_cut_only_where_no_item_could_hold_it() -> None:
    assert split("so Donaudampfschifffahrt goes", [limit(22)]) == ["so", "Donaudampfschifffahrt", "goes"]
    assert split("so Donaudampfschifffahrt goes", [limit(10)]) == ["so Donauda", "mpfschifff", "ahrt goes"]


def test_text_without_spaces_is_divided_between_characters() -> None:
    assert split("火山灰のため欠航です。明日お越しください。", [limit(13)]) == [
        "火山灰のため欠航です。",
        "明日お越しください。",
    ]
    assert split("火山灰のため、全便欠航", [limit(6)]) == ["火山灰のた", "め、全便欠航"]


def test_what_reads_as_one_character_is_not_parted() -> None:
    family = "👨‍👩‍👧‍👦"
    assert split(family * 3, [Measure(TextLimit(2, CountUnit.GRAPHEME, "a test", date(2026, 11, 22)))]) == [
        family * 2,
        family,
    ]


def test_numbers_are_counted_and_agree_once_there_are_ten() -> None:
    items = split("one two " * 40, [limit(30)], numbered=True)
    assert len(items) > 9
    assert all(len(item) <= 30 for item in items)
    assert items[0].endswith(f" (1/{len(items)})")
    assert items[-1].endswith(f" ({len(items)}/{len(items)})")


@given(st.text(st.sampled_from("ab 。.!\n👍é字@#\u0301"), max_size=900) | st.text(max_size=700), st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_item_fits_everywhere_and_no_word_is_lost(text: str, numbered: bool) -> None:
    plain = "".join(unicodedata.normalize("NFC", text).split())
    items = split(text, ALL)
    assert "".join("".join(items).split()) == plain
    for item in split(text, ALL, numbered=numbered):
        for one in LIMITS.values():
            longest_url = max((end - start for start, end in find_urls(item)), default=0)
            assert one.max_length is None or count(item, one) <= one.max_length or longest_url > 200
            assert one.max_bytes is None or count_bytes(item) <= one.max_bytes


@pytest.mark.parametrize("text", ["a" * 20_000, "a " * 10_000, "😀" * 4_000, "example.com/" * 2_000])
def test_a_hostile_text_costs_little(text: str) -> None:
    began = time.process_time()
    split(text, ALL, numbered=True)
    assert time.process_time() - began < 3


def test_what_an_item_becomes_on_its_way_counts() -> None:
    longer = Measure(limit(20).limit, lambda text: text.replace("link", "link?from=us"))
    assert split("see this link and that", [longer]) == ["see this", "link and", "that"]
    assert split("see this link and that", [limit(22)]) == ["see this link and that"]
