"""Waits: one customer turn waiting for us. All response figures come from here."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, relationship

from guichet.models.base import Base, Key, Short, partial_index, ref


class Wait(Base):
    """`started_at` is the network's time of the oldest unanswered message, `received_at`
    ours (they differ after an outage). `ended_at` is the network's acceptance of what
    ended it; `end_kind` is one of guichet.inbox.waits.EndKind."""

    __tablename__ = "wait"
    __table_args__ = (
        partial_index("uq_wait_open", "conversation_id", where="ended_at IS NULL", unique=True),
        Index("ix_wait_started", "account_id", "started_at"),
        Index("ix_wait_conversation", "conversation_id", "id"),
    )
    id: Mapped[Key]
    conversation_id: Mapped[int] = ref("conversation.id")
    account_id: Mapped[int] = ref("account.id")
    opened_by_message_id: Mapped[int] = ref("message.id")
    cycle: Mapped[int]
    is_first: Mapped[bool]  # first wait of its cycle: the "first response"
    started_at: Mapped[datetime]
    received_at: Mapped[datetime]
    first_touch_at: Mapped[datetime | None]  # an automatic acknowledgement
    ended_at: Mapped[datetime | None]
    end_kind: Mapped[Short | None]
    answered_by: Mapped[int | None] = ref("staff.id")
    ended_by_message_id: Mapped[int | None] = ref("message.id")
    calendar_id: Mapped[int | None] = ref("calendar.id")
    calendar_version: Mapped[int | None]
    slices: Mapped[list[WaitSlice]] = relationship(order_by="WaitSlice.id")


class WaitSlice(Base):
    """Who had the conversation during a stretch of a wait (both null: in no queue)."""

    __tablename__ = "wait_slice"
    id: Mapped[Key]
    wait_id: Mapped[int] = ref("wait.id", index=True)
    team_id: Mapped[int | None] = ref("team.id")
    staff_id: Mapped[int | None] = ref("staff.id")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
