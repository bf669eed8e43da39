"""Schedules that were found, or thought of, each with the guard that alone survives it: with
the guard the judge is content, without it he is not. The only tests beside the harness's
that replace our own functions: that is what they are about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from guichet.delivery import engine, operations, rules, settling, takeover
from guichet.delivery.gates import D
from guichet.delivery.states import AttemptState, State
from guichet.models import Attempt, table_of
from tests.simulation.healing import come_to_rest
from tests.simulation.judge import Fault
from tests.simulation.machine import company
from tests.simulation.world import World

Story = Callable[[World], None]
Guard = Callable[[pytest.MonkeyPatch], None]
_T = table_of(Attempt)
_AT_ONCE = timedelta(0)


def send(world: World, fate: str, n: int = 0, steps: int = 5) -> None:
    """Claim, start, request, hear, settle: as many of them as `steps` says."""
    for _ in range(steps):
        world.a_worker(n).step(fate)


# ---------------------------------------------------------------- stories


def an_error_after_it_was_published(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "silent")


def a_request_that_arrives_late(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "late")
    for _ in range(3):
        world.pass_time(timedelta(seconds=11))
        world.reconcile()
    world.a_worker(0).work("accepted")


def a_cancel_while_the_network_does_not_show_yet_what_it_has(world: World) -> None:
    id_ = world.plan("bluesky", "good morning", _AT_ONCE)
    send(world, "silent")
    world.pass_time(timedelta(seconds=2))
    world.reconcile()
    world.cancel(id_)


def a_cancel_of_what_a_person_is_to_look_for(world: World) -> None:
    id_ = world.plan("email", "good morning", _AT_ONCE)
    send(world, "silent")
    world.pass_time(timedelta(seconds=2))
    world.reconcile()
    world.cancel(id_)


def a_mail_whose_server_says_nothing(world: World) -> None:
    world.plan("email", "good morning", _AT_ONCE)
    send(world, "silent")
    world.pass_time(timedelta(seconds=2))
    world.reconcile()
    world.a_worker(0).work("accepted")


def a_worker_that_slept_through_its_replacement(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "accepted", steps=1)
    world.a_worker(0).has_lock = False
    world.take_over()
    send(world, "accepted", n=1)
    world.workers[0].step("accepted")
    world.workers[0].work("accepted")


def a_brake_between_claim_and_start(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "accepted", steps=1)
    world.pull("all", posts=True, answers=False)
    world.pass_time(timedelta(seconds=2))
    send(world, "accepted", steps=2)


def a_brake_between_start_and_request(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "accepted", steps=2)
    world.pull("all", posts=True, answers=False)
    world.pass_time(timedelta(seconds=2))
    send(world, "accepted", steps=1)


def a_worker_that_died_with_a_claim(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "accepted", steps=1)
    world.a_worker(0).die()


def a_worker_that_died_while_sending(world: World) -> None:
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "silent", steps=3)
    world.a_worker(0).die()


def an_answer_that_comes_after_the_worker_was_taken_over_from(world: World) -> None:
    """Its reply proves that nothing was sent; but whoever took over looks for the attempt."""
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "unreachable", steps=3)
    world.a_worker(0).has_lock = False
    world.take_over()
    world.workers[0].step("accepted")
    world.workers[0].step("accepted")


def a_slow_call_of_a_worker_that_was_taken_over_from(world: World) -> None:
    """It goes on for a minute after its lock was lost, and arrives a minute after that."""
    world.plan("mastodon", "good morning", _AT_ONCE)
    send(world, "slow and late", steps=3)
    world.a_worker(0).has_lock = False
    world.take_over()
    world.reconcile()
    for seconds in (61, 11, 11):
        world.pass_time(timedelta(seconds=seconds))
        world.workers[0].work("accepted")
        world.reconcile()
        world.a_worker(1).work("accepted")


def something_for_later(world: World) -> None:
    world.plan("mastodon", "good morning", timedelta(seconds=30))
    world.pass_time(timedelta(seconds=1))
    world.tick()
    send(world, "accepted")


# ---------------------------------------------------------------- guards, taken away


def no_doubt_about_errors(patch: pytest.MonkeyPatch) -> None:
    judged = rules.after_error

    def naive(error: BaseException, **how: Any) -> rules.Verdict:
        verdict = judged(error, **how)
        if verdict.state is not State.UNKNOWN:
            return verdict
        return replace(verdict, state=State.DUE, attempt=AttemptState.REFUSED, not_before=how["now"])

    patch.setattr(rules, "after_error", naive)


def every_absence_counts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "counts", lambda spec, doubt, now: True)


def repeats_that_nobody_doubts(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(operations, "reopen", lambda connection, ids, now: set())


def absence_without_a_look(patch: pytest.MonkeyPatch) -> None:
    absent = rules.Verdict(State.DUE, AttemptState.ABSENT, "proved_absent")
    patch.setattr(rules, "cannot_look", lambda reason: absent)


def doubts_are_cancelled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(operations, "_open_attempt", lambda session, delivery: None)


def no_condition_in_the_starting_update(patch: pytest.MonkeyPatch) -> None:
    def naive(connection: Any, worker_id: str, starts: Any, now: Any, lock_is_held: Any) -> set[int]:
        ids = {s.claimed.id for s in starts}
        connection.execute(update(D).where(D.c.id.in_(ids)).values(state=State.SENDING))
        return ids

    patch.setattr(engine, "start", naive)


def starts_that_hold_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rules, "START_HOLDS", timedelta(days=1))


def no_taking_over(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(takeover, "suspects", lambda connection: [])


def no_unknown_after_a_death(patch: pytest.MonkeyPatch) -> None:
    recover = takeover.recover

    def naive(connection: Any, worker_id: str, now: datetime, *more: Any) -> tuple[int, int]:
        mine = (D.c.worker_id == worker_id, D.c.state == State.SENDING)
        connection.execute(update(_T).where(_T.c.delivery_id.in_(select(D.c.id).where(*mine))).values(state="unsent"))
        connection.execute(update(D).where(*mine).values(state=State.CLAIMED))
        return recover(connection, worker_id, now, *more)

    patch.setattr(takeover, "recover", naive)


def results_end_what_others_look_for(patch: pytest.MonkeyPatch) -> None:
    settled = settling.settle

    def naive(connection: Any, results: Any, now: datetime) -> None:
        for r in results:
            ended = update(_T).where(_T.c.delivery_id == r.delivery_id, _T.c.fence == r.fence)
            connection.execute(ended.values(state=r.verdict.attempt, ended_at=r.ended_at))
        settled(connection, results, now)

    patch.setattr("tests.simulation.worker.settle", naive)


def results_say_nothing_of_when_a_call_ended(patch: pytest.MonkeyPatch) -> None:
    settled = settling.settle

    def naive(connection: Any, results: Any, now: datetime) -> None:
        before = {r.id: r.ended_at for r in connection.execute(select(_T.c.id, _T.c.ended_at))}
        settled(connection, results, now)
        for id_, ended_at in before.items():
            connection.execute(update(_T).where(_T.c.id == id_, _T.c.state == "unknown").values(ended_at=ended_at))

    patch.setattr("tests.simulation.worker.settle", naive)


def a_clock_that_is_fast(patch: pytest.MonkeyPatch) -> None:
    promote = engine.promote
    patch.setattr(engine, "promote", lambda connection, now: promote(connection, now + timedelta(minutes=1)))
    all_due = select(D.c.id).where(D.c.state == State.DUE)
    patch.setattr(engine, "next_ids", lambda connection, *_: list(connection.scalars(all_due)))


GUARDS: dict[str, tuple[Guard, Story, str]] = {
    "rule 2, errors": (no_doubt_about_errors, an_error_after_it_was_published, "twice"),
    "rule 7, waiting": (every_absence_counts, a_request_that_arrives_late, "twice"),
    "rule 7, keys": (repeats_that_nobody_doubts, a_cancel_while_the_network_does_not_show_yet_what_it_has, "rows say"),
    "rule 7, blind": (absence_without_a_look, a_mail_whose_server_says_nothing, "twice"),
    "cancelling": (doubts_are_cancelled, a_cancel_of_what_a_person_is_to_look_for, "rows say"),
    "rule 1, starting": (no_condition_in_the_starting_update, a_worker_that_slept_through_its_replacement, "twice"),
    "rule 5, brake": (no_condition_in_the_starting_update, a_brake_between_claim_and_start, "braked"),
    "rule 9, one second": (starts_that_hold_for_ever, a_brake_between_start_and_request, "braked"),
    "rule 4, taking over": (no_taking_over, a_worker_that_died_with_a_claim, "stuck"),
    "rule 4, unknown": (no_unknown_after_a_death, a_worker_that_died_while_sending, "twice"),
    "late answers": (
        results_end_what_others_look_for, an_answer_that_comes_after_the_worker_was_taken_over_from, "stuck",
    ),
    "late ends": (
        results_say_nothing_of_when_a_call_ended, a_slow_call_of_a_worker_that_was_taken_over_from, "twice",
    ),
    "0 early": (a_clock_that_is_fast, something_for_later, "early"),
}  # fmt: skip


@pytest.mark.parametrize("guard", GUARDS)
def test_with_this_guard_the_schedule_ends_well_and_without_it_the_judge_finds_fault(
    monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    take_away, story, fault = GUARDS[guard]
    play(story)
    take_away(monkeypatch)
    with pytest.raises(Fault, match=fault):
        play(story)


def play(story: Story) -> None:
    """Raises Fault where the judge finds one."""
    world = World(company())
    try:
        story(world)
        come_to_rest(world)
    finally:
        world.end()


def test_a_follower_goes_when_the_one_before_is_out_but_not_before_its_own_time() -> None:
    def a_follower_that_is_for_later(world: World) -> None:
        first = world.plan("mastodon", "good morning", _AT_ONCE)
        second = world.plan("mastodon", "and more", _AT_ONCE, behind=first)
        world.act(operations.reschedule, second, world.now + timedelta(hours=1))
        send(world, "accepted")
        assert world.delivery(second).state == "scheduled"

    play(a_follower_that_is_for_later)
