"""What is typed into the search is understood, or refused with the word that makes no sense."""

from __future__ import annotations

import pytest

from guichet.errors import Invalid
from guichet.inbox import excerpts, searching, sought
from guichet.inbox.lexicon import document, stems


def read(text: str) -> list[tuple[str, str]]:
    return [(("-" if t.is_left_out else "") + t.operator, t.value) for t in sought.read(text).terms]


def test_words_phrases_operators_and_what_is_left_out() -> None:
    typed = 'lost "Gate 12" -refund from:anna -label:"lost luggage" after:2026-05-01 is:open'
    assert read(typed) == [
        ("", "lost"), ("", "gate 12"), ("-", "refund"), ("from", "anna"), ("-label", "lost luggage"),
        ("after", "2026-05-01"), ("is", "open"),
    ]  # fmt: skip


def test_french_says_the_same() -> None:
    assert read('de:Zoé compte:aide étiquette:vip est:ouvert avant:2026-05-01 contient:fichier «deux mots»') == [
        ("from", "Zoé"), ("account", "aide"), ("label", "vip"), ("is", "open"), ("before", "2026-05-01"),
        ("has", "file"), ("", "deux mots"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("field:tier=gold", ("tier", "=", "gold")), ('field:why="lost  bag"', ("why", "=", "lost bag")),
        ('champ:"why=lost bag"', ("why", "=", "lost bag")), ("field:Nights>=3", ("nights", ">=", "3")),
        ("field:visit<2026-06-01", ("visit", "<", "2026-06-01")), ("field:tier=", ("tier", "=", "")),
        ("field:tier", ("tier", "", "")), ("-field:tier=a=b", ("tier", "=", "a=b")),
        ('field:tier=""', ("tier", "=", "")),
    ],
)  # fmt: skip
def test_a_field_is_asked_for_by_its_key_and_a_sign(text: str, asked: tuple[str, str, str]) -> None:
    words, term = sought.read(f"bag {text}").terms
    assert (words.value, term.operator) == ("bag", "field")
    assert sought.asked_of_field(term) == sought.OfField(*asked)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("followers:10k", (">=", 10_000)), ("abonnés:<500", ("<", 500)), ("followers:>=2M", (">=", 2_000_000)),
        ("-followers:=0", ("=", 0)), ('followers:"<= 7"', ("<=", 7)),
    ],
)  # fmt: skip
def test_followers_are_asked_for_by_a_number_and_at_least_unless_a_sign_says_otherwise(
    text: str, asked: tuple[str, int]
) -> None:
    words, term = sought.read(f"bag {text}").terms
    assert (words.value, term.operator) == ("bag", "followers")
    assert sought.asked_of_followers(term) == asked


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Re: bag", [("", "Re"), ("", "bag")]), ("10:30", [("", "10 30")]), ("l'avion", [("", "l avion")]),
        ("https://a.b/c", [("", "https a b c")]), ('"not closed', [("", "not closed")]), ('- "" "', []), ("  ", []),
    ],
)  # fmt: skip
def test_what_has_not_the_form_of_an_operator_is_words(text: str, terms: list[tuple[str, str]]) -> None:
    assert read(text) == terms


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("form:anna", "form:"), ("is:odd", "is:odd"), ("bag -is:odd", "-is:odd"), ("has:wings", "has:wings"),
        ("after:soon", "after:soon"), ("on:2026-02-30", "on:2026-02-30"), ("label:", "label:"), ("-refund", "-refund"),
        ("priority:9", "priority:9"), ("field:", "field:"), ("field:=gold", "field:=gold"),
        ("field:tier>", "field:tier>"), ("followers:many", "followers:many"), ("followers:>", "followers:>"),
        ("followers:-5", "followers:-5"), ("followers:1234567890", "followers:1234567890"),
    ],
)  # fmt: skip
def test_a_bad_search_is_refused_with_the_word(text: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        sought.read(text)
    assert f"“{word}”" in refused.value.fields["q"]


def test_too_many_words_are_refused() -> None:
    with pytest.raises(Invalid):
        sought.read("word " * 21)


def test_forms_of_a_word_share_a_stem_with_accents_and_without() -> None:
    for forms in (
        ("remboursé", "remboursée", "rembourser", "remboursement", "rembourse"), ("bagage", "Bagages"),
        ("réservation", "reservations"), ("refund", "refunds", "refunded", "REFUNDING"), ("problème", "problemes"),
    ):  # fmt: skip
        assert frozenset.intersection(*map(stems, forms)), forms


def test_a_document_holds_words_in_order_then_stems_then_names() -> None:
    assert document(["Vols annulés !"], ["Zoé", "zoe_b"]) == "vols annules _annul _annule _vol @b @zoe"


def parts(text: str, typed: str) -> list[str]:
    marked = excerpts.mark(text, searching.query_of(sought.read(typed).terms))
    return [f"[{p.text}]" if p.is_hit else p.text for p in marked]


def test_an_excerpt_marks_what_was_meant_and_nothing_else() -> None:
    assert parts("Mes bagages\nsont <b>perdus</b>", "bagage") == ["Mes ", "[bagages]", " sont <b>perdus</b>"]
    assert parts("the end of the gate", '"the gate"') == ["the end of ", "[the]", " ", "[gate]"]
    assert parts("Re\u0301serve\u0301 hier", "reserve") == ["[Re\u0301serve\u0301]", " hier"]
    assert parts("nothing here", "elephant") == ["nothing here"]


def test_an_excerpt_of_a_long_text_stands_around_the_first_word() -> None:
    found = parts("x " * 300 + "needle " + "y " * 300, "needle")
    assert found[0] == "…"
    assert found[-1] == "…"
    assert "[needle]" in found
    assert len("".join(found)) < 180
