"""Waiting for somebody who is not the customer: for whom, since when, and until when at most."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Invalid
from guichet.inbox import counts, handling, notices
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import TRANSITIONS, State
from guichet.inbox.words import clean_short
from guichet.models import Conversation, Staff
from guichet.policy import Action, Actor, require

LONGEST = timedelta(days=366)
BATCH = 500
# From where one may begin to wait, or say anew for whom.
MAY_WAIT = frozenset({s for s in State if State.WAITING_INTERNAL in TRANSITIONS[s]} | {State.WAITING_INTERNAL})


def wait_internally(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    now: datetime,
    *,
    awaits: str = "",
    staff: Staff | None = None,
    remind_at: datetime | None = None,
) -> Conversation:
    """Mark that somebody else must act first: a colleague (`staff`), or whoever `awaits` names.
    At `remind_at` it comes back to the front. The customer's wait goes on. Raises Invalid, Conflict."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    if staff is not None and staff.disabled_at is not None:
        raise Invalid("this person no longer works here", {"staff_id": "no longer works here"})
    with changing(session, actor, conversation, now) as change:
        wait_for(change, staff.name if staff else awaits, staff.id if staff else None, remind_at)
        audit.record(session, actor, "conversation.wait_internally", conversation, now, staff_id=staff and staff.id)
    return conversation


def wait_for(change: Change, awaits: str, staff_id: int | None, remind_at: datetime | None) -> None:
    """Wait for them within `changing`; said anew, the time counts from now."""
    conversation = change.conversation
    if remind_at is not None and not change.now < remind_at <= change.now + LONGEST:
        raise Invalid(
            "a reminder comes in the future, within a year", {"remind_at": "must be in the future, within a year"}
        )
    handling.await_others(change, anew=bool(awaits or remind_at))
    conversation.awaits, conversation.awaits_staff_id = clean_short(awaits), staff_id
    conversation.awaits_since, conversation.remind_at = change.now, remind_at


def answered(change: Change, **data: object) -> None:
    """Who was waited for has answered: it is open again, for whoever has it. Within `changing`."""
    if change.conversation.state == State.WAITING_INTERNAL:
        handling.returned_to_front(change, "awaited_came", **data)


def remind(session: Session, actor: Actor, now: datetime) -> int:
    """What was waited for in vain comes back to the front, and whoever has or follows it is told;
    returns how many."""
    require(actor, Action.SYSTEM)
    c = Conversation
    over = select(c.id).where(c.remind_at <= now, c.state == State.WAITING_INTERNAL).order_by(c.id).limit(BATCH)
    done = 0
    with counts.deferred(session):
        for id_ in session.scalars(over).all():
            conversation = session.get_one(Conversation, id_)
            with changing(session, actor, conversation, now) as change:
                due = conversation.remind_at
                if due is not None and due <= now and conversation.state == State.WAITING_INTERNAL:
                    handling.returned_to_front(change, "awaited_in_vain")
                    notices.tell_owner_and_followers(change, "nothing_came")
                    done += 1
    return done
