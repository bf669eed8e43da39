"""Templates of posts: filled whole or not at all, made by who may, and each network has its own words."""

from __future__ import annotations

import pytest

from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import load_actor
from guichet.publishing import templates
from guichet.publishing.templates import Wording, asked_for, checked, filled
from guichet.variables import Variable, left_open, variables_in
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk

STRIKE = Wording(
    "Strike on {date}: {flights|all flights} are cancelled. Rebook free of charge until {date_2}.",
    {"bluesky": "Strike {Date}: {flights} cancelled."},
)


def test_who_uses_it_is_asked_for_each_variable_once_in_the_order_of_the_text() -> None:
    assert asked_for(STRIKE) == [Variable("date", ""), Variable("flights", ""), Variable("date_2", "")]
    assert variables_in(["{gate|your gate} {GATE| the gate }"]) == [Variable("gate", "your gate")]
    assert variables_in(["{Départ|bientôt}, {date.départ}"]) == [
        Variable("départ", "bientôt"),
        Variable("date.départ", ""),
    ]
    assert variables_in(["no {1st}, {}, {a b}, {{or}, {half"]) == [Variable("or", "")]


def test_all_wordings_are_filled_and_what_is_put_in_is_not_read_again() -> None:
    given = {"date": " Thursday ", "FLIGHTS": "AU1 and {date}", "date_2": "Friday"}
    assert filled(STRIKE, given) == Wording(
        "Strike on Thursday: AU1 and {date} are cancelled. Rebook free of charge until Friday.",
        {"bluesky": "Strike Thursday: AU1 and {date} cancelled."},
    )
    assert filled(Wording("{flights|All flights} fly.", {}), {}).text == "All flights fly."
    assert filled(Wording("{flights|All flights} fly.", {}), {"flights": "Most"}).text == "Most fly."


def test_what_is_missing_is_named_and_nothing_goes_out_half_filled() -> None:
    with pytest.raises(Invalid) as refused:
        filled(STRIKE, {"date": "  ", "flights": "all", "gate": "7"})
    assert set(refused.value.fields) == {"values.date", "values.date_2", "values.gate"}
    with pytest.raises(Invalid) as refused:
        filled(Wording("{date}", {}), {"date": "x" * 1001})
    assert set(refused.value.fields) == {"values.date"}


@pytest.mark.parametrize(
    ("wording", "field"),
    [
        (Wording("  ", {}), "text"),
        (Wording("x" * 10_001, {}), "text"),
        (Wording("fine", {"nowhere": "x"}), "variants.nowhere"),
        (Wording("fine", {"bluesky": "x" * 10_001}), "variants.bluesky"),
        (Wording(" ".join(f"{{v{n}}}" for n in range(31)), {}), "text"),
    ],
)
def test_a_wording_that_cannot_be_kept_says_where(wording: Wording, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(wording, SPECS)
    assert set(refused.value.fields) == {field}


def test_a_variant_without_words_is_none() -> None:
    assert checked(Wording(" Now ", {"mastodon": " ", "bluesky": " here "}), SPECS) == Wording(
        "Now", {"bluesky": "here"}
    )


def test_a_manager_of_an_account_makes_templates_and_authors_only_use_them(desk: Desk) -> None:
    manager = make.make_staff(desk.session)
    make.make_grant(desk.session, manager, desk.here, "manager")
    actor = load_actor(desk.session, manager, NOW)
    how = {"networks": SPECS, "now": NOW}
    made = templates.create_template(desk.session, actor, desk.brand, name=" Strike  now ", wording=STRIKE, **how)
    assert (made.name, made.text, made.variants) == ("Strike now", STRIKE.text, STRIKE.variants)
    with pytest.raises(Conflict, match="already"):
        templates.create_template(desk.session, actor, desk.brand, name="STRIKE NOW", wording=STRIKE, **how)
    templates.change_template(desk.session, actor, made, name="Strike now", wording=Wording("Over", {}), **how)
    assert [(row.text, row.variants) for row in templates.list_templates(desk.session, desk.author)] == [("Over", {})]
    with pytest.raises(NotAllowed):
        templates.change_template(desk.session, desk.author, made, name="x", wording=STRIKE, **how)
    with pytest.raises(NotAllowed):
        templates.delete_template(desk.session, desk.publisher, made, NOW)
    with pytest.raises(NotFound):
        templates.get_template(desk.session, desk.stranger, made.id)
    assert templates.fill_template(desk.session, desk.author, made, {}) == Wording("Over", {})
    with pytest.raises(NotAllowed):
        templates.fill_template(desk.session, load_actor(desk.session, make.make_staff(desk.session), NOW), made, {})
    templates.delete_template(desk.session, actor, made, NOW)
    assert templates.list_templates(desk.session, desk.author) == []


@pytest.mark.parametrize(
    ("text", "open_"),
    [
        ("Off on {day}", ["{day}"]), ("{{ day }} and {{day}}", ["{{ day }}", "{{day}}"]),
        ("{day} or {day}", ["{day}"]), ("{flights|all flights} on {Jour_1}", ["{flights|all flights}", "{Jour_1}"]),
        ("https://airline.example/{flight}", ["{flight}"]), ("Hi {customer.first_name}", ["{customer.first_name}"]),
        ("{été}", ["{été}"]), ("{} {1st} {a b} { } {{}} { \"a\": 1 } }day{ ¯\\_{ツ}_/¯", ["{ツ}"]),
        ("nothing at all", []), ("{" * 5000 + "day", []),
    ],
)  # fmt: skip
def test_what_looks_like_a_variable_is_found_as_it_was_typed(text: str, open_: list[str]) -> None:
    assert left_open(text) == open_
