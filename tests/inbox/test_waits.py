"""The table of cases: what ends a wait, what does not, and what it is counted as."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet.inbox import waits
from guichet.inbox.happened import (
    Answered,
    Deleted,
    Echoed,
    EndKind,
    Finished,
    Owned,
    Reopened,
    Said,
    TookOver,
    Touched,
)

T0 = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
AGENT = 7


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def said(message_id: int, minutes: float, *, heard: float | None = None, counts: bool = True) -> Said:
    when = at(minutes if heard is None else heard)
    return Said(when, message_id, at(minutes), when, counts)


def answered(minutes: float, seen: int, message_id: int = 90) -> Answered:
    return Answered(at(minutes), message_id, at(minutes), seen, AGENT)


def ends(*history: waits.Event) -> list[tuple[int, str, float | None]]:
    """(opened by, how it ended, after how many minutes of waiting)."""
    return [
        (w.opened_by, str(w.end_kind or ""), (w.ended_at - w.started_at).total_seconds() / 60 if w.ended_at else None)
        for w in waits.recount(history)
    ]


CASES = {
    "several messages before an answer are one wait, from the oldest": (
        [said(1, 0), said(2, 3), answered(10, 2)], [(1, "human_reply", 10)],
    ),
    "an automatic acknowledgement does not end it": (
        [said(1, 0), Touched(at(1), at(1))], [(1, "", None)],
    ),
    "a bounce or spam opens none": ([said(1, 0, counts=False)], []),
    "an answer ends only what its author had seen": (
        [said(1, 0), said(2, 4), answered(5, 1)], [(1, "human_reply", 5), (2, "", None)],
    ),
    "resolved without an answer is counted as such": (
        [said(1, 0), Finished(at(6), EndKind.CLOSED_UNANSWERED)], [(1, "closed_unanswered", 6)],
    ),
    "no answer needed": ([said(1, 0), Finished(at(2), EndKind.NOT_NEEDED, AGENT)], [(1, "not_needed", 2)]),
    "answered in the network's own app": (
        [said(1, 0), Echoed(at(9), 50, at(3))], [(1, "answered_elsewhere", 3)],
    ),
    "an echo does not answer what was said after it": (
        [said(1, 0), said(2, 5), Echoed(at(9), 50, at(3))], [(1, "answered_elsewhere", 3), (2, "", None)],
    ),
    "deleted altogether": ([said(1, 0), said(2, 1), Deleted(at(2), 1), Deleted(at(3), 2)], [(2, "withdrawn", 2)]),
    "deleting the oldest moves the start": ([said(1, 0), said(2, 4), Deleted(at(5), 1), answered(6, 2)],
                                            [(2, "human_reply", 2)]),
    "backfilled, older than what waits already": (
        [said(2, 5), said(1, 0, heard=8), answered(10, 2)], [(1, "human_reply", 10)],
    ),
    "clocks that differ never give a negative wait": ([said(1, 5), answered(4, 1)], [(1, "human_reply", 0)]),
    "a second answer ends nothing more": ([said(1, 0), answered(5, 1), answered(6, 1)], [(1, "human_reply", 5)]),
    "merged: one wait from the earlier start": (
        [said(2, 5), TookOver(at(6), (said(1, 0),)), answered(8, 2)], [(1, "human_reply", 8)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_table(case: str) -> None:
    history, expected = CASES[case]
    assert ends(*history) == expected


def test_reassigned_time_is_split_per_owner_and_credited_to_the_sender() -> None:
    (wait,) = waits.recount([Owned(at(-1), 3, None), said(1, 0), Owned(at(4), 3, 9), answered(10, 1)])
    shares = [
        (s.team_id, s.staff_id, (s.ended_at - s.started_at).total_seconds() / 60) for s in wait.slices if s.ended_at
    ]
    assert shares == [(3, None, 4), (3, 9, 6)]
    assert wait.answered_by == AGENT


def test_each_cycle_has_a_first_response_of_its_own() -> None:
    history = [said(1, 0), answered(1, 1), said(2, 2), answered(3, 2), Reopened(at(4)), said(3, 4), answered(5, 3)]
    assert [(w.cycle, w.is_first) for w in waits.recount(history)] == [(1, True), (1, False), (2, True)]


def test_first_touch_is_kept_apart() -> None:
    (wait,) = waits.recount([said(1, 0), Touched(at(1), at(1)), Touched(at(2), at(2)), answered(9, 1)])
    assert (wait.first_touch_at, wait.ended_at) == (at(1), at(9))
