"""What follows from what happened: pure decisions, over every kind of ending."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.bluesky import SPEC as BLUESKY
from channels.contract import Looked, Receipt, Recovery
from channels.errors import (
    AuthExpired,
    ChannelError,
    Forged,
    Gone,
    Malformed,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from channels.mastodon import SPEC as MASTODON
from guichet.delivery import rules
from guichet.delivery.rules import Doubt
from guichet.delivery.states import AttemptState, State, can_step

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=7)


def judge(error: BaseException, **more: Any) -> rules.Verdict:
    given = {"kind": "post", "is_reply": False, "tries": 1, "now": NOW, **more}
    return rules.after_error(error, **given)


@pytest.mark.parametrize(
    ("error", "more", "state", "attempt"),
    [
        (Unavailable("no route"), {}, State.DUE, AttemptState.UNSENT),
        (RateLimited("slow down", retry_at=LATER), {}, State.DUE, AttemptState.REFUSED),
        (Rejected("too long"), {}, State.FAILED, AttemptState.REFUSED),
        (AuthExpired("revoked"), {}, State.NEEDS_HUMAN, AttemptState.REFUSED),
        (Gone("no such status"), {"is_reply": True}, State.NEEDS_HUMAN, AttemptState.REFUSED),
        (Gone("no such status"), {}, State.FAILED, AttemptState.REFUSED),
        (Gone("no such status"), {"kind": "delete"}, State.PUBLISHED, AttemptState.ACCEPTED),
        (OutcomeUnknown("reset"), {}, State.UNKNOWN, AttemptState.UNKNOWN),
        (OutcomeUnknown("reset"), {"kind": "delete"}, State.DUE, AttemptState.MOOT),
        (OutcomeUnknown("reset"), {"kind": "edit"}, State.DUE, AttemptState.MOOT),
        (Malformed("not JSON"), {}, State.UNKNOWN, AttemptState.UNKNOWN),
        (Forged("?"), {}, State.UNKNOWN, AttemptState.UNKNOWN),
        (ChannelError("?"), {}, State.UNKNOWN, AttemptState.UNKNOWN),
        (KeyError("ours"), {}, State.UNKNOWN, AttemptState.UNKNOWN),
        (MemoryError(), {}, State.UNKNOWN, AttemptState.UNKNOWN),
    ],
)
def test_only_proof_that_nothing_was_accepted_lets_the_machine_send_again(
    error: BaseException, more: dict[str, Any], state: State, attempt: AttemptState
) -> None:
    verdict = judge(error, **more)
    assert (verdict.state, verdict.attempt) == (state, attempt)
    assert can_step(State.SENDING, verdict.state)


def test_what_the_network_says_about_waiting_is_kept_within_reason() -> None:
    assert judge(RateLimited("", retry_at=LATER)).park_until == LATER
    assert judge(RateLimited("")).park_until == NOW + rules.RATE_LIMIT_WAIT
    assert judge(RateLimited("", retry_at=NOW - timedelta(hours=1))).park_until == NOW + rules.RATE_LIMIT_WAIT
    assert judge(RateLimited("", retry_at=NOW + timedelta(days=900))).park_until == NOW + rules.LONGEST_PARK


@pytest.mark.parametrize("error", [Unavailable(""), RateLimited(""), Rejected("")])
def test_what_was_withdrawn_and_surely_not_sent_ends_there(error: ChannelError) -> None:
    assert judge(error, withdraw=True).state is State.CANCELLED


@pytest.mark.parametrize("error", [OutcomeUnknown(""), ValueError("")])
def test_what_was_withdrawn_but_may_be_out_is_still_looked_for(error: Exception) -> None:
    assert judge(error, withdraw=True).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (OutcomeUnknown("upload broke"), State.DUE),
        (Unavailable(""), State.DUE),
        (RateLimited(""), State.DUE),
        (Malformed(""), State.DUE),
        (Rejected("bad picture"), State.FAILED),
        (AuthExpired(""), State.NEEDS_HUMAN),
        (KeyError("ours"), State.FAILED),
    ],
)
def test_nothing_that_goes_wrong_before_the_start_is_in_doubt(error: Exception, state: State) -> None:
    verdict = rules.after_failed_preparation(error, tries=1, now=NOW)
    assert verdict.state is state
    assert can_step(State.CLAIMED, verdict.state)


@pytest.mark.parametrize("error", [Unavailable("no route"), OutcomeUnknown("reset")])
@pytest.mark.parametrize("after", ["send", "prepare"])
def test_nothing_is_tried_for_ever(error: ChannelError, after: str) -> None:
    def outcome(tries: int) -> rules.Verdict:
        if after == "send":
            return judge(error, kind="delete", tries=tries)
        return rules.after_failed_preparation(error, tries=tries, now=NOW)

    assert outcome(rules.MOST_TRIES - 1).state is State.DUE
    last = outcome(rules.MOST_TRIES)
    assert (last.state, last.not_before) == (State.NEEDS_HUMAN, None)
    assert str(rules.MOST_TRIES) in last.reason
    assert error.detail in last.reason
    assert can_step(State.SENDING, last.state)
    assert can_step(State.CLAIMED, last.state)


def test_a_network_that_says_until_when_to_wait_is_waited_for() -> None:
    assert judge(RateLimited("", retry_at=LATER), tries=rules.MOST_TRIES).state is State.DUE


def test_what_was_withdrawn_is_not_asked_about_after_the_last_try() -> None:
    assert judge(Unavailable(""), tries=rules.MOST_TRIES, withdraw=True).state is State.CANCELLED


def test_our_own_faults_say_their_name_and_not_what_they_hold() -> None:
    assert "hunter2" not in judge(ValueError("password hunter2")).reason


@given(st.integers(0, 10_000))
def test_waiting_grows_and_ends(tries: int) -> None:
    wait = rules.backoff(tries)
    assert rules.FIRST_BACKOFF <= wait <= rules.LONGEST_BACKOFF
    assert rules.backoff(tries + 1) >= wait


@given(st.timedeltas(timedelta(0), timedelta(days=3)), st.timedeltas(timedelta(minutes=6), timedelta(days=2)))
def test_a_key_is_never_replayed_near_or_after_its_end(age: timedelta, life: timedelta) -> None:
    usable = rules.key_is_usable("k", NOW - age, life, NOW)
    assert usable == (age < life - rules.KEY_MARGIN)
    assert not rules.key_is_usable("", NOW - age, life, NOW)
    assert rules.key_is_usable("k", NOW - age, None, NOW)


def test_what_was_granted_may_begin_within_a_second_and_no_later() -> None:
    assert rules.start_holds(timedelta(seconds=1))
    assert not rules.start_holds(timedelta(seconds=1.001))


# ---------------------------------------------------------------- looking

ABSENT = Looked(absent=True)
ENDED = NOW


def at(seconds: float) -> datetime:
    return ENDED + timedelta(seconds=seconds)


SETTLED = (MASTODON.latest_arrival + MASTODON.read_lag).total_seconds()
LAG = MASTODON.read_lag.total_seconds()


def test_what_is_found_is_published() -> None:
    receipt = Receipt("109")
    verdict = rules.after_look(MASTODON, Doubt(ENDED), Looked(found=receipt), at(1))
    assert (verdict.state, verdict.receipt) == (State.PUBLISHED, receipt)


def test_near_matches_are_looked_at_again_until_other_deliveries_are_known() -> None:
    near = Looked(candidates=(Receipt("1"),))
    verdict = rules.after_look(MASTODON, Doubt(ENDED), near, at(2))
    assert verdict.state is State.RECONCILING
    assert verdict.not_before is not None
    assert at(2) < verdict.not_before <= at(SETTLED)


def test_near_matches_go_to_a_person_with_what_was_seen() -> None:
    verdict = rules.after_look(MASTODON, Doubt(ENDED), Looked(candidates=(Receipt("1", "https://x"),)), at(500))
    assert verdict.state is State.NEEDS_HUMAN
    assert verdict.evidence["candidates"] == [{"remote_id": "1", "url": "https://x"}]


@given(st.lists(st.floats(0, 400), min_size=1, max_size=12))
def test_a_readable_network_is_sent_to_again_only_after_two_spaced_absences_that_count(looks: list[float]) -> None:
    doubt, counted = Doubt(ENDED), []
    for seconds in sorted(looks):
        verdict = rules.after_look(MASTODON, doubt, ABSENT, at(seconds))
        if rules.counts(MASTODON, doubt, at(seconds)):
            counted.append(seconds)
            doubt = replace(doubt, absences=[at(s) for s in counted])
        if verdict.state is State.DUE:
            assert len(counted) >= 2
            assert all(s >= SETTLED for s in counted)
            assert counted[-1] - counted[-2] >= LAG
            return
        assert verdict.state is State.RECONCILING
        assert verdict.not_before is not None
        assert verdict.not_before > at(seconds) or seconds >= SETTLED
    assert len(counted) < 2


def test_following_the_times_to_look_ends_in_two_looks_after_settling() -> None:
    doubt, now, looks = Doubt(ENDED), rules.first_look_at(MASTODON, ENDED), 0
    while True:
        verdict = rules.after_look(MASTODON, doubt, ABSENT, now)
        if rules.counts(MASTODON, doubt, now):
            doubt = replace(doubt, absences=[*doubt.absences, now])
        looks += 1
        if verdict.state is State.DUE:
            break
        assert verdict.not_before is not None
        now = verdict.not_before
    assert looks == 3
    assert now == at(SETTLED + LAG)


def test_a_keyed_network_may_be_asked_again_under_the_same_key_while_it_knows_it() -> None:
    fresh = Doubt(ENDED, key="3l", first_used_at=at(-5))
    assert rules.after_look(BLUESKY, fresh, ABSENT, at(1)).state is State.DUE
    assert rules.after_look(BLUESKY, fresh, ABSENT, at(1)).code != "proved_absent"
    assert BLUESKY.key_life is not None
    old = replace(fresh, first_used_at=ENDED - BLUESKY.key_life)
    assert rules.after_look(BLUESKY, old, ABSENT, at(1)).state is State.RECONCILING


def test_an_account_without_keys_is_not_sent_to_again_though_its_network_has_them() -> None:
    mixed = replace(BLUESKY, recovery_of=lambda s: Recovery.KEYED if s.get("keys") else Recovery.READABLE)
    doubt = Doubt(ENDED, key="3l", first_used_at=at(-5), settings={"keys": False})
    assert rules.after_look(mixed, doubt, ABSENT, at(1)).state is State.RECONCILING
    assert rules.after_look(mixed, replace(doubt, settings={"keys": True}), ABSENT, at(1)).state is State.DUE


def test_what_was_withdrawn_needs_the_whole_proof_and_then_ends() -> None:
    doubt = Doubt(ENDED, withdraw=True, key="3l", first_used_at=at(-5))
    assert rules.after_look(BLUESKY, doubt, ABSENT, at(1)).state is State.RECONCILING
    proved = replace(doubt, absences=[at(200)])
    assert rules.after_look(BLUESKY, proved, ABSENT, at(400)).state is State.CANCELLED


def test_a_network_that_cannot_be_read_is_asked_for_hours_and_then_a_person() -> None:
    doubt, waited = Doubt(ENDED), timedelta(0)
    for failed in range(rules.MOST_FAILED_LOOKS - 1):
        verdict = rules.after_look_failed(replace(doubt, failed_looks=failed), Unavailable(""), NOW)
        assert verdict.state is State.RECONCILING
        assert verdict.not_before is not None
        waited += verdict.not_before - NOW
    assert waited > timedelta(hours=2)
    last = replace(doubt, failed_looks=rules.MOST_FAILED_LOOKS - 1)
    assert rules.after_look_failed(last, Unavailable(""), NOW).state is State.NEEDS_HUMAN


@pytest.mark.parametrize(("times", "state"), [(0, State.DUE), (1, State.DUE), (2, State.NEEDS_HUMAN)])
def test_a_duplicate_of_nothing_is_believed_the_second_time(times: int, state: State) -> None:
    """One such refusal of what is proved absent may be a lie; a network that keeps to it is
    left to a person, for it would refuse for ever."""
    spec = replace(MASTODON, read_lag=timedelta(seconds=1), latest_arrival=timedelta(seconds=1))
    seen = Doubt(NOW - timedelta(minutes=1), absences=[NOW - timedelta(seconds=30)], times_called_duplicate=times)
    assert rules.after_look(spec, seen, Looked(absent=True), NOW).state is state


def test_a_look_in_vain_keeps_what_was_seen_and_says_why() -> None:
    error = Unavailable("no route", code="dns", evidence={"host": "social.example"})
    again = rules.after_look_failed(Doubt(ENDED), error, NOW)
    assert (again.attempt, again.code, again.reason) == (AttemptState.UNKNOWN, "dns", "no route")
    assert again.evidence == {"host": "social.example"}
    asked = rules.after_look_failed(Doubt(ENDED, failed_looks=rules.MOST_FAILED_LOOKS - 1), error, NOW)
    assert (asked.attempt, asked.code, asked.evidence) == (AttemptState.UNKNOWN, "cannot_look", again.evidence)
    assert asked.reason == "the network could not be asked what became of it: no route"
