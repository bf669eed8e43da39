"""Measuring deadlines anew where something changed for many at once: a policy, business hours, a
customer's mark. Done by the tending worker, a lot at a time; what has ended stays as it was."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from guichet import live
from guichet.inbox import owners
from guichet.inbox.changes import lock
from guichet.models import Account, Conversation, Identity, Promise, PromiseRecount, Wait
from guichet.policy import Action, Actor, require
from guichet.promises import keeping

BATCH = 200
# What began before the change and was committed after the first walk is seen by the second.
SETTLED = timedelta(seconds=10)


def remeasure_promises(session: Session, actor: Actor, now: datetime) -> int:
    """One lot of what was asked for first; returns how many were looked at (0: nothing to do).
    Two runs side by side take turns, by the lock on the row."""
    require(actor, Action.SYSTEM)
    asked = session.scalars(_asked(now).with_for_update()).first()
    if asked is None:
        return 0
    ids = sorted({i for wanted in _who_waits(asked) for i in session.scalars(wanted)})[:BATCH]
    for id_ in ids:
        _remeasure(session, session.get_one(Conversation, id_), now)
    if len(ids) == BATCH:
        asked.after_id = ids[-1]
    elif asked.not_before == asked.asked_at:
        asked.after_id, asked.not_before = 0, asked.asked_at + SETTLED
    else:
        session.delete(asked)
    session.flush()
    return len(ids)


def is_asked_for(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether anything is to be measured anew."""
    require(actor, Action.SYSTEM)
    return session.scalars(_asked(now)).first() is not None


def _asked(now: datetime) -> Select[PromiseRecount]:
    return select(PromiseRecount).where(PromiseRecount.not_before <= now).order_by(PromiseRecount.id).limit(1)


def _who_waits(asked: PromiseRecount) -> list[Select[int]]:
    """Conversations with an open wait or promise, each in the order of an index of its own."""
    wanted = []
    for row in (Wait, Promise):
        ids = select(row.conversation_id).where(row.ended_at.is_(None), row.conversation_id > asked.after_id)
        if asked.brand_id is not None or asked.customer_id is not None:
            ids = ids.join(Conversation, Conversation.id == row.conversation_id)
        if asked.brand_id is not None:
            ids = ids.where(
                Conversation.account_id.in_(select(Account.id).where(Account.brand_id == asked.brand_id))
            )  # fmt: skip
        if asked.customer_id is not None:
            theirs = select(Identity.id).where(Identity.customer_id == asked.customer_id)
            ids = ids.where(Conversation.identity_id.in_(theirs))
        wanted.append(ids.order_by(row.conversation_id).limit(BATCH))
    return wanted


def _remeasure(session: Session, conversation: Conversation, now: datetime) -> None:
    lock(session, conversation)
    before = conversation.due_at
    keeping.keep(session, conversation, owners.find_open_wait(session, conversation), now)
    if conversation.due_at != before:
        conversation.version += 1
        session.flush()
        live.tell(
            session, "conversation", now, account_id=conversation.account_id, id=conversation.id,
            version=conversation.version, what="promise",
        )  # fmt: skip
