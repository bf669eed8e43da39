"""Putting a conversation aside as spam, for which nobody waits and which nobody answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from guichet import audit
from guichet.inbox import handling, pending
from guichet.inbox.changes import changing
from guichet.models import Conversation
from guichet.policy import Action, Actor, require


def mark_spam(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Put it aside as spam; an open wait ends as moderated, and what follows opens none. What was
    planned to be answered is held back, and its author told."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now) as change:
        handling.discard(change)
        pending.hold_back(change, "marked_spam")
        audit.record(session, actor, "conversation.spam", conversation, now)
    return conversation
