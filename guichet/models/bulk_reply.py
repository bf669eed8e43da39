"""One answer to many who ask the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, Told, partial_index, ref


class BulkReply(Base):
    """`variants` are the wordings that are dealt out; `pace` is answers a minute on each account.
    `state`: draft, running (its rows are being planned, or wait for their time), stopped. `version`
    counts the changes of a draft, so that what is sent is what was looked at."""

    __tablename__ = "bulk_reply"
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id", index=True)
    state: Mapped[Short] = mapped_column(default="draft")
    variants: Mapped[list[Any]]
    pace: Mapped[int] = mapped_column(default=10)
    then_close: Mapped[bool] = mapped_column(default=False)
    undo_seconds: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    stopped_by: Mapped[int | None] = ref("staff.id")


class BulkReplyRow(Base):
    """One conversation of it. `state`: ready (nothing was asked of it), queued (to be planned),
    planned (`message_id` tells how it goes), refused (`reason`), stopping (to be called off), stopped.

    `text` is its own wording, else it has the variant of that number; `said` is what its author
    would have typed, `body` how it would stand there with `used` of `room`, as of the last look, when
    `seen_through` was the newest message. `excluded` names what keeps it from being sent, in the
    words of `reason`; `notes` what is worth knowing.
    """

    __tablename__ = "bulk_reply_row"
    id: Mapped[Key]
    bulk_id: Mapped[int] = ref("bulk_reply.id")
    position: Mapped[int]
    conversation_id: Mapped[int] = ref("conversation.id", index=True)
    account_id: Mapped[int] = ref("account.id")
    state: Mapped[Short] = mapped_column(default="ready")
    variant: Mapped[int] = mapped_column(default=0)
    text: Mapped[Long | None]
    is_out: Mapped[bool] = mapped_column(default=False)
    said: Mapped[Long] = mapped_column(default="")
    body: Mapped[Long] = mapped_column(default="")
    used: Mapped[int] = mapped_column(default=0)
    room: Mapped[int] = mapped_column(default=0)
    seen_through: Mapped[int | None]
    excluded: Mapped[Short] = mapped_column(default="")
    reason: Mapped[Told] = mapped_column(default="")
    problems: Mapped[list[Any]] = mapped_column(default=list)
    notes: Mapped[list[Any]] = mapped_column(default=list)
    planned_at: Mapped[datetime | None]
    message_id: Mapped[int | None] = ref("message.id")

    __table_args__ = (
        UniqueConstraint("bulk_id", "conversation_id"),
        partial_index("ix_bulk_reply_row_to_do", "bulk_id", "position", where="state IN ('queued', 'stopping')"),
        partial_index("ix_bulk_reply_row_planned", "account_id", "planned_at", where="state = 'planned'"),
    )
