"""Reading one conversation: its messages a window at a time, its history, its customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from guichet import audit
from guichet.db import dialect
from guichet.errors import NotFound
from guichet.inbox import cursors, knowing
from guichet.inbox.cursors import Cursor
from guichet.inbox.rows import ConversationRow
from guichet.models import (
    Conversation,
    ConversationEvent,
    Customer,
    Identity,
    Message,
    MessageVersion,
    Staff,
    Wait,
)
from guichet.policy import Action, Actor, require

WINDOW = 100
Who = TypeVar("Who", Identity, Staff)


@dataclass(frozen=True)
class MessageRow:
    """A message with who wrote it. `versions` counts what it said before; `identity` is None for what
    we said."""

    message: Message
    identity: Identity | None
    staff_name: str
    staff_initials: str
    versions: int


@dataclass(frozen=True)
class Window:
    """Messages oldest first; `older` is the cursor for those before them ("": none)."""

    items: list[MessageRow]
    older: str = ""


@dataclass(frozen=True)
class CustomerCard:
    """A customer and their conversations on the accounts that the actor may see, newest first."""

    customer: Customer
    identities: Sequence[Identity]
    conversations: Sequence[ConversationRow]


def get_conversation(session: Session, actor: Actor, conversation_id: int) -> Conversation:
    """With identity, customer and labels. Raises NotFound where it is not there or not the actor's to see."""
    found = session.scalars(
        select(Conversation)
        .where(Conversation.id == conversation_id)
        .options(joinedload(Conversation.identity).joinedload(Identity.customer), selectinload(Conversation.labels))
        .execution_options(**dialect.PREPARED)
    ).one_or_none()
    if found is None:
        raise NotFound("there is no such conversation, or it is not yours to see")
    require(actor, Action.CONVERSATION_VIEW, found)
    return found


def read_messages(
    session: Session, actor: Actor, conversation: Conversation, *, before: str = "", limit: int = 50
) -> Window:
    """The newest messages, or those before a cursor; notes among them. Raises Invalid."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    limit = max(1, min(limit, WINDOW))
    shown = Message.direction != "taken_back"
    wanted = select(Message).where(Message.conversation_id == conversation.id, Message.side_id.is_(None), shown)
    if before:
        edge = cursors.read(before, "messages")
        wanted = wanted.where(or_(Message.sort_at < edge.at, and_(Message.sort_at == edge.at, Message.id < edge.id)))
    newest_first = wanted.order_by(Message.sort_at.desc(), Message.id.desc()).limit(limit + 1)
    found = list(
        session.scalars(newest_first.options(selectinload(Message.attachments)).execution_options(**dialect.PREPARED))
    )
    window = found[:limit]
    oldest = window[-1] if window else None
    older = cursors.write(Cursor("messages", oldest.sort_at, oldest.id)) if oldest and len(found) > limit else ""
    return Window(dressed(session, window[::-1]), older)


def get_message(session: Session, actor: Actor, message_id: int) -> MessageRow:
    """One message. Raises NotFound."""
    message = session.get(Message, message_id, options=[selectinload(Message.attachments)])
    if message is None:
        raise NotFound("there is no such message, or it is not yours to see")
    require(actor, Action.CONVERSATION_VIEW, message)
    return dressed(session, [message])[0]


def uncover_message(
    session: Session, actor: Actor, conversation: Conversation, message_id: int, now: datetime
) -> MessageRow:
    """A message of the conversation to be shown whole, with what is personal in it, to who may
    answer; the audit log keeps who looked. Raises NotFound."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    message = session.get(Message, message_id, options=[selectinload(Message.attachments)])
    if message is None or message.conversation_id != conversation.id:
        raise NotFound("there is no such message, or it is not yours to see")
    audit.record(session, actor, "message.shown", message, now)
    return dressed(session, [message])[0]


def read_versions(session: Session, actor: Actor, message: Message) -> Sequence[MessageVersion]:
    """What the message said before it was edited, oldest first."""
    require(actor, Action.CONVERSATION_VIEW, message)
    return session.scalars(
        select(MessageVersion).where(MessageVersion.message_id == message.id).order_by(MessageVersion.id)
    ).all()


def read_events(
    session: Session, actor: Actor, conversation: Conversation, *, limit: int = 200
) -> Sequence[ConversationEvent]:
    """The newest `limit` events of its history, oldest first."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    newest = select(ConversationEvent).where(ConversationEvent.conversation_id == conversation.id)
    return session.scalars(newest.order_by(ConversationEvent.id.desc()).limit(limit)).all()[::-1]


def read_waits(session: Session, actor: Actor, conversation: Conversation) -> Sequence[Wait]:
    """Every wait of the conversation with its slices, oldest first."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    return session.scalars(
        select(Wait).where(Wait.conversation_id == conversation.id).order_by(Wait.id).options(selectinload(Wait.slices))
    ).all()


def get_customer(session: Session, actor: Actor, customer_id: int, *, limit: int = 50) -> CustomerCard:
    """The customer, or who they turned out to be. Raises NotFound, also where the actor may see none
    of the customer's conversations."""
    customer = knowing.get_home(session, actor, customer_id)
    rows, _ = knowing.read_conversations(session, actor, customer, limit=limit)
    return CustomerCard(customer, knowing.read_identities(session, actor, customer), rows)


def dressed(session: Session, messages: Sequence[Message]) -> list[MessageRow]:
    """Messages with what else is shown of them, in three queries at most whatever their number. Rights
    are the caller's matter."""
    identities = _of(session, Identity, {m.identity_id for m in messages})
    staff = _of(session, Staff, {m.staff_id for m in messages})
    counted = session.execute(
        select(MessageVersion.message_id, func.count())
        .where(MessageVersion.message_id.in_([m.id for m in messages]))
        .group_by(MessageVersion.message_id)
    )
    versions = {row[0]: row[1] for row in counted}
    rows = []
    for m in messages:
        person = staff.get(m.staff_id or 0)
        rows.append(
            MessageRow(
                message=m,
                identity=identities.get(m.identity_id or 0),
                staff_name=person.name if person else "",
                staff_initials=person.initials if person else "",
                versions=versions.get(m.id, 0),
            )
        )
    return rows


def _of(session: Session, model: type[Who], ids: Set[int | None]) -> Mapping[int, Who]:
    wanted = ids - {None}
    return {row.id: row for row in session.scalars(select(model).where(model.id.in_(wanted)))} if wanted else {}
