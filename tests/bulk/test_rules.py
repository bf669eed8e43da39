"""What is said of each cell, how it can be mended, and that the choices do mend it. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.bluesky import SPEC as BLUESKY
from channels.email import SPEC as EMAIL
from channels.mastodon import SPEC as MASTODON
from guichet.bulk.columns import COLUMNS
from guichet.bulk.reading import Finding, Place, Usual
from guichet.bulk.rules import Checked, check_rows, find_repeated
from guichet.bulk.tables import Row
from guichet.delivery.payload import MediaRef
from tests.factories import NOW

SEA = MediaRef(5, "ab", "image/png", 1000, "sea.png", "", "k")
PLACES = [
    Place(1, "mastodon", "aurore@social.example", "Aurore", 1, "Aurore Air", "Europe/Paris", MASTODON, {}),
    Place(2, "bluesky", "aurore.example", "Aurore sky", 1, "Aurore Air", "Europe/Paris", BLUESKY, {}),
    Place(3, "bluesky", "hotel.example", "Hotel", 2, "Hotels", "Asia/Tokyo", BLUESKY, {}),
    Place(4, "email", "club@example.org", "Club", 1, "Aurore Air", "Europe/Paris", EMAIL, {}),
    Place(5, "mastodon", "old@social.example", "Old", 1, "Aurore Air", "Europe/Paris", MASTODON, {}, False),
    Place(6, "x", "aurore.example", "Aurore X", 1, "Aurore Air", "Europe/Paris", replace(BLUESKY, name="x"), {}),
]
GOOD = {"text": "Bonjour", "accounts": "bluesky:aurore.example", "date": "2026-03-11 09:00"}


def checked(*rows: dict[str, str], usual: Usual = Usual()) -> Checked:  # noqa: B008 - a value that never changes
    cells = [Row(n, {c: t for c, t in row.items() if t}) for n, row in enumerate(rows, 2)]
    return check_rows(cells, PLACES, usual, NOW)


def found_in(*rows: dict[str, str], usual: Usual = Usual()) -> list[tuple[str, str]]:  # noqa: B008
    return [(f.column, f.name) for f in checked(*rows, usual=usual).wrong]


def test_a_row_that_is_right_becomes_what_it_says() -> None:
    found = checked(
        {**GOOD, "accounts": "Aurore, bluesky:aurore.example", "thread": "two\n---\nthree", "first_comment": "read on",
         "link": "https://example.org", "title": "t", "language": "fr", "media": "sea.png", "alt_text": "The sea"},
        usual=Usual(media={"sea.png": SEA}),
    )  # fmt: skip
    assert found.findings == ()
    [plan] = found.plans
    assert [place.id for place in plan.places] == [1, 2]
    assert (plan.text, plan.items, plan.first_comment) == ("Bonjour\nhttps://example.org", ("two", "three"), "read on")
    assert plan.due_at is not None
    assert plan.due_at.isoformat() == "2026-03-11T08:00:00+00:00"  # in the brand's zone
    assert plan.files[0].alt == "The sea"


WRONG = {
    "unknown account": ({"accounts": "bluesky:auror.example"}, "accounts", "unknown_account"),
    "several accounts": ({"accounts": "aurore.example"}, "accounts", "several_accounts"),
    "no account": ({"accounts": ""}, "accounts", "no_account"),
    "two brands": ({"accounts": "Aurore, Hotel"}, "accounts", "two_brands"),
    "not connected": ({"accounts": "Old"}, "accounts", "not_connected"),
    "mail takes no posts": ({"accounts": "Club"}, "accounts", "surface_not_offered"),
    "empty": ({"text": ""}, "text", "empty"),
    "too long": ({"text": "x" * 301}, "text", "text_too_long"),
    "thread item too long": ({"thread": "ok\n---\n" + "x" * 301}, "thread", "text_too_long"),
    "comment too long": ({"first_comment": "x" * 301}, "first_comment", "text_too_long"),
    "past": ({"date": "2026-03-09 09:00"}, "date", "past"),
    "ambiguous": ({"date": "05/04/2026 09:00"}, "date", "ambiguous_date"),
    "no hour": ({"date": "2026-03-11"}, "date", "time_missing"),
    "a wrong hour": ({"date": "2026-03-11", "time": "25:00"}, "time", "time_unread"),
    "a time without a day": ({"date": "", "time": "09:00"}, "date", "date_missing"),
    "two times": ({"time": "10:00"}, "time", "two_times"),
    "gap": ({"date": "2026-03-29 02:30"}, "date", "gap"),
    "fold": ({"date": "2026-10-25 02:30"}, "date", "fold"),
    "zone": ({"time_zone": "Paris"}, "time_zone", "unknown_zone"),
    "rule": ({"clock_change": "maybe"}, "clock_change", "no_rule"),
    "language": ({"language": "français"}, "language", "no_language"),
    "title": ({"title": "x" * 301}, "title", "too_long"),
    "file": ({"media": "sea.png"}, "media", "media_not_there"),
    "address": ({"media": "https://example.org/a,b.png"}, "media", "media_not_there"),
    "formula": ({"text": "=A1&B1"}, "text", "formula"),
    "a formula's fault": ({"text": "#REF!"}, "text", "formula_fault"),
}


@pytest.mark.parametrize(("change", "column", "name"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_said_of_its_cell_and_of_no_other(change: dict[str, str], column: str, name: str) -> None:
    wrong = checked(GOOD, {**GOOD, "text": "Another", **change}).wrong
    assert [(f.row, f.column, f.name) for f in wrong] == [(3, column, name)]
    assert wrong[0].message


@pytest.mark.parametrize("name", ["unknown account", "several accounts", "ambiguous", "gap", "fold"])
def test_each_choice_that_is_offered_mends_it(name: str) -> None:
    row = {**GOOD, **WRONG[name][0]}
    [finding] = checked(row).wrong
    assert finding.choices
    for choice in finding.choices:
        assert checked({**row, choice.column: choice.value}).wrong == ()


def test_a_date_serial_can_be_taken_for_the_date_it_may_be() -> None:
    row = {**GOOD, "date": "46092.375"}
    [finding] = checked(row).wrong
    assert checked({**row, "date": finding.choices[0].value}).wrong == ()


def test_once_asked_all_rows_are_read_that_way() -> None:
    [plan] = checked({**GOOD, "date": "05/04/2026 09:00"}, usual=Usual(order="mdy")).plans
    assert plan.wall_time == "2026-05-04T09:00"


def test_a_moment_with_an_offset_is_told_in_the_rows_zone_even_in_a_fold() -> None:
    [plan] = checked({**GOOD, "date": "2026-10-25T01:30:00Z", "time_zone": "Europe/Paris"}).plans
    assert (plan.wall_time, plan.fold_rule) == ("2026-10-25T02:30", "second")


def test_rows_that_say_nothing_take_what_is_usual() -> None:
    usual = Usual(accounts=(2,), time_zone="America/New_York")
    [plan] = checked({"text": "Hello", "date": "2026-03-11 09:00"}, usual=usual).plans
    assert [p.id for p in plan.places] == [2]
    assert plan.due_at is not None
    assert plan.due_at.hour == 13


def test_the_same_at_the_same_time_is_wrong_and_at_another_time_worth_knowing() -> None:
    found = checked(GOOD, GOOD, {**GOOD, "date": "2026-03-12 09:00"})
    assert [(f.row, f.name, f.is_error) for f in found.findings] == [
        (3, "duplicate_row", True),
        (4, "same_text", False),
    ]


def test_a_row_without_a_time_becomes_a_draft_and_says_so() -> None:
    found = checked({**GOOD, "date": ""})
    assert [(f.name, f.is_error) for f in found.findings] == [("undated", False)]
    assert found.plans[0].due_at is None


def test_what_is_planned_already_is_not_planned_again() -> None:
    [plan] = checked(GOOD).plans
    assert [f.name for f in find_repeated([plan], {(2, "Bonjour", plan.due_at)})] == ["already_there"]
    assert find_repeated([plan], {(2, "Bonsoir", plan.due_at), (1, "Bonjour", plan.due_at)}) == []


def test_one_file_has_one_description() -> None:
    rows = [{**GOOD, "media": "sea.png", "alt_text": alt, "text": alt} for alt in ("The sea", "A beach")]
    assert found_in(*rows, usual=Usual(media={"sea.png": SEA})) == [("alt_text", "two_descriptions")]


_CELL = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["Aurore", "2026-03-11 09:00", "03/04/2026 9:00", "x" * 400, "=A1", "UTC", "first", "46091,5"]),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(COLUMNS), _CELL), max_size=4))
def test_any_cells_give_plans_and_findings_about_cells_that_there_are(rows: list[dict[str, str]]) -> None:
    found = checked(*rows)
    assert len(found.plans) == len(rows)
    for finding in found.findings:
        assert isinstance(finding, Finding)
        assert finding.column in COLUMNS
        assert 2 <= finding.row < 2 + len(rows)
