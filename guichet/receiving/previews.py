"""What the list shows of a conversation: the first words of what they last wrote, and whether
one may answer."""

from __future__ import annotations

from sqlalchemy import select

from guichet.inbox import words
from guichet.inbox.changes import Change
from guichet.models import Conversation, Message


def show(conversation: Conversation, message: Message) -> None:
    conversation.preview = words.preview(message.text or message.subject)
    conversation.language = message.language or conversation.language
    if message.can_reply or conversation.message_count == 1:
        conversation.can_reply = message.can_reply
        conversation.cannot_reply_reason = message.cannot_reply_reason
        conversation.reply_until = message.reply_until


def refresh(change: Change) -> None:
    """The list shows what they last wrote, as it stands now."""
    change.session.flush()
    newest = change.session.scalars(
        select(Message)
        .where(Message.conversation_id == change.conversation.id, Message.direction == "in")
        .where(Message.deleted_at.is_(None))
        .order_by(Message.sort_at.desc(), Message.id.desc())
        .limit(1)
    ).first()
    change.conversation.preview = words.preview(newest.text or newest.subject) if newest else ""
