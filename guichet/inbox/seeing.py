"""How far each person has read: what is unread is unread for somebody.

A mark is a person's own and moves no wait, no version and no event: that somebody looked is
nobody else's business. Who never opened a conversation has not read it, save that what was
finished before they came is not held up to them as news.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.errors import Invalid
from guichet.inbox import notices
from guichet.inbox.states import ACTIVE
from guichet.models import Conversation, ConversationSeen, Message, table_of
from guichet.policy import Action, Actor, require


def mark_seen(
    session: Session, actor: Actor, conversation: Conversation, *, through: int | None, now: datetime
) -> None:
    """Say that the actor has read everything up to the message `through`. None puts the mark
    before the customer's newest message: unread again. Raises Invalid for a message newer
    than anything here."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    if actor.staff_id is None:
        return
    if through is None:
        through = _before_newest(session, conversation)
    elif through > newest(conversation.last_message_id, conversation.last_beside_id):
        raise Invalid("there is no such message", {"through": "is newer than anything here"})
    keep_mark(session, conversation.id, actor.staff_id, through, now)
    notices.see_conversation(session, actor, conversation, through, now)


def keep_mark(session: Session, conversation_id: int, staff_id: int, through: int, now: datetime) -> None:
    """Write the mark: what somebody wrote themselves they have seen, too. Rights are the
    caller's matter."""
    values = {"conversation_id": conversation_id, "staff_id": staff_id, "through_message_id": through, "seen_at": now}
    table = table_of(ConversationSeen)
    dialect.upsert(session, table, values, "conversation_id", "staff_id")


def is_unread(state: str, newest_id: int, mark: int | None) -> bool:
    """Whether a conversation holds something that a person has not read who has read so far."""
    if mark is None:
        return state in ACTIVE
    return newest_id > mark


def newest(last_message_id: int | None, last_beside_id: int | None) -> int:
    """The newest message that there is to read: said here, or answered beside it by somebody outside."""
    return max(last_message_id or 0, last_beside_id or 0)


def _before_newest(session: Session, conversation: Conversation) -> int:
    newest = session.scalar(
        select(Message.id)
        .where(Message.conversation_id == conversation.id, Message.direction == "in")
        .order_by(Message.id.desc())
        .limit(1)
    )
    return (newest or 1) - 1
