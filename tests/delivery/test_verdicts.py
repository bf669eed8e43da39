"""Every part of a verdict, exactly: where it goes, when, and what is said. Found by mutants."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.contract import Looked, Receipt
from channels.errors import AuthExpired, ChannelError, Gone, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.mastodon import SPEC
from guichet.delivery import rules
from guichet.delivery.rules import Doubt, Verdict
from guichet.delivery.states import AttemptState as A
from guichet.delivery.states import State as S

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(minutes=7)
SECOND = timedelta(seconds=1)
SAID = {"code": "why", "reason": "said so", "http_status": 418, "evidence": {"seen": "that"}}


def error_of(kind: type[ChannelError], **more: object) -> ChannelError:
    return kind("said so", code="why", status=418, evidence={"seen": "that"}, **more)


@pytest.mark.parametrize(("tries", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (500, 900)])
def test_waits_double_from_five_seconds_to_a_quarter_of_an_hour(tries: int, seconds: int) -> None:
    assert rules.backoff(tries) == timedelta(seconds=seconds)


def test_lateness_is_in_milliseconds_and_never_negative() -> None:
    assert rules.lateness_ms(NOW, NOW + timedelta(seconds=1.2346)) == 1235
    assert rules.lateness_ms(NOW, NOW - SECOND) == 0


FIRST = NOW + timedelta(seconds=10)  # after two tries
SENDS = [
    (error_of(Unavailable), {}, Verdict(S.DUE, A.UNSENT, not_before=FIRST, **SAID)),
    (
        error_of(RateLimited, retry_at=LATER), {},
        Verdict(S.DUE, A.REFUSED, not_before=LATER, park_until=LATER, parks_app=False, **SAID),
    ),
    (
        error_of(RateLimited, retry_at=LATER, scope="app"), {},
        Verdict(S.DUE, A.REFUSED, not_before=LATER, park_until=LATER, parks_app=True, **SAID),
    ),
    (error_of(AuthExpired), {}, Verdict(S.NEEDS_HUMAN, A.REFUSED, **SAID)),
    (error_of(Gone), {"kind": "delete"}, Verdict(S.PUBLISHED, A.ACCEPTED, **SAID)),
    (error_of(Gone), {"is_reply": True}, Verdict(S.NEEDS_HUMAN, A.REFUSED, **{**SAID, "code": "target_gone"})),
    (error_of(Gone), {}, Verdict(S.FAILED, A.REFUSED, **SAID)),
    (error_of(Rejected), {}, Verdict(S.FAILED, A.REFUSED, **SAID)),
    (error_of(OutcomeUnknown), {"kind": "edit"}, Verdict(S.DUE, A.MOOT, not_before=FIRST, **SAID)),
    (error_of(OutcomeUnknown), {}, Verdict(S.UNKNOWN, A.UNKNOWN, **SAID)),
    (
        error_of(Unavailable), {"withdraw": True},
        Verdict(S.CANCELLED, A.UNSENT, "why", "said so", evidence={"seen": "that"}),
    ),
    (
        error_of(Rejected), {"withdraw": True},
        Verdict(S.CANCELLED, A.REFUSED, "why", "said so", evidence={"seen": "that"}),
    ),
    (error_of(OutcomeUnknown), {"withdraw": True}, Verdict(S.UNKNOWN, A.UNKNOWN, **SAID)),
]  # fmt: skip


@pytest.mark.parametrize(("error", "more", "verdict"), SENDS)
def test_what_an_error_of_a_send_means(error: ChannelError, more: dict[str, object], verdict: Verdict) -> None:
    given = {"kind": "post", "is_reply": False, "tries": 2, "now": NOW, **more}
    assert rules.after_error(error, **given) == verdict


PREPARATIONS = [
    (
        error_of(RateLimited, retry_at=LATER),
        Verdict(S.DUE, A.UNSENT, not_before=LATER, park_until=LATER, parks_app=False, **SAID),
    ),
    (
        error_of(RateLimited, retry_at=LATER, scope="app"),
        Verdict(S.DUE, A.UNSENT, not_before=LATER, park_until=LATER, parks_app=True, **SAID),
    ),
    (error_of(AuthExpired), Verdict(S.NEEDS_HUMAN, A.UNSENT, **SAID)),
    (error_of(Rejected), Verdict(S.FAILED, A.UNSENT, **SAID)),
    (error_of(Gone), Verdict(S.FAILED, A.UNSENT, **SAID)),
    (error_of(Unavailable), Verdict(S.DUE, A.UNSENT, not_before=FIRST, **SAID)),
    (error_of(OutcomeUnknown), Verdict(S.DUE, A.UNSENT, not_before=FIRST, **SAID)),
]  # fmt: skip


@pytest.mark.parametrize(("error", "verdict"), PREPARATIONS)
def test_what_an_error_before_the_start_means(error: ChannelError, verdict: Verdict) -> None:
    assert rules.after_failed_preparation(error, tries=2, now=NOW) == verdict


def test_a_fault_of_ours_before_the_start_fails_it_by_its_name_alone() -> None:
    verdict = rules.after_failed_preparation(KeyError("a secret"), tries=2, now=NOW)
    assert (verdict.state, verdict.attempt, verdict.code) == (S.FAILED, A.UNSENT, "internal_error")
    assert "KeyError" in verdict.reason
    assert "secret" not in verdict.reason


def test_what_was_tried_too_often_is_put_before_a_person_with_what_was_said() -> None:
    at = rules.MOST_TRIES
    assert rules.after_failed_preparation(error_of(Unavailable), tries=at - 1, now=NOW).state is S.DUE
    verdict = rules.after_failed_preparation(error_of(Unavailable), tries=at, now=NOW)
    assert (verdict.state, verdict.attempt, verdict.code) == (S.NEEDS_HUMAN, A.UNSENT, "why")
    assert (verdict.not_before, verdict.http_status, verdict.evidence) == (None, 418, {"seen": "that"})
    assert str(at) in verdict.reason
    assert "said so" in verdict.reason
    parked = rules.after_failed_preparation(error_of(RateLimited, retry_at=LATER), tries=at, now=NOW)
    assert parked.state is S.DUE, "where the network says until when, it is there"


@pytest.mark.parametrize(
    ("retry_at", "until"),
    [
        (None, NOW + rules.RATE_LIMIT_WAIT),
        (NOW, NOW + rules.RATE_LIMIT_WAIT),
        (NOW - SECOND, NOW + rules.RATE_LIMIT_WAIT),
        (NOW + SECOND, NOW + SECOND),
        (NOW + timedelta(days=30), NOW + rules.LONGEST_PARK),
    ],
)
def test_a_wait_that_the_network_asks_for_is_kept_within_reason(retry_at: datetime | None, until: datetime) -> None:
    assert rules.rate_limit_end(retry_at, NOW) == until


def test_a_key_is_good_until_its_margin_and_not_in_it() -> None:
    life = timedelta(hours=1)
    end = NOW + life - rules.KEY_MARGIN
    assert rules.key_is_usable("k", NOW, life, end - SECOND)
    assert not rules.key_is_usable("k", NOW, life, end)
    assert not rules.key_is_usable("", NOW, None, NOW)
    assert rules.key_is_usable("k", NOW, None, NOW + timedelta(days=999))
    assert rules.start_holds(rules.START_HOLDS)
    assert not rules.start_holds(rules.START_HOLDS + timedelta(microseconds=1))


# ---------------------------------------------------------------- looks

SLOW = replace(SPEC, latest_arrival=timedelta(seconds=60), read_lag=timedelta(seconds=30))
SETTLED = NOW + timedelta(seconds=90)
SEEN = {"read": 3}


def test_the_first_look_is_soon_and_absences_wait_for_the_latest_arrival_and_the_lag() -> None:
    assert rules.first_look_at(SLOW, NOW) == NOW + SECOND
    assert rules.first_look_at(replace(SLOW, read_lag=timedelta(0)), NOW) == NOW
    assert rules.settled_at(SLOW, NOW) == SETTLED


def look(doubt: Doubt, now: datetime, **looked: object) -> Verdict:
    return rules.after_look(SLOW, doubt, Looked(evidence=SEEN, **looked), now)


def test_each_look_ends_as_it_must() -> None:
    doubt, receipt = Doubt(ended_at=NOW), Receipt("17", url="https://there/17")
    assert look(doubt, NOW, found=receipt) == Verdict(S.PUBLISHED, A.ACCEPTED, receipt=receipt, evidence=SEEN)
    wait = Verdict(S.RECONCILING, A.UNKNOWN, evidence=SEEN)
    near = look(doubt, NOW + SECOND, candidates=(receipt,))
    assert near == replace(wait, not_before=NOW + SECOND + SLOW.read_lag)
    late = look(doubt, SETTLED - SECOND, candidates=(receipt,))
    assert late == replace(wait, not_before=SETTLED)
    asked = look(doubt, SETTLED, candidates=(receipt,))
    assert (asked.state, asked.attempt, asked.code) == (S.NEEDS_HUMAN, A.UNKNOWN, "ambiguous")
    assert asked.evidence == {**SEEN, "candidates": [{"remote_id": "17", "url": "https://there/17"}]}
    assert asked.reason
    assert look(doubt, SETTLED - SECOND, absent=True) == replace(wait, not_before=SETTLED)
    assert look(doubt, SETTLED, absent=True) == replace(wait, not_before=SETTLED + SLOW.read_lag)
    once = replace(doubt, absences=[SETTLED])
    assert look(once, SETTLED + SECOND, absent=True) == replace(wait, not_before=SETTLED + SLOW.read_lag)
    second = SETTLED + SLOW.read_lag
    proved = Verdict(S.DUE, A.ABSENT, "proved_absent", not_before=second, evidence=SEEN)
    assert look(once, second, absent=True) == proved
    assert look(replace(once, withdraw=True), second, absent=True) == replace(proved, state=S.CANCELLED)


def test_a_ghost_that_the_network_calls_a_duplicate_is_put_before_a_person() -> None:
    twice = Doubt(ended_at=NOW, absences=[SETTLED], times_called_duplicate=rules.MOST_DUPLICATES)
    second = SETTLED + SLOW.read_lag
    asked = look(twice, second, absent=True)
    assert (asked.state, asked.attempt, asked.code, asked.evidence) == (S.NEEDS_HUMAN, A.UNKNOWN, "duplicate", SEEN)
    assert look(replace(twice, withdraw=True), second, absent=True).state is S.CANCELLED
    assert look(replace(twice, times_called_duplicate=1), second, absent=True).state is S.DUE


@pytest.mark.parametrize(("failed", "seconds"), [(0, 5), (1, 15), (2, 60), (5, 1800), (10, 1800)])
def test_vain_looks_come_ever_more_seldom(failed: int, seconds: int) -> None:
    doubt = Doubt(ended_at=NOW, failed_looks=failed)
    again = NOW + timedelta(seconds=seconds)
    vain = look(doubt, NOW)
    assert (vain.state, vain.attempt, vain.code) == (S.RECONCILING, A.UNKNOWN, "unreadable")
    assert (vain.not_before, vain.evidence) == (again, SEEN)
    assert vain.reason
    failed_look = rules.after_look_failed(doubt, error_of(Unavailable), NOW)
    assert failed_look == Verdict(
        S.RECONCILING, A.UNKNOWN, "why", "said so", not_before=again, evidence={"seen": "that"}
    )


def test_when_looking_was_in_vain_too_often_a_person_is_asked() -> None:
    asked = rules.after_look_failed(Doubt(ended_at=NOW, failed_looks=rules.MOST_FAILED_LOOKS - 1), error_of(Gone), NOW)
    assert (asked.state, asked.attempt, asked.code) == (S.NEEDS_HUMAN, A.UNKNOWN, "cannot_look")
    assert asked.evidence == {"seen": "that"}
    assert "said so" in asked.reason
    assert rules.cannot_look("blind") == Verdict(S.NEEDS_HUMAN, A.UNKNOWN, "cannot_look", "blind", evidence={})
