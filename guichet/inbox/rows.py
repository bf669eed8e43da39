"""The row of the list, read in two queries whatever its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from guichet.delivery.states import State as DeliveryState
from guichet.inbox import personal
from guichet.inbox.excerpts import Excerpt
from guichet.inbox.states import State
from guichet.models import (
    Account,
    Conversation,
    ConversationLabel,
    Delivery,
    Identity,
    Label,
    Message,
    PendingAnswer,
    Staff,
    Topic,
)


@dataclass(frozen=True)
class LabelRow:
    id: int
    name: str
    colour: str


@dataclass(frozen=True)
class ConversationRow:
    """What the list shows of a conversation."""

    id: int
    version: int
    account_id: int
    network: str
    account_handle: str
    account_name: str
    customer_id: int
    customer_name: str
    customer_handle: str
    customer_avatar_url: str
    surface: str
    state: str
    priority: int
    subject: str
    preview: str
    language: str
    team_id: int | None
    assignee_id: int | None
    assignee_initials: str
    assignee_name: str
    claimed_until: datetime | None
    waiting_since: datetime | None
    hold_until: datetime | None
    planned_at: datetime | None  # an answer that was planned goes out by itself then
    awaits: str
    awaits_since: datetime | None
    remind_at: datetime | None
    held_at: datetime | None
    last_message_at: datetime
    last_message_id: int | None
    message_count: int
    can_reply: bool
    reply_until: datetime | None
    topic_id: int | None
    topic_name: str
    labels: tuple[LabelRow, ...]
    excerpt: Excerpt | None = None  # where a search found it


_PLANNED_FOR = (
    select(func.min(Delivery.due_at))
    .join(Message, Message.delivery_id == Delivery.id)
    .join(PendingAnswer, PendingAnswer.message_id == Message.id)
    .where(PendingAnswer.conversation_id == Conversation.id, PendingAnswer.kind == "later")
    .where(Delivery.state.in_((DeliveryState.SCHEDULED, DeliveryState.HELD)))
    .correlate(Conversation)
    .scalar_subquery()
)
_SHOWN = (
    select(
        Conversation.id,
        Conversation.version,
        Conversation.account_id,
        Account.network,
        Account.handle.label("account_handle"),
        Account.name.label("account_name"),
        Identity.customer_id,
        Identity.name.label("customer_name"),
        Identity.handle.label("customer_handle"),
        Identity.avatar_url.label("customer_avatar_url"),
        Conversation.surface,
        Conversation.state,
        Conversation.priority,
        Conversation.subject,
        Conversation.preview,
        Conversation.language,
        Conversation.team_id,
        Conversation.assignee_id,
        Staff.initials.label("assignee_initials"),
        Staff.name.label("assignee_name"),
        Conversation.claimed_until,
        Conversation.waiting_since,
        Conversation.hold_until,
        case((Conversation.state == State.SNOOZED, _PLANNED_FOR)).label("planned_at"),
        Conversation.awaits,
        Conversation.awaits_since,
        Conversation.remind_at,
        Conversation.held_at,
        Conversation.last_message_at,
        Conversation.last_message_id,
        Conversation.message_count,
        Conversation.can_reply,
        Conversation.reply_until,
        Conversation.topic_id,
        Topic.name.label("topic_name"),
    )
    .join(Account, Account.id == Conversation.account_id)
    .join(Identity, Identity.id == Conversation.identity_id)
    .outerjoin(Staff, Staff.id == Conversation.assignee_id)
    .outerjoin(Topic, Topic.id == Conversation.topic_id)
)


def with_excerpts(rows: Sequence[ConversationRow], excerpts: Mapping[int, Excerpt]) -> list[ConversationRow]:
    return [replace(row, excerpt=excerpts.get(row.id)) for row in rows]


def read_rows(session: Session, ids: Sequence[int]) -> list[ConversationRow]:
    """The rows of these conversations, in this order. Rights are the caller's matter."""
    if not ids:
        return []
    marks: dict[int, list[LabelRow]] = {}
    labelled = select(ConversationLabel.conversation_id, Label.id, Label.name, Label.colour).join(
        Label, Label.id == ConversationLabel.label_id
    )
    for conversation_id, id_, name, colour in session.execute(
        labelled.where(ConversationLabel.conversation_id.in_(ids)).order_by(Label.name)
    ):
        marks.setdefault(conversation_id, []).append(LabelRow(id_, name, colour))
    rows = {}
    for found in session.execute(_SHOWN.where(Conversation.id.in_(ids))).mappings():
        values = dict(found)
        values["assignee_initials"] = values["assignee_initials"] or ""
        values["topic_name"] = values["topic_name"] or ""
        values["assignee_name"] = values["assignee_name"] or ""
        if found["surface"] == "public":
            values["preview"] = personal.cover(found["preview"])
        values["customer_name"] = values["customer_name"] or values["customer_handle"]
        rows[found["id"]] = ConversationRow(**values, labels=tuple(marks.get(found["id"], ())))
    return [rows[i] for i in ids if i in rows]
