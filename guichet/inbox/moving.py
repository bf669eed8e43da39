"""Messages that go from one conversation to another, and what both then show."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, not_, or_, select, update
from sqlalchemy.orm import Session

from guichet.delivery.states import OPPOSITES
from guichet.inbox import words
from guichet.models import Conversation, Delivery, Message, PendingAnswer, SideConversation


def move_messages(session: Session, which: ColumnElement[bool], target: Conversation, came_to: object) -> None:
    """Put the messages for which `which` holds, and their deliveries, into `target`. `came_to`
    is what their `came_to_id` becomes, a value or an expression."""
    session.flush()
    session.execute(
        update(Delivery)
        .where(Delivery.message_id.in_(select(Message.id).where(which)))
        .values(conversation_id=target.id)
        .execution_options(synchronize_session=False)
    )
    session.execute(  # what was done with them at the network
        update(Delivery)
        .where(Delivery.kind.in_(OPPOSITES), Delivery.conversation_id.in_(select(Message.conversation_id).where(which)))
        .where(Delivery.target_remote_id.in_(select(Message.remote_id).where(which)))
        .values(conversation_id=target.id)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(PendingAnswer)
        .where(PendingAnswer.message_id.in_(select(Message.id).where(which)))
        .values(conversation_id=target.id)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Message)
        .where(which)
        .values(conversation_id=target.id, came_to_id=came_to)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def move_sides(session: Session, which: ColumnElement[bool], target: Conversation, came_to: object) -> None:
    """Put the side conversations for which `which` holds beside `target`. What is said in them goes
    with the messages of the conversation."""
    session.execute(
        update(SideConversation)
        .where(which)
        .values(conversation_id=target.id, came_to_id=came_to)
        .execution_options(synchronize_session=False)
    )


def recount(session: Session, conversation: Conversation) -> None:
    """Count what was said again, and what was said last."""
    session.flush()
    said = (
        Message.conversation_id == conversation.id, Message.side_id.is_(None), Message.direction != "taken_back",
    )  # fmt: skip
    asked = select(func.count(), func.max(Message.id), func.max(Message.sort_at)).where(*said)
    number, last_id, last_at = session.execute(asked).one()
    conversation.message_count, conversation.last_message_id = number, last_id
    conversation.last_message_at = last_at or conversation.last_message_at


def summarise(session: Session, conversation: Conversation) -> None:
    """Make the row say again what its messages say: their number, the newest, what the customer
    last wrote, and whether that can be answered."""
    recount(session, conversation)
    told = or_(not_(Message.is_automatic), Message.context["bounce"].as_boolean())
    beside = Message.conversation_id == conversation.id, Message.direction == "side_in", told
    conversation.last_beside_id = session.scalar(select(func.max(Message.id)).where(*beside))
    theirs = select(Message).where(
        Message.conversation_id == conversation.id, Message.direction == "in", Message.deleted_at.is_(None)
    )
    newest_first = (Message.sort_at.desc(), Message.id.desc())
    newest = session.scalars(theirs.order_by(*newest_first).limit(1)).first()
    conversation.preview = words.preview(newest.text or newest.subject) if newest else ""
    if newest is not None:
        conversation.language = newest.language or conversation.language
        answered = session.scalars(theirs.order_by(Message.can_reply.desc(), *newest_first).limit(1)).one()
        conversation.can_reply = answered.can_reply
        conversation.cannot_reply_reason = answered.cannot_reply_reason
        conversation.reply_until = answered.reply_until
