"""The table of states: complete, and the only way."""

from __future__ import annotations

import itertools

import pytest

from guichet.delivery.states import FINAL, IN_DOUBT, STEPS, State, can_step, require_step, sources_of
from guichet.errors import Conflict


def test_every_state_stands_in_the_table_and_can_be_reached() -> None:
    assert set(STEPS) == set(State)
    starts = {State.SCHEDULED, State.DUE, State.BLOCKED, State.AWAITING_APPROVAL}
    assert set().union(*STEPS.values()) | starts == set(State)


@pytest.mark.parametrize(("before", "after"), itertools.product(State, State))
def test_a_pair_that_is_not_in_the_table_is_refused(before: State, after: State) -> None:
    if after in STEPS[before]:
        require_step(before, after)
        assert before in sources_of(after)
    else:
        with pytest.raises(Conflict):
            require_step(before, after)
        assert before not in sources_of(after)


def test_sending_is_reached_from_claimed_alone() -> None:
    assert sources_of(State.SENDING) == (State.CLAIMED,)


def test_what_may_be_out_never_goes_back_without_a_look() -> None:
    assert not can_step(State.UNKNOWN, State.DUE)
    assert not can_step(State.UNKNOWN, State.CANCELLED)
    for state in IN_DOUBT:
        assert not can_step(state, State.CLAIMED)


def test_nothing_is_a_dead_end_but_what_is_final() -> None:
    for state in State:
        reachable, grown = {state}, True
        while grown:
            more = set().union(*(STEPS[s] for s in reachable)) | reachable
            grown, reachable = more != reachable, more
        assert reachable & FINAL, f"{state} never ends"


def test_evidence_of_publication_beats_every_decision() -> None:
    for state in (State.CANCELLED, State.FAILED, State.NEEDS_HUMAN, State.UNKNOWN, State.RECONCILING):
        assert can_step(state, State.PUBLISHED)
