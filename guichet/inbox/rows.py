"""The row of the list, with what of it is its reader's own: one statement whatever its length, put
together once. Nothing in it asks for rights: whose rows are asked for is the caller's matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.delivery.states import State as DeliveryState
from guichet.inbox import notices, personal, seeing
from guichet.inbox.excerpts import Excerpt
from guichet.inbox.states import State
from guichet.models import (
    Account,
    Conversation,
    ConversationFollower,
    ConversationLabel,
    ConversationSeen,
    Delivery,
    Identity,
    Label,
    Message,
    PendingAnswer,
    Staff,
    Team,
    Topic,
)
from guichet.promises.keeping import due_at


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
    team_name: str
    answer_due_at: datetime | None
    resolution_due_at: datetime | None
    is_unread: bool  # this and what follows: for whoever reads the list
    is_followed: bool
    is_called: bool  # by a note that they have not seen
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
_READER = bindparam("reader", type_=Staff.id.type)


@cache
def _shown(kind: str) -> Select[*tuple[Any, ...]]:
    """Rows of the conversations `ids` for the person `reader`."""
    seen, follower = ConversationSeen, ConversationFollower
    answer_due_at, resolution_due_at = due_at(Conversation.id)
    return (
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
            func.coalesce(Staff.initials, "").label("assignee_initials"),
            func.coalesce(Staff.name, "").label("assignee_name"),
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
            Conversation.last_beside_id,
            Conversation.message_count,
            Conversation.can_reply,
            Conversation.reply_until,
            Conversation.topic_id,
            func.coalesce(Topic.name, "").label("topic_name"),
            func.coalesce(Team.name, "").label("team_name"),
            answer_due_at.label("answer_due_at"),
            resolution_due_at.label("resolution_due_at"),
            seen.through_message_id.label("mark"),
            follower.staff_id.is_not(None).label("is_followed"),
            notices.calls(_READER, Conversation.id).label("is_called"),
            _labels(kind).label("labels"),
        )
        .join(Account, Account.id == Conversation.account_id)
        .join(Identity, Identity.id == Conversation.identity_id)
        .outerjoin(Staff, Staff.id == Conversation.assignee_id)
        .outerjoin(Topic, Topic.id == Conversation.topic_id)
        .outerjoin(Team, Team.id == Conversation.team_id)
        .outerjoin(seen, and_(seen.conversation_id == Conversation.id, seen.staff_id == _READER))
        .outerjoin(follower, and_(follower.conversation_id == Conversation.id, follower.staff_id == _READER))
        .where(dialect.is_one_given(kind, Conversation.id, "ids"))
        .execution_options(**dialect.PREPARED)
    )


def _labels(kind: str) -> ColumnElement[Any]:
    """By name, as a list in JSON."""
    mark = ConversationLabel
    each = (
        select(Label.id, Label.name, Label.colour)
        .join(mark, mark.label_id == Label.id)
        .where(mark.conversation_id == Conversation.id)
        .order_by(Label.name)
        .correlate(Conversation)
        .subquery("label_of_it")
    )
    return select(dialect.json_list(kind, each.c.id, each.c.name, each.c.colour)).scalar_subquery()


def with_excerpts(rows: Sequence[ConversationRow], excerpts: Mapping[int, Excerpt]) -> list[ConversationRow]:
    return [replace(row, excerpt=excerpts[row.id]) if row.id in excerpts else row for row in rows]


def read_rows(session: Session, ids: Sequence[int], reader_id: int | None) -> list[ConversationRow]:
    """The rows of these conversations, in this order, as this person sees them."""
    if not ids:
        return []
    found = session.execute(_shown(dialect.kind_of(session.connection())), {"ids": list(ids), "reader": reader_id or 0})
    names = tuple(found.keys())
    rows = {row.id: _row(dict(zip(names, row, strict=True))) for row in found}
    return [rows[i] for i in ids if i in rows]


def _row(values: dict[str, Any]) -> ConversationRow:
    if values["surface"] == "public":
        values["preview"] = personal.cover(values["preview"])
    values["customer_name"] = values["customer_name"] or values["customer_handle"]
    newest = seeing.newest(values["last_message_id"], values.pop("last_beside_id"))
    values["is_unread"] = seeing.is_unread(values["state"], newest, values.pop("mark"))
    values["labels"] = tuple(LabelRow(*label) for label in values["labels"] or ())
    return ConversationRow(**values)
