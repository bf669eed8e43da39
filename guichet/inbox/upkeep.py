"""What time does to conversations. Called again and again by the tending worker; each act
is judged once more under the row's lock, so that two runs side by side do no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.inbox import counts, handling
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import State
from guichet.models import Account, Brand, Conversation, Staff
from guichet.policy import Action, Actor, require

BATCH = 500


def expire_leases(session: Session, actor: Actor, now: datetime) -> int:
    """Claims that nobody renewed return to their queues; returns how many."""
    require(actor, Action.SYSTEM)
    expired = select(Conversation.id).where(Conversation.claimed_until <= now).limit(BATCH)
    return _each(
        session, actor, session.scalars(expired), now,
        still=lambda c: c.claimed_until is not None and c.claimed_until <= now,
        act=lambda change: handling.leave(change, "lease_expired"),
    )  # fmt: skip


def wake_snoozed(session: Session, actor: Actor, now: datetime) -> int:
    """Conversations whose snooze is over come back to the front; returns how many."""
    require(actor, Action.SYSTEM)
    over = select(Conversation.id).where(Conversation.hold_until <= now, Conversation.state == State.SNOOZED)
    return _each(
        session, actor, session.scalars(over.limit(BATCH)), now,
        still=lambda c: c.state == State.SNOOZED and c.hold_until is not None and c.hold_until <= now,
        act=lambda change: handling.returned_to_front(change, "woke"),
    )  # fmt: skip


def close_old(session: Session, actor: Actor, now: datetime) -> int:
    """What has been resolved for the brand's number of days is closed for good; returns how many."""
    require(actor, Action.SYSTEM)
    closed = 0
    for brand in session.scalars(select(Brand)):
        before = now - timedelta(days=brand.close_after_days)
        old = (
            select(Conversation.id)
            .where(Conversation.account_id.in_(select(Account.id).where(Account.brand_id == brand.id)))
            .where(Conversation.state == State.RESOLVED, Conversation.resolved_at <= before)
        )
        closed += _each(
            session, actor, session.scalars(old.limit(BATCH)), now,
            still=lambda c: c.state == State.RESOLVED, act=handling.shut,
        )  # fmt: skip
    return closed


def return_to_queue(session: Session, actor: Actor, staff: Staff, now: datetime) -> int:
    """Give back everything that `staff` holds (they left, or lost their rights); returns how many."""
    require(actor, Action.STAFF_MANAGE)
    theirs = select(Conversation.id).where(Conversation.assignee_id == staff.id, Conversation.state != State.CLOSED)
    returned = _each(
        session, actor, session.scalars(theirs), now,
        still=lambda c: c.assignee_id == staff.id,
        act=lambda change: handling.leave(change, "owner_left"),
    )  # fmt: skip
    audit.record(session, actor, "conversation.return_to_queue", staff, now, count=returned)
    return returned


def _each(
    session: Session,
    actor: Actor,
    ids: Iterable[int],
    now: datetime,
    *,
    still: Callable[[Conversation], bool],
    act: Callable[[Change], None],
) -> int:
    done = 0
    with counts.deferred(session):
        for id_ in sorted(ids):
            conversation = session.get_one(Conversation, id_)
            with changing(session, actor, conversation, now) as change:
                if still(conversation):
                    act(change)
                    done += 1
    return done
