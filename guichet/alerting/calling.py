"""Whom an alert calls, and how each call goes: claimed, sent, tried again, settled.

A step is taken under the lock of its alert, a call is claimed by one conditional UPDATE that is
committed before anything is sent. Who was killed in between leaves a claim that runs out; the call
then goes out once more under the same id, for an alarm that is lost is worse than one heard twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any

import structlog
from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm import Session, joinedload

from channels.sentences import say, to_json
from guichet import audit, live
from guichet.alerting import rules, watching
from guichet.models import Account, Alert, AlertCall, AlertHook, AlertPolicy, Staff, TeamMember
from guichet.policy import Action, Actor, require, who_may

log = structlog.get_logger(__name__)

BATCH = 50
AGAIN = timedelta(minutes=15)  # after a round in which nobody could be called, or a step that failed


def is_anything_due(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether a step is to be taken or a call to be sent."""
    require(actor, Action.SYSTEM)
    step = select(Alert.id).where(Alert.next_at <= now)
    call = select(AlertCall.id).where(AlertCall.next_at <= now)
    return bool(session.scalar(select(or_(exists(step), exists(call)))))


def take_steps(session: Session, actor: Actor, now: datetime) -> int:
    """Take the steps that are due, a lot at most; returns how many alerts were looked at."""
    require(actor, Action.SYSTEM)
    due = select(Alert.id).where(Alert.next_at <= now).order_by(Alert.next_at, Alert.id).limit(BATCH)
    ids = session.scalars(due).all()
    for id_ in sorted(ids):
        wanted = select(Alert).where(Alert.id == id_).with_for_update().execution_options(populate_existing=True)
        alert = session.scalars(wanted).one()
        if alert.next_at is not None and alert.next_at <= now:
            _escalate_or_postpone(session, actor, alert, now)
    session.flush()
    return len(ids)


def _escalate_or_postpone(session: Session, actor: Actor, alert: Alert, now: datetime) -> None:
    """What nobody foresaw of one alert holds up no other."""
    try:
        with session.begin_nested():
            _escalate(session, actor, alert, now)
    except Exception:
        log.exception("step_failed", alert=alert.id)
        alert.next_at = now + AGAIN


def _escalate(session: Session, actor: Actor, alert: Alert, now: datetime) -> None:
    """The next step that finds somebody. Who is away or has quiet hours is passed over at once; a
    round in which nobody was found is begun again only after the time of its last step, and goes on
    being begun again when the rounds are over: in the morning somebody is there."""
    policy = alert.policy
    if not policy.is_on or policy.removed_at is not None:
        watching.end(session, actor, alert, now)
        return
    for _ in range(len(policy.steps) + 1):
        if alert.step >= len(policy.steps):
            if alert.round >= policy.repeats:
                if not _was_anybody_called(session, alert):
                    alert.step, alert.next_at = 0, now + AGAIN
                    return
                alert.next_at = None
                audit.record(session, actor, "alert.nobody", alert, now)
                return
            alert.round, alert.step = alert.round + 1, 0
        step = policy.steps[alert.step]
        is_last = alert.step + 1 >= len(policy.steps)
        is_first = not _was_taken(session, alert)
        is_called = _call(session, alert, step, now)
        if is_called or is_first:
            audit.record(session, actor, "alert.step", alert, now, round=alert.round, step=alert.step, called=is_called)
        alert.step += 1
        if is_called or is_last:
            alert.next_at = now + timedelta(minutes=step["minutes"])
            return


def _was_anybody_called(session: Session, alert: Alert) -> bool:
    """Whether there was a call at all that was not passed over."""
    real = select(AlertCall.id).where(AlertCall.alert_id == alert.id, AlertCall.state != "skipped")
    return session.scalar(real.limit(1)) is not None


def _was_taken(session: Session, alert: Alert) -> bool:
    """Whether this step of this round was tried before, and nobody was there."""
    same = (AlertCall.alert_id == alert.id, AlertCall.round == alert.round, AlertCall.step == alert.step)
    return session.scalar(select(AlertCall.id).where(*same).limit(1)) is not None


def _call(session: Session, alert: Alert, step: dict[str, Any], now: datetime) -> bool:
    """Make the calls of a step; whether anybody is really called."""
    if step["whom"] == "hook":
        hook = session.get(AlertHook, step["value"])
        if hook is None or hook.removed_at is not None:
            _note(session, alert, now, "hook", say("it was removed"), hook_id=None)
            return False
        _add(session, alert, now, way="hook", hook_id=hook.id, state="waiting", next_at=now)
        return True
    called = 0
    for staff_id in _whom(session, alert, step, now):
        why = _why_not(session, alert.account, staff_id, now)
        if why:
            _note(session, alert, now, step["ways"][0], why, staff_id=staff_id)
            continue
        called += 1
        for way in step["ways"]:
            if way == "page":
                _add(session, alert, now, way="page", staff_id=staff_id, state="sent", done_at=now)
                live.tell(session, "alert", now, staff_id=staff_id, account_id=alert.account_id, id=alert.id)
            else:
                _add(session, alert, now, way=way, staff_id=staff_id, state="waiting", next_at=now)
        if step["whom"] == "rota":
            break
    return called > 0


def _whom(session: Session, alert: Alert, step: dict[str, Any], now: datetime) -> Sequence[int]:
    if step["whom"] == "staff":
        return [step["value"]]
    members = select(TeamMember.staff_id).where(TeamMember.team_id == step["value"]).order_by(TeamMember.staff_id)
    ids = list(session.scalars(members))
    return rules.in_turn(ids, now, alert.policy.brand.time_zone) if step["whom"] == "rota" else ids


def _why_not(session: Session, account: Account, staff_id: int, now: datetime) -> str:
    """Why this person is passed over; "": they are called."""
    staff = session.get(Staff, staff_id)
    if staff is None or staff.disabled_at is not None:
        return say("no longer works here")
    able = who_may(Action.CONVERSATION_ANSWER, account, now).with_only_columns(Staff.id)
    if session.scalar(able.where(Staff.id == staff_id)) is None:
        return say("may not answer on this account")
    if staff.absent_until is not None and staff.absent_until > now:
        return say("is away")
    if rules.is_quiet(staff.quiet_from, staff.quiet_until, staff.time_zone, now):
        return say("has quiet hours")
    return ""


def _note(session: Session, alert: Alert, now: datetime, way: str, why: str, **whom: int | None) -> None:
    """Kept once for a step of a round, as long as nobody is there."""
    same = (AlertCall.alert_id == alert.id, AlertCall.round == alert.round, AlertCall.step == alert.step)
    known = select(AlertCall).where(*same, AlertCall.state == "skipped").filter_by(**whom)
    if any(one.said == why for one in session.scalars(known)):
        return
    _add(session, alert, now, way=way, state="skipped", said=why, done_at=now, **whom)


def _add(session: Session, alert: Alert, now: datetime, **values: Any) -> None:
    call = AlertCall(
        alert_id=alert.id, round=alert.round, step=alert.step, nonce=token_urlsafe(18), at=now, tries=0, **values
    )
    session.add(call)


# ---------------------------------------------------------------- sending


@dataclass(frozen=True)
class Claim:
    """The permission to send a call, for this try and no other."""

    call_id: int
    tries: int


def claim_calls(session: Session, actor: Actor, now: datetime) -> list[Claim]:
    """Take calls that are due, each by one condition that only one can meet. Commit before sending.
    What is due of an alert that is over or seen to was left by somebody who was killed: dropped."""
    require(actor, Action.SYSTEM)
    is_over = or_(Alert.acknowledged_at.is_not(None), Alert.ended_at.is_not(None))
    over = select(Alert.id).where(Alert.id == AlertCall.alert_id, is_over).exists()
    left = update(AlertCall).where(AlertCall.next_at <= now, over).execution_options(synchronize_session=False)
    session.execute(left.values(state="dropped", next_at=None, claimed_until=None, done_at=now))
    due = select(AlertCall.id).where(AlertCall.next_at <= now).order_by(AlertCall.next_at, AlertCall.id).limit(BATCH)
    claims = []
    for id_ in session.scalars(due).all():
        taken = session.execute(
            update(AlertCall)
            .where(AlertCall.id == id_, AlertCall.next_at <= now, AlertCall.state.in_(("waiting", "sending")))
            .values(
                state="sending", tries=AlertCall.tries + 1, claimed_until=now + rules.CLAIM, next_at=now + rules.CLAIM
            )
            .returning(AlertCall.tries)
            .execution_options(synchronize_session=False)
        ).scalar()
        if taken is not None:
            claims.append(Claim(id_, taken))
    session.expire_all()
    return claims


def read_call(session: Session, actor: Actor, call_id: int) -> AlertCall:
    """A call with what its sender needs."""
    require(actor, Action.SYSTEM)
    whole = (joinedload(AlertCall.staff), joinedload(AlertCall.hook))
    of = joinedload(AlertCall.alert)
    more = (of.joinedload(Alert.account), of.joinedload(Alert.policy).joinedload(AlertPolicy.brand))
    return session.scalars(select(AlertCall).where(AlertCall.id == call_id).options(*whole, of, *more)).one()


def why_not(session: Session, actor: Actor, call_id: int, now: datetime) -> str | None:
    """Asked right before sending: why this call must not go out any more; None: it goes."""
    call = read_call(session, actor, call_id)
    if not _goes_on(call.alert):
        return say("somebody sees to it, or it is over")
    return (_why_not(session, call.alert.account, call.staff_id, now) if call.staff_id else "") or None


def settle(
    session: Session, actor: Actor, claim: Claim, now: datetime, *, problem: str = "", is_final: bool = False
) -> None:
    """What came of a try. `problem` "": it was taken. `is_final`: another try would change nothing."""
    require(actor, Action.SYSTEM)
    wanted = select(AlertCall).where(AlertCall.id == claim.call_id, AlertCall.tries == claim.tries)
    call = session.scalars(wanted.with_for_update().execution_options(populate_existing=True)).first()
    if call is None or call.state != "sending":
        return  # another took it over meanwhile
    call.log = [*call.log, {"at": now.isoformat(), "said": to_json(problem)}]
    call.said, call.claimed_until = problem, None
    again = None if not problem or is_final else rules.next_try(call.tries, now)
    if problem and again is not None and _goes_on(call.alert):
        call.state, call.next_at = "waiting", again
        return
    call.next_at, call.done_at = None, now
    call.state = "sent" if not problem else "failed" if _goes_on(call.alert) else "dropped"
    session.flush()
    if call.state == "failed":
        audit.record(session, actor, "alert.unreached", call.alert, now, call=call.id)
        _hasten(session, call, now)


def _goes_on(alert: Alert) -> bool:
    return alert.acknowledged_at is None and alert.ended_at is None


def _hasten(session: Session, call: AlertCall, now: datetime) -> None:
    """Where a step reached nobody at all, nobody needs to be waited for."""
    wanted = select(Alert).where(Alert.id == call.alert_id).with_for_update()
    alert = session.scalars(wanted.execution_options(populate_existing=True)).one()
    same = (AlertCall.alert_id == alert.id, AlertCall.round == call.round, AlertCall.step == call.step)
    hope = session.scalar(
        select(AlertCall.id).where(*same, AlertCall.state.in_(("waiting", "sending", "sent"))).limit(1)
    )
    is_latest = (alert.round, alert.step) == (call.round, call.step + 1)
    if hope is None and is_latest and alert.next_at is not None and _goes_on(alert):
        alert.next_at = now
