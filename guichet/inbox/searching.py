"""Finding words in messages: accents and case do not count, the last word may be a beginning.

The newest first and capped, never ranked: ranking a common word over millions costs seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.inbox import words
from guichet.models import Conversation, Message
from guichet.policy import Action, Actor, visible_accounts

CAP = 1000
_MAX_WORDS = 12
_INDEXED = 20_000  # code points of a message that are indexed


@dataclass(frozen=True)
class Hit:
    """A message that was found."""

    message_id: int
    conversation_id: int
    account_id: int
    preview: str
    remote_at: datetime


def index(session: Session, message: Message, *, is_new: bool = False) -> None:
    """Make a message findable by its words; `is_new`: it was not indexed before."""
    session.flush()
    if not is_new:
        forget(session, message)
    folded = words.fold(f"{message.subject} {message.text}"[:_INDEXED])
    if folded:
        dialect.index_words(session, message.id, message.account_id, folded)


def forget(session: Session, message: Message) -> None:
    """It is no longer there to be found."""
    dialect.forget_words(session, message.id)


def find_conversations(session: Session, accounts: Sequence[int], text: str) -> list[int]:
    """Ids of conversations with a message that has all these words, of the newest CAP messages
    found. Rights are the caller's matter: `accounts` are those that may be looked into."""
    found = _find(session, accounts, text)
    if not found:
        return []
    rows = session.scalars(
        select(Message.conversation_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(found), Conversation.account_id.in_(accounts))
        .distinct()
    )
    return list(rows)


def search(session: Session, actor: Actor, text: str, *, limit: int = 50) -> list[Hit]:
    """The newest messages with all these words, of those that the actor may see."""
    allowed = visible_accounts(actor, Action.CONVERSATION_VIEW)
    found = _find(session, None if allowed is None else sorted(allowed), text)[: max(1, min(limit, 200))]
    rows = session.scalars(select(Message).where(Message.id.in_(found)).order_by(Message.id.desc()))
    return [Hit(m.id, m.conversation_id, m.account_id, words.preview(m.text), m.remote_at) for m in rows]


def _find(session: Session, accounts: Sequence[int] | None, text: str) -> list[int]:
    wanted = words.fold(text).split()[:_MAX_WORDS]
    if not wanted or accounts == []:
        return []
    return dialect.find_words(session, wanted, accounts, CAP)
