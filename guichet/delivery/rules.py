"""What follows from what happened to a send. Pure: values and `now` in, values out.

The question that decides is always the same: could the network have accepted it? Only
proof that it did not lets a delivery be sent again by the machine; proof that it did
ends it; without proof we look, and where looking cannot tell, a person is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from channels.contract import ChannelSpec, Looked, Receipt, Recovery
from channels.errors import AuthExpired, ChannelError, Gone, RateLimited, Rejected, StillWorking, Unavailable
from channels.sentences import say
from guichet.delivery.states import DONE_IF_GONE, IDEMPOTENT, AttemptState, State

FIRST_BACKOFF = timedelta(seconds=5)
LONGEST_BACKOFF = timedelta(minutes=15)
RATE_LIMIT_WAIT = timedelta(minutes=1)  # where the network says 429 without saying until when
MOST_TRIES = 24  # about four hours of a network that is away; then a person is asked
LONGEST_PARK = timedelta(hours=26)  # a daily quota; longer than that is nonsense from outside
KEY_MARGIN = timedelta(minutes=5)  # a key is not replayed so shortly before its life ends
START_HOLDS = timedelta(seconds=1)  # from asking for a start to the request; a brake promises no more
LOOK_LEASE = timedelta(minutes=3)  # nobody else looks meanwhile; longer than any look takes
LOOK_BACKOFFS = tuple(timedelta(seconds=s) for s in (5, 15, 60, 180, 600, 1800))
MOST_FAILED_LOOKS = 12  # about five hours of a network that cannot be read
ABSENCES_NEEDED = 2
MOST_DUPLICATES = 2  # one such refusal of what is proved absent may be a lie: it is sent once more


@dataclass(frozen=True)
class Verdict:
    """Where a delivery and its attempt stand now. `not_before` is set where it goes back
    to due; `park_until` where the network asked the whole account to wait, and with
    `parks_app` every account that our application has there."""

    state: State
    attempt: AttemptState
    code: str = ""
    reason: str = ""
    not_before: datetime | None = None
    park_until: datetime | None = None
    parks_app: bool = False
    receipt: Receipt | None = None
    http_status: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def backoff(tries: int) -> timedelta:
    """How long to wait before try number `tries` + 1: doubling from 5 s to 15 min."""
    doubled: int = 2 ** min(max(tries - 1, 0), 16)
    return min(FIRST_BACKOFF * doubled, LONGEST_BACKOFF)


def lateness_ms(due_at: datetime, accepted_at: datetime) -> int:
    """How late it went out. A network's clock behind ours does not make it early."""
    return max(0, round((accepted_at - due_at).total_seconds() * 1000))


# ---------------------------------------------------------------- after a send


def after_receipt(receipt: Receipt) -> Verdict:
    return Verdict(State.PUBLISHED, AttemptState.ACCEPTED, receipt=receipt)


def after_error(
    error: BaseException, *, kind: str, is_reply: bool, tries: int, now: datetime, withdraw: bool = False
) -> Verdict:
    """What an error of `send` means. `tries` counts this one. Whatever is not a
    ChannelError is a fault of ours that struck at an unknown point: unknown."""
    verdict = _meaning(error, kind, is_reply, tries, now)
    if withdraw and verdict.state in (State.DUE, State.FAILED):
        return Verdict(State.CANCELLED, verdict.attempt, verdict.code, verdict.reason, evidence=verdict.evidence)
    return _unless_often(verdict, tries)


def _meaning(error: BaseException, kind: str, is_reply: bool, tries: int, now: datetime) -> Verdict:
    said = _said(error)
    if isinstance(error, RateLimited):
        until = rate_limit_end(error.retry_at, now)
        return Verdict(
            State.DUE, AttemptState.REFUSED, not_before=until, park_until=until, parks_app=error.scope == "app", **said
        )
    if isinstance(error, Unavailable):
        return Verdict(State.DUE, AttemptState.UNSENT, not_before=now + backoff(tries), **said)
    if isinstance(error, AuthExpired):
        return Verdict(State.NEEDS_HUMAN, AttemptState.REFUSED, **said)
    if isinstance(error, Gone):
        if kind in DONE_IF_GONE:
            return Verdict(State.PUBLISHED, AttemptState.ACCEPTED, **said)
        if is_reply:
            return Verdict(State.NEEDS_HUMAN, AttemptState.REFUSED, **{**said, "code": "target_gone"})
        return Verdict(State.FAILED, AttemptState.REFUSED, **said)
    if isinstance(error, Rejected):
        return Verdict(State.FAILED, AttemptState.REFUSED, **said)
    if kind in IDEMPOTENT:
        return Verdict(State.DUE, AttemptState.MOOT, not_before=now + backoff(tries), **said)
    return Verdict(State.UNKNOWN, AttemptState.UNKNOWN, **said)


def after_failed_preparation(error: BaseException, *, tries: int, now: datetime) -> Verdict:
    """What an error before the start means: nothing was published, whatever it is, so
    there is no attempt to judge. `tries` counts this one."""
    said = _said(error)
    if isinstance(error, RateLimited):
        until = rate_limit_end(error.retry_at, now)
        return Verdict(
            State.DUE, AttemptState.UNSENT, not_before=until, park_until=until, parks_app=error.scope == "app", **said
        )
    if isinstance(error, StillWorking):
        return Verdict(State.DUE, AttemptState.UNSENT, not_before=now + timedelta(seconds=error.again_after), **said)
    if isinstance(error, AuthExpired):
        return Verdict(State.NEEDS_HUMAN, AttemptState.UNSENT, **said)
    if isinstance(error, Rejected | Gone) or not isinstance(error, ChannelError):
        return Verdict(State.FAILED, AttemptState.UNSENT, **said)
    return _unless_often(Verdict(State.DUE, AttemptState.UNSENT, not_before=now + backoff(tries), **said), tries)


def _unless_often(verdict: Verdict, tries: int) -> Verdict:
    """Nothing is tried for ever: an answer has no deadline that would end it. Where the
    network says until when to wait, it is there, and we wait."""
    if verdict.state is not State.DUE or verdict.park_until is not None or tries < MOST_TRIES:
        return verdict
    reason = say("tried {tries} times in vain: {reason}", tries=str(tries), reason=verdict.reason)
    return replace(verdict, state=State.NEEDS_HUMAN, not_before=None, reason=reason)


def rate_limit_end(retry_at: datetime | None, now: datetime) -> datetime:
    """Until when to leave the account alone: what the network said, within reason."""
    until = retry_at if retry_at is not None and retry_at > now else now + RATE_LIMIT_WAIT
    return min(until, now + LONGEST_PARK)


def _said(error: BaseException) -> dict[str, Any]:
    if isinstance(error, ChannelError):
        return {
            "code": error.code,
            "reason": error.detail,
            "http_status": error.status,
            "evidence": dict(error.evidence),
        }
    # The text of an exception of ours may hold anything; its name says enough.
    return {"code": "internal_error", "reason": say("a fault of ours: {fault}", fault=type(error).__name__)}


# ---------------------------------------------------------------- between the start and the request

NOT_BEGUN = Verdict(State.DUE, AttemptState.UNSENT, "frozen", say("the worker was frozen before the send"))


def start_holds(waited: timedelta) -> bool:
    """Whether what was granted may still begin, so long after it was asked for. A process
    that stood still meanwhile knows nothing of a brake, or of who took over from it."""
    return waited <= START_HOLDS


# ---------------------------------------------------------------- keys


def key_is_usable(key: str, first_used_at: datetime, life: timedelta | None, now: datetime) -> bool:
    """Whether a generation's key may be sent again: the network still knows it, with a
    margin. `life` None means that the network keeps it for good."""
    return bool(key) and (life is None or now < first_used_at + life - KEY_MARGIN)


def repeats_key(spec: ChannelSpec, key: str, first_used_at: datetime | None, now: datetime) -> bool:
    """Whether the next attempt of a generation goes out under the key of the one before."""
    return (
        spec.recovery is Recovery.KEYED
        and first_used_at is not None
        and key_is_usable(key, first_used_at, spec.key_life, now)
    )


# ---------------------------------------------------------------- finding the truth


@dataclass(frozen=True)
class Doubt:
    """An attempt of unknown outcome and what was seen of it so far. `ended_at` is when
    our side of the request surely ended; `absences` when it was looked for in vain, only
    those that counted; `failed_looks` in a row; `settings` those of its account."""

    ended_at: datetime
    withdraw: bool = False
    absences: Sequence[datetime] = ()
    failed_looks: int = 0
    key: str = ""
    first_used_at: datetime | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    times_called_duplicate: int = 0  # the network refused it as something that it has already


def settled_at(spec: ChannelSpec, ended_at: datetime) -> datetime:
    """From when on an absence means something: the request can arrive no more, and what
    arrived can be read."""
    return ended_at + spec.latest_arrival + spec.read_lag


def first_look_at(spec: ChannelSpec, ended_at: datetime) -> datetime:
    """A first look soon: what is found early need not be waited for."""
    return ended_at + min(spec.read_lag, timedelta(seconds=1))


def can_repeat_key(spec: ChannelSpec, doubt: Doubt, now: datetime) -> bool:
    """Whether sending once more under the same key is harmless."""
    return (
        spec.recovery_for(doubt.settings) is Recovery.KEYED
        and not doubt.withdraw
        and doubt.first_used_at is not None
        and key_is_usable(doubt.key, doubt.first_used_at, spec.key_life, now)
    )


def after_look(spec: ChannelSpec, doubt: Doubt, looked: Looked, now: datetime) -> Verdict:
    """What a look at the network decides. RECONCILING with `not_before` means: look again then."""
    evidence = dict(looked.evidence)
    if looked.found is not None:
        return Verdict(State.PUBLISHED, AttemptState.ACCEPTED, receipt=looked.found, evidence=evidence)
    if looked.candidates and now < settled_at(spec, doubt.ended_at):
        # They may be other deliveries of ours that are about to be known as such.
        again = min(now + spec.read_lag, settled_at(spec, doubt.ended_at))
        return Verdict(State.RECONCILING, AttemptState.UNKNOWN, not_before=again, evidence=evidence)
    if looked.candidates:
        evidence["candidates"] = [{"remote_id": c.remote_id, "url": c.url} for c in looked.candidates]
        return _ask("ambiguous", say("something like it is there, but it is not certain that it is this one"), evidence)
    if not looked.absent:
        return _after_vain_look(doubt, "unreadable", say("what the network showed does not say"), evidence, now)
    if can_repeat_key(spec, doubt, now):
        return Verdict(State.DUE, AttemptState.MOOT, not_before=now, evidence=evidence)
    if not counts(spec, doubt, now):
        return Verdict(
            State.RECONCILING, AttemptState.UNKNOWN, not_before=_next_absence(spec, doubt), evidence=evidence
        )
    if len(doubt.absences) + 1 < ABSENCES_NEEDED:
        return Verdict(State.RECONCILING, AttemptState.UNKNOWN, not_before=now + spec.read_lag, evidence=evidence)
    if doubt.times_called_duplicate >= MOST_DUPLICATES and not doubt.withdraw:
        # An older one has the same words, or a ghost; sent again, it would be refused for ever.
        return _ask("duplicate", say("the network says that it has this already, and it is not this one"), evidence)
    return Verdict(
        State.CANCELLED if doubt.withdraw else State.DUE, AttemptState.ABSENT, "proved_absent",
        not_before=now, evidence=evidence,
    )  # fmt: skip


def counts(spec: ChannelSpec, doubt: Doubt, now: datetime) -> bool:
    """Whether an absence seen now counts: past the latest arrival and the lag, and a lag
    after the one before."""
    if now < settled_at(spec, doubt.ended_at):
        return False
    return not doubt.absences or now >= doubt.absences[-1] + spec.read_lag


def _next_absence(spec: ChannelSpec, doubt: Doubt) -> datetime:
    settled = settled_at(spec, doubt.ended_at)
    return max(settled, doubt.absences[-1] + spec.read_lag) if doubt.absences else settled


def after_look_failed(doubt: Doubt, error: ChannelError, now: datetime) -> Verdict:
    """The network could not be read. We go on asking for hours, then ask a person."""
    return _after_vain_look(doubt, error.code, error.detail, dict(error.evidence), now)


def _after_vain_look(doubt: Doubt, code: str, reason: str, evidence: dict[str, Any], now: datetime) -> Verdict:
    if doubt.failed_looks + 1 >= MOST_FAILED_LOOKS:
        return _ask(
            "cannot_look", say("the network could not be asked what became of it: {reason}", reason=reason), evidence
        )
    wait = LOOK_BACKOFFS[min(doubt.failed_looks, len(LOOK_BACKOFFS) - 1)]
    return Verdict(State.RECONCILING, AttemptState.UNKNOWN, code, reason, not_before=now + wait, evidence=evidence)


def cannot_look(reason: str) -> Verdict:
    """Nothing can be looked up: a blind network, or an account that is closed to us."""
    return _ask("cannot_look", reason, {})


def _ask(code: str, reason: str, evidence: dict[str, Any]) -> Verdict:
    return Verdict(State.NEEDS_HUMAN, AttemptState.UNKNOWN, code, reason, evidence=evidence)
