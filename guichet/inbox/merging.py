"""Merging two conversations of one customer on one account into one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict, Invalid
from guichet.inbox import labels, waiting
from guichet.inbox.changes import changing
from guichet.inbox.handling import lock_in_order
from guichet.inbox.states import State
from guichet.models import Conversation, Delivery, Identity, Message
from guichet.policy import Action, Actor, require


def merge(
    session: Session, actor: Actor, conversation: Conversation, *, into: Conversation, now: datetime
) -> Conversation:
    """Move everything said in `conversation` to `into`; the first is closed and points there.
    Who waited in either goes on waiting, since the earlier start.

    Only within one account and one customer: an answer is routed by the identity of the
    message that it answers, so it cannot reach anybody else. Raises Invalid, Conflict.
    """
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    require(actor, Action.CONVERSATION_ANSWER, into)
    if conversation.id == into.id:
        raise Invalid("a conversation cannot be merged into itself", {"into": "is the same conversation"})
    if conversation.account_id != into.account_id or _customer(session, conversation) != _customer(session, into):
        raise Invalid(
            "only conversations of one customer on one account can be merged",
            {"into": "belongs to another customer or account"},
        )
    lock_in_order(session, conversation, into)
    with changing(session, actor, into, now, "merged") as kept, changing(session, actor, conversation, now) as gone:
        for c in (conversation, into):
            if c.merged_into_id is not None or c.state == State.CLOSED:
                raise Conflict("one of them is closed or merged already", code="not_possible_now", state=c.state)
        labels.put_labels(kept, [label.id for label in conversation.labels])
        echoes = _echoes(session, conversation)
        _move_messages(session, conversation, into)
        waiting.hand_on(gone, kept, echoes)
        conversation.merged_into_id, conversation.state, conversation.closed_at = into.id, State.CLOSED, now
        conversation.hold_until = conversation.claimed_until = None
        gone.event("merged_into", into=into.id)
        audit.record(session, actor, "conversation.merge", conversation, now, into=into.id)
    return into


def _customer(session: Session, conversation: Conversation) -> int:
    return session.get_one(Identity, conversation.identity_id).customer_id


def _echoes(session: Session, conversation: Conversation) -> list[int]:
    own = select(Message.id).where(Message.conversation_id == conversation.id, Message.kind == "echo")
    return list(session.scalars(own.order_by(Message.id)))


def _move_messages(session: Session, source: Conversation, target: Conversation) -> None:
    for model in (Message, Delivery):
        session.execute(
            update(model).where(model.conversation_id == source.id).values(conversation_id=target.id)
        )  # fmt: skip
    target.message_count += source.message_count
    target.last_message_id = max(target.last_message_id or 0, source.last_message_id or 0) or None
    target.last_message_at = max(target.last_message_at, source.last_message_at)
    if source.preview and source.last_message_at >= target.last_message_at:
        target.preview = source.preview
