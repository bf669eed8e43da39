"""A conversation's history, read back as the events that waits are recounted from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.inbox import happened
from guichet.inbox.happened import EndKind, Event, Said
from guichet.inbox.waits import WaitValue, recount
from guichet.models import Conversation, ConversationEvent, Message
from guichet.policy import Action, Actor, require


def read_history(session: Session, actor: Actor, conversation: Conversation) -> list[Event]:
    """What happened that bears on waits, in order. Feed it to `recount`."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    rows = session.scalars(
        select(ConversationEvent)
        .where(ConversationEvent.conversation_id == conversation.id)
        .order_by(ConversationEvent.id)
    ).all()
    messages = _messages_named(session, rows)
    events = (_event(row, messages) for row in rows)
    return [e for e in events if e is not None]


def recount_waits(session: Session, actor: Actor, conversation: Conversation) -> list[WaitValue]:
    """The waits as they must be, from the whole history."""
    return recount(read_history(session, actor, conversation))


def _messages_named(session: Session, rows: Sequence[ConversationEvent]) -> dict[int, Message]:
    ids: set[int] = set()
    for row in rows:
        ids.update(row.data.get("message_ids", ()), row.data.get("echo_ids", ()))
        if "message_id" in row.data:
            ids.add(row.data["message_id"])
    return {m.id: m for m in session.scalars(select(Message).where(Message.id.in_(ids)))}


def _event(row: ConversationEvent, messages: dict[int, Message]) -> Event | None:
    data, at = row.data, row.at
    match row.kind:
        case "received":
            return _said(at, messages[data["message_id"]], data["counts"])
        case "acknowledged":
            return happened.Touched(at, datetime.fromisoformat(data["at"]))
        case "answered":
            accepted = datetime.fromisoformat(data["at"])
            return happened.Answered(
                at, data["message_id"], accepted, data["seen_through"], data["by"], EndKind(data["end_kind"])
            )
        case "answered_elsewhere":
            remote_at = data.get("remote_at")
            said_at = datetime.fromisoformat(remote_at) if remote_at else messages[data["message_id"]].remote_at
            return happened.Echoed(at, data["message_id"], said_at)
        case "echo_recognised":
            return happened.Recognised(at, data["echo_id"], data["message_id"], data["by"])
        case "deleted":
            return happened.Deleted(at, data["message_id"])
        case "owner":
            return happened.Owned(at, data["team_id"], data["staff_id"])
        case "wait_ended":
            return happened.Finished(at, EndKind(data["end_kind"]), data["by"])
        case "reopened":
            return happened.Reopened(at) if data["new_cycle"] else None
        case "wait_resumed":
            asked = tuple(_said(at, messages[i], True) for i in data["message_ids"])
            return happened.Resumed(at, asked, data["answer_id"])
    return _exchanged(row, messages)


def _exchanged(row: ConversationEvent, messages: dict[int, Message]) -> Event | None:
    """Who waits has come from another conversation, or gone there."""
    data, at = row.data, row.at
    match row.kind:
        case "wait_handed_on":
            return happened.HandedOn(at)
        case "wait_given":
            return happened.Gave(at, frozenset(data["message_ids"]), frozenset(data["echo_ids"]))
        case "wait_taken_over" | "wait_received":
            touch = data["first_touch_at"]
            kind = happened.TookOver if row.kind == "wait_taken_over" else happened.Received
            return kind(
                at,
                tuple(_said(at, messages[i], True) for i in data["message_ids"]),
                tuple(_echoed(at, messages, data["echo_ids"])),
                datetime.fromisoformat(touch) if touch else None,
            )
    return None


def _said(at: datetime, message: Message, counts: bool) -> Said:
    return Said(at, message.id, message.remote_at, message.received_at, counts)


def _echoed(at: datetime, messages: dict[int, Message], ids: Iterable[int]) -> list[happened.Echoed]:
    """Without those that are gone: they turned out to be answers of ours."""
    return [happened.Echoed(at, i, messages[i].remote_at) for i in ids if i in messages]
