"""What its author takes back is gone here too; a tombstone keeps its place and its wait.

Webhooks come in any order: a deletion heard before what it deletes is remembered for longer
than any network goes on trying to deliver, and what comes late is taken back at once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from guichet import live
from guichet.db import dialect
from guichet.inbox import searching, waiting
from guichet.inbox.changes import changing
from guichet.models import Attachment, Conversation, Message, MessageLayout, MessageVersion, Withdrawal, table_of
from guichet.policy import Action, Actor, require
from guichet.receiving import previews

KEPT_FOR = timedelta(days=30)
BATCH = 500
_WITHDRAWAL = table_of(Withdrawal)


def take_back(session: Session, actor: Actor, message: Message, now: datetime) -> None:
    """Leave a tombstone of the customer's `message`; harmless where there is one."""
    require(actor, Action.SYSTEM)
    if message.deleted_at is not None:
        return
    conversation = session.get_one(Conversation, message.conversation_id)
    with changing(session, actor, conversation, now, "message") as change:
        message.deleted_at = now
        message.text = message.html = message.subject = ""
        message.same_key = None
        for table in (MessageVersion, MessageLayout, Attachment):
            session.execute(delete(table).where(table.message_id == message.id))
        waiting.deleted(change, message)
        previews.refresh(change)
        searching.forget(session, [message.id])
        live.tell(
            session, "message", now, account_id=message.account_id, id=message.id, conversation_id=conversation.id
        )  # fmt: skip


def remember(session: Session, account_id: int, remote_id: str, now: datetime) -> None:
    """What `account_id` may yet hear under this id is taken back already."""
    row = {"account_id": account_id, "remote_id": remote_id, "heard_at": now}
    dialect.upsert(session, _WITHDRAWAL, row, "account_id", "remote_id")


def is_remembered(session: Session, account_id: int, remote_id: str) -> bool:
    return session.get(Withdrawal, (account_id, remote_id)) is not None


def catch_up(session: Session, actor: Actor, now: datetime) -> int:
    """Take back what was heard in the very moment of its deletion, by another worker that could
    not know yet; forget what is old. Returns how many were taken back."""
    require(actor, Action.SYSTEM)
    session.execute(delete(Withdrawal).where(Withdrawal.heard_at < now - KEPT_FOR))
    same = (Message.account_id == Withdrawal.account_id) & (Message.remote_id == Withdrawal.remote_id)
    standing = session.scalars(select(Message).join(Withdrawal, same).where(Message.deleted_at.is_(None)).limit(BATCH))
    found = sorted(standing, key=lambda message: message.conversation_id)
    for message in found:
        take_back(session, actor, message, now)
    return len(found)
