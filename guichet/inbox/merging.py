"""Merging two conversations of one customer on one account into one, and taking that back.

Every message remembers to which conversation it came (`came_to_id`): an undone merge gives back
what came there before and since, with whoever still waits in it, and answers go on naming the
thread of the message that they answer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case as when
from sqlalchemy import func, null, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict, Invalid
from guichet.inbox import field_rows, followers, handling, labels, waiting
from guichet.inbox.changes import Change, changing
from guichet.inbox.moving import move_messages, move_sides, summarise
from guichet.inbox.states import State
from guichet.models import (
    Conversation,
    ConversationEvent,
    ConversationLabel,
    Customer,
    Identity,
    Message,
    SideConversation,
)
from guichet.policy import Action, Actor, require

# Where an undone merge leaves what stood so before, if nobody waits in it.
_STAYS = frozenset({State.WAITING_CUSTOMER, State.WAITING_INTERNAL, State.RESOLVED, State.SPAM})
_FINISHED = frozenset({State.RESOLVED, State.CLOSED, State.SPAM})


def merge(
    session: Session, actor: Actor, conversation: Conversation, *, into: Conversation, now: datetime
) -> Conversation:
    """Move everything said in `conversation` to `into`; the first is closed and points there.
    Who waited in either goes on waiting, since the earlier start; who followed it follows on.

    Only within one account and one customer: an answer is routed by the identity of the
    message that it answers, so it cannot reach anybody else. Raises Invalid, Conflict.
    """
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    require(actor, Action.CONVERSATION_ANSWER, into)
    if conversation.id == into.id:
        raise Invalid("a conversation cannot be merged into itself", {"into": "is the same conversation"})
    if conversation.account_id != into.account_id or not _is_one_customer(session, conversation, into):
        raise Invalid(
            "only conversations of one customer on one account can be merged",
            {"into": "belongs to another customer or account"},
        )
    handling.lock_in_order(session, conversation, into)
    with changing(session, actor, into, now, "merged") as kept, changing(session, actor, conversation, now) as gone:
        for c in (conversation, into):
            if c.merged_into_id is not None or c.state == State.CLOSED:
                raise Conflict("one of them is closed or merged already", code="not_possible_now", state=c.state)
        added = _add_labels(session, kept, conversation)
        filled = field_rows.take_over(session, conversation, into)
        echoes = _echoes(session, conversation)
        came_to = func.coalesce(Message.came_to_id, conversation.id)
        beside = func.coalesce(SideConversation.came_to_id, conversation.id)
        move_sides(session, SideConversation.conversation_id == conversation.id, into, beside)
        move_messages(session, Message.conversation_id == conversation.id, into, came_to)
        waiting.hand_on(gone, kept, echoes)
        followers.carry_over(session, conversation, into, now)
        gone.event(
            "merged_into", into=into.id, was=conversation.state, labels=added, fields=filled,
            claimed=conversation.claimed_until is not None,
        )  # fmt: skip
        kept.event("merged_from", of=conversation.id)
        conversation.merged_into_id, conversation.state, conversation.closed_at = into.id, State.CLOSED, now
        conversation.hold_until = conversation.claimed_until = None
        summarise(session, into)
        audit.record(session, actor, "conversation.merge", conversation, now, into=into.id)
    return into


def unmerge(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Take back that `conversation` was merged into another: what came to it, before and since,
    is in it again, and who still waits in that waits there, as before. What was answered
    stays answered. Raises Conflict where it is not merged, where the other is itself merged by
    now, or where the thread goes on in a newer conversation."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    into = _merged_into(session, conversation)
    require(actor, Action.CONVERSATION_ANSWER, into)
    handling.lock_in_order(session, conversation, into)
    with changing(session, actor, into, now, "merged") as kept, changing(session, actor, conversation, now) as back:
        merged = _merged_into(session, conversation)
        if merged.id != into.id:
            raise Conflict("somebody else has just done that", code="not_possible_now", state=conversation.state)
        before = _event_of_merge(session, conversation)
        conversation.merged_into_id = conversation.closed_at = None
        _give_back(session, kept, back)
        _restore(session, back, into, before)
        labels.take_labels(kept, before["labels"])
        field_rows.give_back(session, conversation, into, before.get("fields", ()))
        for change, other in ((kept, conversation), (back, into)):
            change.event("merge_undone", of=other.id)
        audit.record(session, actor, "conversation.unmerge", conversation, now, out_of=into.id)
    return conversation


def _merged_into(session: Session, conversation: Conversation) -> Conversation:
    if conversation.merged_into_id is None:
        raise Conflict("it is not merged into another", code="not_possible_now", state=conversation.state)
    into = session.get_one(Conversation, conversation.merged_into_id)
    if into.merged_into_id is not None:
        raise Conflict(
            "that one was merged on: undo the later merge first", code="merged", into=into.merged_into_id
        )  # fmt: skip
    return into


def _event_of_merge(session: Session, conversation: Conversation) -> dict[str, Any]:
    """What stood in the history when it was merged. Raises Conflict where that is not enough."""
    row = ConversationEvent
    own = select(row.data).where(row.conversation_id == conversation.id, row.kind == "merged_into")
    data = session.scalars(own.order_by(row.id.desc()).limit(1)).first() or {}
    if "was" not in data:
        raise Conflict("it was merged before merges could be undone", code="not_possible_now", state=conversation.state)
    same = select(Conversation.id).where(
        Conversation.account_id == conversation.account_id,
        Conversation.identity_id == conversation.identity_id,
        Conversation.thread_root == conversation.thread_root,
        Conversation.part == conversation.part,
        Conversation.state != State.CLOSED,
        Conversation.merged_into_id.is_(None),
    )
    newer = session.scalars(same.limit(1)).first()
    if newer is not None:
        raise Conflict("this thread goes on in a newer conversation", code="goes_on", conversation_id=newer)
    return data


def _give_back(session: Session, kept: Change, back: Change) -> None:
    """Everything that came to it, or to what was merged into it before."""
    origins = [back.conversation.id]
    for origin in origins:
        merged = select(Conversation.id).where(Conversation.merged_into_id == origin)
        origins += session.scalars(merged.order_by(Conversation.id))
    which = (Message.conversation_id == kept.conversation.id) & Message.came_to_id.in_(origins)
    given = waiting.Given.of(session, which)
    came_to = when((Message.came_to_id == back.conversation.id, null()), else_=Message.came_to_id)
    side = SideConversation
    beside = when((side.came_to_id == back.conversation.id, null()), else_=side.came_to_id)
    came_here = (side.conversation_id == kept.conversation.id) & side.came_to_id.in_(origins)
    move_sides(session, came_here, back.conversation, beside)
    move_messages(session, which, back.conversation, came_to)
    waiting.give(kept, back, given)
    for change in (kept, back):
        summarise(session, change.conversation)


def _restore(session: Session, back: Change, into: Conversation, before: dict[str, Any]) -> None:
    conversation = back.conversation
    was = State(str(before["was"]))
    if conversation.waiting_since is not None:
        conversation.state = State.NEW if was is State.NEW else State.OPEN
    elif was in _STAYS:
        conversation.state = was
    else:
        conversation.state = State.RESOLVED if into.state in _FINISHED else State.OPEN
    if conversation.state == State.RESOLVED:
        conversation.resolved_at = conversation.resolved_at or back.now
    if before.get("claimed") and conversation.assignee_id is not None:
        conversation.claimed_until = back.now + handling.LEASE


def _is_one_customer(session: Session, one: Conversation, other: Conversation) -> bool:
    """Two identities may be one person's; while this is looked at, nobody separates them."""
    if one.identity_id == other.identity_id:
        return True
    identities = [session.get_one(Identity, c.identity_id) for c in (one, other)]
    ids = sorted({i.customer_id for i in identities})
    session.execute(select(Customer.id).where(Customer.id.in_(ids)).order_by(Customer.id).with_for_update())
    for identity in identities:
        session.refresh(identity, ["customer_id"])
    return identities[0].customer_id == identities[1].customer_id


def _add_labels(session: Session, kept: Change, conversation: Conversation) -> list[int]:
    """Labels of `conversation` that the other lacks; returns which it got."""
    mark = ConversationLabel
    has = set(session.scalars(select(mark.label_id).where(mark.conversation_id == kept.conversation.id)))
    own = session.scalars(select(mark.label_id).where(mark.conversation_id == conversation.id))
    added = sorted(set(own) - has)
    labels.put_labels(kept, added)
    return added


def _echoes(session: Session, conversation: Conversation) -> list[int]:
    own = select(Message.id).where(Message.conversation_id == conversation.id, Message.kind == "echo")
    return list(session.scalars(own.order_by(Message.id)))
