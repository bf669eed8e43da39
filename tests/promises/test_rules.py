"""By when a customer should have what, as pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.promises import checking, rules
from guichet.promises.hours import parse
from guichet.promises.rules import Case, Clock, Policy, Step

FRIDAY_EVENING = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)
OFFICE = parse("UTC", {str(day): [["09:00", "18:00"]] for day in range(5)}, [])
AT_75 = {"of": "answer", "percent": 75}
CASE = Case(1, 7, "mastodon", "public", "fr", 1, frozenset({"vip"}), frozenset({4}))


def cond(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "operator": op, "value": list(value)}


def after(**span: float) -> datetime:
    return FRIDAY_EVENING + timedelta(**span)


def test_a_promise_is_kept_in_the_hours_of_its_brand() -> None:
    hour = Policy(1, minutes={"first": 60})
    assert rules.due(hour, "first", Clock(FRIDAY_EVENING, OFFICE)) == datetime(2026, 3, 9, 9, 30, tzinfo=UTC)
    assert rules.due(hour, "first", Clock(FRIDAY_EVENING)) == after(hours=1)
    assert rules.due(hour, "next", Clock(FRIDAY_EVENING)) is None
    assert rules.due(hour, "first", Clock(FRIDAY_EVENING, parse("UTC", {}, []))) is None


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        (cond("priority", "is", 1, 3), True), (cond("priority", "is_not", 1), False),
        (cond("network", "is", "x"), False), (cond("surface", "is", "public"), True),
        (cond("language", "is_not", "fr"), False), (cond("customer", "is", "vip"), True),
        (cond("label", "is", 3, 4), True), (cond("label", "is_not", 4), False), (cond("account", "is", 7), True),
    ],
)  # fmt: skip
def test_what_a_policy_may_ask(condition: dict[str, Any], fits: bool) -> None:
    assert checking.problems_of_conditions([condition]) == {}
    assert rules.fits(Policy(1, conditions=[condition]), CASE) is fits


def test_the_first_that_fits_decides_even_if_it_promises_less() -> None:
    elsewhere, vips, everybody = (
        Policy(1, brand_id=2, minutes={"first": 1}),
        Policy(2, conditions=[cond("customer", "is", "vip")], minutes={"first": 15}),
        Policy(3, minutes={"first": 60, "next": 60}),
    )
    chosen = rules.choose([elsewhere, vips, everybody], CASE)
    assert chosen is vips
    assert rules.due(vips, "next", Clock(FRIDAY_EVENING)) is None


@pytest.mark.parametrize(
    ("conditions", "steps", "where"),
    [
        ([cond("mood", "is", "x")], [], "conditions.0.field"),
        ([cond("priority", "is", True)], [], "conditions.0.value"),
        ([cond("surface", "any_of", "mail")], [], "conditions.0.operator"),
        ([cond("label", "is", "x")], [], "conditions.0.value"),
        (["x"], [], "conditions.0"),
        ([], [{"of": "x", "percent": 75, "actions": [{"kind": "tell_leads"}]}], "steps.0.of"),
        ([], [{"of": "answer", "percent": 0, "actions": [{"kind": "tell_leads"}]}], "steps.0.percent"),
        ([], [{**AT_75, "actions": []}], "steps.0.actions"),
        ([], [{**AT_75, "actions": [{"kind": "shout"}]}], "steps.0.actions.0.kind"),
        ([], [{**AT_75, "actions": [{"kind": "priority", "value": 4}]}], "steps.0.actions.0.value"),
        ([], [{**AT_75, "actions": [{"kind": "team"}]}], "steps.0.actions.0.value"),
    ],
)  # fmt: skip
def test_what_can_never_be_right_is_refused_where_it_stands(conditions: Any, steps: Any, where: str) -> None:
    assert list({**checking.problems_of_conditions(conditions), **checking.problems_of_steps(steps)}) == [where]


def test_a_policy_promises_something_within_a_year() -> None:
    assert checking.problems_of_minutes({"first_minutes": None, "next_minutes": 5}) == {}
    assert list(checking.problems_of_minutes({"first_minutes": None, "next_minutes": None})) == ["first_minutes"]
    assert list(checking.problems_of_minutes({"first_minutes": 5, "next_minutes": 0})) == ["next_minutes"]


MOMENTS = st.lists(st.integers(0, 5000), min_size=0, max_size=6, unique=True).map(sorted)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(amount=st.integers(0, 600), moments=MOMENTS, in_hours=st.booleans())
def test_the_clock_stands_still_in_pauses_and_out_of_hours(amount: int, moments: list[int], in_hours: bool) -> None:
    """Minute by minute, the slow way, it comes to the same."""
    edges = [after(minutes=m) for m in moments]
    pauses = [(a, b) for a, b in zip(edges[::2], [*edges[1::2], None][: len(edges[::2])], strict=True)]
    clock = Clock(FRIDAY_EVENING, OFFICE if in_hours else None, pauses)
    found = clock.moment(timedelta(minutes=amount))

    def counts(at: datetime) -> bool:
        still = any(a <= at and (b is None or at < b) for a, b in pauses)
        return not still and (not in_hours or (at.weekday() < 5 and 9 <= at.hour < 18))

    passed, at = 0, FRIDAY_EVENING
    while passed < amount and at < FRIDAY_EVENING + timedelta(days=12):
        passed, at = passed + counts(at), at + timedelta(minutes=1)
    if passed < amount:
        assert found is None  # it stands still for good
    elif amount:
        assert found == at


def test_steps_are_due_in_order_and_once_for_each_version() -> None:
    tell = Step("answer", 75, ({"kind": "tell_leads"},))
    hurry, other = Step("answer", 100, ({"kind": "priority", "value": 3},)), Step("resolution", 10, ())
    policy = Policy(9, version=2, minutes={"first": 60}, steps=(hurry, tell, other))
    clock = Clock(FRIDAY_EVENING)
    assert rules.next_step_at(policy, "first", clock, []) == after(minutes=45)
    assert rules.due_steps(policy, "first", clock, [], after(minutes=44)) == []
    assert rules.due_steps(policy, "first", clock, [], after(minutes=60)) == [("9.2.1", tell), ("9.2.0", hurry)]
    assert rules.next_step_at(policy, "first", clock, ["9.2.1"]) == after(minutes=60)
    assert rules.next_step_at(policy, "first", clock, ["9.2.0", "9.2.1"]) is None
    assert rules.next_step_at(policy, "first", clock, ["9.1.0", "9.1.1"]) == after(minutes=45)


@pytest.mark.parametrize(
    ("end_kind", "in_time", "late"),
    [
        ("human_reply", True, False), ("answered_elsewhere", True, False), ("closed_unanswered", False, False),
        ("withdrawn", None, False), ("not_needed", None, None), ("merged", None, None), ("moderated", None, None),
        ("bot_reply", None, None),
    ],
)  # fmt: skip
def test_what_counts_as_kept(end_kind: str, in_time: bool | None, late: bool | None) -> None:
    assert rules.verdict(end_kind, after(minutes=5), after(minutes=5)) is in_time
    assert rules.verdict(end_kind, after(minutes=6), after(minutes=5)) is late
    assert rules.verdict(end_kind, after(minutes=6), None) is None
