"""Whom a text calls by "@name"."""

from __future__ import annotations

import pytest

from guichet.staff.calling import called_in

NAMES = [("Ada", 1), ("Ada Lovelace", 2), ("Zoé Ôr", 3), ("jonas", 4), ("Jonas", 5), ("", 6), ("C (night)", 7)]


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@ada lovelace, and @Ada", [2, 1]),  # the longest name that fits, in any case
        ("(@Ada) @ada @ADA", [1]),  # once each
        ("@Adam @Ada_ x@Ada @@Ada @ Ada", []),  # a part of another word, an address, nobody
        ("@zoé ôr!", [3]),
        ("@jonas?", [4, 5]),  # everybody of that name: nobody is passed over
        ("@C (night)…", [7]),
        ("@", []),
    ],
)
def test_who_is_called(text: str, called: list[int]) -> None:
    assert called_in(text, NAMES) == called
