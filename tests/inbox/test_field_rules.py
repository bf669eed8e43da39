"""What a custom field may be, what may stand in it, and what is still lacking before the end."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from guichet.inbox.field_rules import Definition, Misfit, fits, is_code, lacking, problems, read, shown, stored

REASONS = {"late": "Late", "lost": "Lost", "other": "Something else"}


def field(kind: str, **more: Any) -> Definition:
    if kind in ("choice", "choices"):
        more.setdefault("choices", REASONS)
    return Definition(**{"key": "reason", "kind": kind, **more})


@pytest.mark.parametrize(
    ("wanted", "given", "kept"),
    [
        (field("text"), "  two \n words ", "two words"),
        (field("text", mask="AAA999"), "abc123", "abc123"),
        (field("number"), "1.50", Decimal("1.5")),
        (field("number"), 0.1, Decimal("0.1")),
        (field("number"), 100, Decimal(100)),
        (field("number", least=Decimal(1), most=Decimal(3)), 3, Decimal(3)),
        (field("choice"), "lost", "lost"),
        (field("choices"), ["other", "late", "other"], ("late", "other")),
        (field("date"), "2024-02-29", date(2024, 2, 29)),
        (field("yes_no"), False, False),
    ],
)
def test_a_value_is_kept_in_one_form(wanted: Definition, given: Any, kept: Any) -> None:
    found = read(wanted, given)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize("kind", ["text", "number", "choice", "choices", "date", "yes_no"])
@pytest.mark.parametrize("nothing", [None, "", "  ", []])
def test_nothing_takes_the_value_away(kind: str, nothing: Any) -> None:
    assert read(field(kind), nothing) is None


def test_no_and_nought_are_values() -> None:
    assert read(field("yes_no"), False) is False
    assert read(field("number"), 0) == 0
    assert str(read(field("number"), "-0")) == "0"


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (field("text"), 7),
        (field("text"), "x" * 501),
        (field("text"), "a\x00b"),
        (field("text"), "a\u202eb"),
        (field("text", mask="AAA999"), "abc12"),
        (field("number"), True),
        (field("number"), "NaN"),
        (field("number"), "Infinity"),
        (field("number"), float("inf")),
        (field("number"), "1e999999999"),
        pytest.param(field("number"), 10**5000, id="an endless number"),
        (field("number"), "1e-999999999"),
        (field("number"), "9" * 5000),
        (field("number"), "1.1234567"),
        (field("number"), "twelve"),
        (field("number"), [1]),
        (field("number", least=Decimal(1)), 0),
        (field("number", most=Decimal(3)), 4),
        (field("choice"), "stolen"),
        (field("choice"), ["lost"]),
        (field("choices"), "lost"),
        (field("choices"), ["lost", "stolen"]),
        (field("choices"), [["lost"]]),
        (field("date"), "2026-02-30"),
        (field("date"), "20260201"),
        (field("date"), "2026-W05-1"),
        (field("date"), 20260201),
        (field("yes_no"), "yes"),
        (field("yes_no"), 1),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(wanted: Definition, given: Any) -> None:
    with pytest.raises(Misfit) as refused:
        read(wanted, given)
    assert refused.value.why


def test_a_mask_is_compared_sign_by_sign() -> None:
    assert fits("AA-99", "kl-07")
    assert fits("**", "k7")
    assert fits(r"\A9", "A7")
    assert not fits(r"\A9", "B7")
    assert not fits("99", "٤٢"), "digits are 0 to 9"
    assert not fits("A", "é"), "letters are A to Z"
    assert not fits("(A+)+", "aaaa"), "other signs stand for themselves"
    assert fits("(A+)+", "(b+)+")
    assert not fits("AA", "aaa")


@pytest.mark.parametrize(
    ("name", "wanted", "where"),
    [
        (" ", field("text"), {"name"}),
        ("x" * 61, field("text"), {"name"}),
        ("Why", field("text", key="Why"), {"key"}),
        ("Why", field("text", key="a:b"), {"key"}),
        ("Why", field("text", key="why\n"), {"key"}),
        ("Why", field("text", key="a" * 41), {"key"}),
        ("Why", field("sound"), {"kind"}),
        ("Why", field("text", subject="post"), {"subject"}),
        ("Why", field("text", mask="A\\"), {"mask"}),
        ("Why", field("text", mask="A" * 61), {"mask"}),
        ("Why", field("date", mask="99"), {"mask"}),
        ("Why", field("text", least=Decimal(1)), {"least"}),
        ("Why", field("number", most=Decimal("nan")), {"most"}),
        ("Why", field("number", least=Decimal(2), most=Decimal(1)), {"most"}),
        ("Why", field("text", choices=REASONS), {"choices"}),
        ("Why", field("choice", choices={}), {"choices"}),
        ("Why", field("choice", choices={"a b": "A"}), {"choices"}),
        ("Why", field("choices", choices={"a": " "}), {"choices"}),
        ("Why", field("choices", choices={f"c{n}": "C" for n in range(101)}), {"choices"}),
    ],
)
def test_a_definition_that_cannot_be_names_what_is_wrong(name: str, wanted: Definition, where: set[str]) -> None:
    assert set(problems(name, wanted)) == where


@pytest.mark.parametrize("kind", ["text", "number", "choice", "choices", "date", "yes_no"])
def test_a_plain_definition_of_each_kind_is_in_order(kind: str) -> None:
    assert problems("Reason", field(kind)) == {}


def lacks(wanted: Definition, *, has: tuple[str, ...] = ()) -> bool:
    return bool(lacking([wanted], has, brand_id=1))


def test_the_gate_asks_for_what_is_required_and_empty() -> None:
    required = field("text", is_required=True)
    assert lacks(required)
    assert not lacks(required, has=("reason",))
    assert not lacks(field("text"))
    assert not lacks(field("text", is_required=True, is_retired=True))


def test_the_gate_asks_only_in_its_brand() -> None:
    assert lacks(field("text", is_required=True, brand_id=1))
    assert not lacks(field("text", is_required=True, brand_id=2))


def test_what_is_lacking_comes_in_the_order_of_the_fields() -> None:
    fields = [field("text", key=key, is_required=True) for key in ("zeta", "alpha", "mid")]
    found = lacking(fields, ["alpha"], brand_id=1)
    assert [f.key for f in found] == ["zeta", "mid"]


@pytest.mark.parametrize(
    ("wanted", "given", "rows", "shown_as"),
    [
        (field("text"), "two  words", ["two words"], "two words"),
        (field("number"), "1e3", ["1000"], "1000"),
        (field("number"), "-0.000001", ["-0.000001"], "-0.000001"),
        (field("choice"), "lost", ["lost"], "lost"),
        (field("choices"), ["other", "late"], ["late", "other"], ["late", "other"]),
        (field("date"), "2024-02-29", ["2024-02-29"], "2024-02-29"),
        (field("yes_no"), False, ["no"], False),
        (field("yes_no"), True, ["yes"], True),
    ],
)
def test_what_is_kept_is_shown_so_and_may_be_given_again(
    wanted: Definition, given: Any, rows: list[str], shown_as: Any
) -> None:
    value = read(wanted, given)
    assert value is not None
    assert stored(value) == rows
    assert shown(wanted.kind, rows) == shown_as
    assert read(wanted, shown_as) == value


def test_only_codes_stand_in_a_history() -> None:
    assert not is_code(field("text"))
    assert is_code(field("text", mask="AAA999"))
    assert is_code(field("date"))
