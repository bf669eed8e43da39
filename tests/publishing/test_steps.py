"""The steps of an approval by themselves: any order of votes, absences and delays."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.errors import Invalid
from guichet.publishing.steps import GUEST, OPEN_STEP, People, Standing, Step, require_good_steps, standing, step_of
from tests.factories import NOW

ANNA, BEN, CLARA, DORA, OUTSIDER = 1, 2, 3, 4, 9
ANY = Step(staff=(ANNA, BEN), deputies=(DORA,), deputy_after=60)
ALL = replace(ANY, need="all")
BOTH = People(frozenset({ANNA, BEN}), deputies=frozenset({DORA}))
LATER = NOW + timedelta(hours=2)


def test_one_of_any_is_enough_and_all_of_all_are_needed() -> None:
    assert standing(ANY, BOTH, {BEN}, NOW, NOW).is_done
    half = standing(ALL, BOTH, {BEN}, NOW, NOW)
    assert (half.is_done, half.waits_for) == (False, {ANNA})
    assert standing(ALL, BOTH, {ANNA, BEN}, NOW, NOW).is_done


def test_a_deputy_is_asked_after_a_time_and_at_once_where_somebody_is_absent() -> None:
    alone = Step(staff=(ANNA,), deputies=(DORA,), deputy_after=60)
    here = People(frozenset({ANNA}), deputies=frozenset({DORA}))
    assert not standing(alone, here, (), NOW, NOW).lets(DORA, True)
    assert standing(alone, here, (), NOW, LATER).lets(DORA, False)
    assert standing(alone, here, (), NOW, LATER).lets(ANNA, False)
    away = replace(here, absent=frozenset({ANNA}))
    assert standing(alone, away, (), NOW, NOW).lets(DORA, False)
    assert not standing(alone, away, (), NOW, NOW).lets(ANNA, True)
    assert standing(alone, away, {DORA}, NOW, NOW).is_done


def test_nobody_left_and_no_deputy_leaves_it_to_the_queue() -> None:
    gone = People(frozenset({ANNA}), absent=frozenset({ANNA}))
    found = standing(Step(staff=(ANNA,)), gone, (), NOW, NOW)
    assert found.lets(OUTSIDER, True)
    assert not found.lets(OUTSIDER, False)


def test_who_wrote_it_is_not_asked_and_does_not_count() -> None:
    by_anna = replace(BOTH, authors=frozenset({ANNA}))
    assert standing(ALL, by_anna, {BEN}, NOW, NOW).is_done
    assert not standing(ANY, by_anna, {ANNA}, NOW, NOW).is_done
    assert not standing(OPEN_STEP, People(frozenset(), authors=frozenset({ANNA})), (), NOW, NOW).lets(ANNA, True)


def test_one_stand_in_speaks_for_all_who_are_absent() -> None:
    away = replace(BOTH, absent=frozenset({ANNA}))
    waiting = standing(ALL, away, {BEN}, NOW, NOW)
    assert (waiting.is_done, waiting.deputies) == (False, {DORA})
    assert standing(ALL, away, {BEN, DORA}, NOW, NOW).is_done


def test_a_step_that_cannot_be_says_where() -> None:
    with pytest.raises(Invalid) as refused:
        require_good_steps([Step(need="all"), Step(need="most", staff=(ANNA,)), Step(staff=(ANNA,), deputy_after=5)])
    assert set(refused.value.fields) == {"steps.0.need", "steps.1.need", "steps.2.deputy_after"}
    require_good_steps([ALL, OPEN_STEP, Step(external=True)])
    assert step_of(ALL.plain()) == ALL


CREW = (GUEST, ANNA, BEN, CLARA, DORA)
some = st.frozensets(st.sampled_from(CREW))
staff_ = st.frozensets(st.sampled_from(CREW[1:]))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(("any", "all")), some.filter(bool), staff_, staff_, staff_, st.booleans(),
    st.lists(st.sampled_from((*CREW, OUTSIDER)), max_size=12),
)  # fmt: skip
def test_it_ends_by_what_somebody_said_and_never_in_a_dead_end(
    need: str, named: frozenset[int], absent: frozenset[int], authors: frozenset[int], deputies: frozenset[int],
    overdue: bool, tries: list[int],
) -> None:  # fmt: skip
    step = Step(
        need=need,
        staff=tuple(named - {GUEST}),
        external=GUEST in named,
        deputies=tuple(deputies),
        deputy_after=60 if deputies else None,
    )
    people = People(named, absent & named, authors, deputies - absent)
    now = LATER if overdue else NOW
    approved: set[int] = set()

    def look() -> Standing:
        return standing(step, people, approved, NOW, now)

    for person in tries:
        if look().lets(person, person == OUTSIDER):
            assert person not in authors
            approved.add(person)
    found = look()
    if found.is_done:
        assert approved - authors
        if need == "all" and not approved - named:
            assert approved >= named - authors - absent
            assert not (absent & named) - authors - approved
    else:  # then somebody can go on, and it ends
        for person in (*CREW, OUTSIDER):
            if look().lets(person, person == OUTSIDER):
                approved.add(person)
        assert look().is_done
    assert not standing(step, people, (), NOW, now).is_done
