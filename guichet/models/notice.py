"""Who follows a conversation, and what they are told of it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, partial_index, ref


class ConversationFollower(Base):
    """Somebody who wants to know what becomes of a conversation. `mentioned_at`: when a note
    last called them, or a team of theirs (null: they follow of their own accord)."""

    __tablename__ = "conversation_follower"
    __table_args__ = (Index("ix_conversation_follower_staff", "staff_id", "conversation_id"),)
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    since: Mapped[datetime]
    mentioned_at: Mapped[datetime | None]


class Notice(Base):
    """What a person is told of a conversation; `kind` is one of guichet.inbox.notices.KINDS.
    `count`: how many of the same kind, not seen yet, are told as this one. `message_id` is the
    newest of them."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_list", "staff_id", "at", "id"),
        partial_index("ix_notice_unseen", "staff_id", "conversation_id", where="seen_at IS NULL"),
        Index("ix_notice_conversation", "conversation_id"),
        Index("ix_notice_at", "at"),
    )
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id")
    account_id: Mapped[int] = ref("account.id")
    conversation_id: Mapped[int] = ref("conversation.id")
    message_id: Mapped[int | None] = ref("message.id")
    kind: Mapped[Short]
    by_staff_id: Mapped[int | None] = ref("staff.id")
    count: Mapped[int] = mapped_column(default=1)
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
