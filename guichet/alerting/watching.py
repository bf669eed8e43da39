"""Seeing what a policy watches for. Nothing is remembered but the alert itself: whoever looks sees
what is so now, so that a worker that was killed has missed nothing.

One alert for a policy, a kind of event and an account: a hundred late answers are one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.delivery.states import State
from guichet.models import (
    Account,
    Alert,
    AlertCall,
    AlertPolicy,
    Calendar,
    Conversation,
    Delivery,
    Message,
    Promise,
    Wait,
)  # fmt: skip
from guichet.policy import Action, Actor, require
from guichet.promises import hours

_LOOKED_THROUGH = 5000  # newest messages in which a flood is looked for
_LONG_AGO = timedelta(days=7)  # what failed longer ago is no news


@dataclass(frozen=True)
class Seen:
    """What there is on one account; `since`: when the newest of it began."""

    count: int
    since: datetime
    conversation_id: int | None = None


def list_policies_on(session: Session, actor: Actor) -> list[int]:
    """Those that watch."""
    require(actor, Action.SYSTEM)
    wanted = select(AlertPolicy.id).where(AlertPolicy.is_on, AlertPolicy.removed_at.is_(None))
    return list(session.scalars(wanted.order_by(AlertPolicy.id)))


def watch(session: Session, actor: Actor, policy_id: int, now: datetime) -> int:
    """Raise what is to be raised and end what is over; returns how many alerts are new. Whoever
    looks at the same time waits for the lock and sees these."""
    require(actor, Action.SYSTEM)
    policy = session.scalar(select(AlertPolicy).where(AlertPolicy.id == policy_id).with_for_update())
    if policy is None or not policy.is_on or policy.removed_at is not None:
        return 0
    new = 0
    current: dict[tuple[str, int], Alert] = {}
    for alert in session.scalars(select(Alert).where(Alert.policy_id == policy.id, Alert.ended_at.is_(None))):
        current[alert.event, alert.account_id] = alert
    is_its_time = _is_its_time(session, policy, now)
    watched = set()
    for event in policy.events:
        watched.add(event["kind"])
        found = _look(session, policy, event, now)
        for account_id, seen in found.items():
            known = current.get((event["kind"], account_id))
            new += _raise(session, actor, policy, event["kind"], account_id, seen, known, is_its_time, now)
        for (kind, account_id), alert in current.items():
            if kind == event["kind"] and account_id not in found and not _lingers(session, alert, event, now):
                end(session, actor, alert, now)
    for (kind, _), alert in current.items():
        if kind not in watched:
            end(session, actor, alert, now)
    session.flush()
    return new


def end(session: Session, actor: Actor, alert: Alert, now: datetime) -> None:
    """It is no more so: nobody else is called."""
    require(actor, Action.BRAND_MANAGE)
    alert.ended_at, alert.next_at = now, None
    drop_calls(session, alert, now)
    audit.record(session, actor, "alert.end", alert, now)
    _tell(session, alert, now)


def drop_calls(session: Session, alert: Alert, now: datetime) -> None:
    """What has not gone out stays here."""
    waiting = update(AlertCall).where(AlertCall.alert_id == alert.id, AlertCall.state == "waiting")
    session.execute(waiting.values(state="dropped", next_at=None, done_at=now))


def _raise(
    session: Session, actor: Actor, policy: AlertPolicy, kind: str, account_id: int, seen: Seen,
    known: Alert | None, is_its_time: bool, now: datetime,
) -> int:  # fmt: skip
    if known is not None and (known.acknowledged_at is None or seen.since <= known.through):
        if known.acknowledged_at is None:
            known.count, known.through = seen.count, max(known.through, seen.since)
        return 0
    if not is_its_time:
        return 0
    if known is not None:
        known.ended_at = now
        session.flush()  # the one before makes room first
    alert = Alert(
        policy_id=policy.id, account_id=account_id, event=kind, count=seen.count, through=seen.since,
        conversation_id=seen.conversation_id, raised_at=now, next_at=now, step=0, round=0,
    )  # fmt: skip
    session.add(alert)
    session.flush()
    audit.record(session, actor, "alert.raise", alert, now, policy=policy.id, event=kind, count=seen.count)
    _tell(session, alert, now)
    return 1


def _tell(session: Session, alert: Alert, now: datetime) -> None:
    live.tell(session, "alert", now, account_id=alert.account_id, id=alert.id)


def _is_its_time(session: Session, policy: AlertPolicy, now: datetime) -> bool:
    calendar: Calendar | None = policy.brand.calendar
    if policy.hours == "always" or calendar is None:
        return policy.hours != "closed" or calendar is not None  # who has no hours is never closed
    return hours.is_open(hours.from_row(calendar), now) == (policy.hours == "open")


def _lingers(session: Session, alert: Alert, event: Mapping[str, Any], now: datetime) -> bool:
    """A flood is over at half of what raised it, or it would end and begin all the time."""
    if event["kind"] != "flood":
        return False
    half = {**event, "count": max(1, event["count"] // 2)}
    return alert.account_id in _flood(session, Account.id == alert.account_id, half, alert.through, now)


def _look(session: Session, policy: AlertPolicy, event: Mapping[str, Any], now: datetime) -> dict[int, Seen]:
    of_brand, kind = Account.brand_id == policy.brand_id, event["kind"]
    if kind == "near":
        ends = now + timedelta(minutes=event["minutes"])
        return _promised(session, of_brand, (Promise.due_at > now) & (Promise.due_at <= ends), ends - now)
    if kind == "broken":
        return _promised(session, of_brand, Promise.due_at <= now)
    if kind == "flood":
        return _flood(session, of_brand, event, policy.since, now)
    if kind == "signed_out":
        lost = select(Account.id).where(of_brand, Account.state == "needs_reconnect")
        return {id_: Seen(1, policy.since) for id_ in session.scalars(lost)}
    state = State.NEEDS_HUMAN if kind == "undecided" else State.FAILED
    since = max(policy.since, now - _LONG_AGO)
    newest = func.max(Delivery.updated_at)
    sent = (
        select(Delivery.account_id, func.count(), newest, func.max(Delivery.conversation_id))
        .join(Account, Account.id == Delivery.account_id)
        .where(of_brand, Delivery.state == state, Delivery.updated_at >= since)
        .group_by(Delivery.account_id)
    )
    return _seen(session, sent)


def _promised(
    session: Session, of_brand: ColumnElement[bool], which: ColumnElement[bool], ahead: timedelta = timedelta(0)
) -> dict[int, Seen]:
    """It began when the clock came to it, or, where that was sooner, when we heard of it: a short
    promise among long ones is news, and so is what was late when an outage was over."""
    newest, heard = func.max(Promise.due_at), func.max(Wait.received_at)
    due = (
        select(Conversation.account_id, func.count(), newest, heard, func.min(Conversation.id))
        .join(Conversation, Conversation.id == Promise.conversation_id)
        .join(Wait, Wait.id == Promise.wait_id)
        .join(Account, Account.id == Conversation.account_id)
        .where(of_brand, Promise.ended_at.is_(None), which)
        .group_by(Conversation.account_id)
    )
    rows: Any = session.execute(due)
    return {id_: Seen(count, max(at - ahead, heard_at), example) for id_, count, at, heard_at, example in rows}


def _flood(
    session: Session, of_brand: ColumnElement[bool], event: Mapping[str, Any], since: datetime, now: datetime
) -> dict[int, Seen]:  # fmt: skip
    newest = select(Message.account_id, Message.direction, Message.received_at, Message.conversation_id)
    recent = newest.order_by(Message.id.desc()).limit(_LOOKED_THROUGH).subquery()
    came = (
        select(recent.c.account_id, func.count(), func.max(recent.c.conversation_id))
        .join(Account, Account.id == recent.c.account_id)
        .where(of_brand, recent.c.direction == "in")
        .where(recent.c.received_at > now - timedelta(minutes=event["minutes"]))
        .group_by(recent.c.account_id)
        .having(func.count() >= event["count"])
    )
    return {id_: Seen(n, since, example) for id_, n, example in session.execute(came)}


def _seen(session: Session, rows: Any) -> dict[int, Seen]:
    return {id_: Seen(count, since, example) for id_, count, since, example in session.execute(rows)}
