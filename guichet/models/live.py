"""Live events: an outbox written in the same transaction as what they tell of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, partial_index


class LiveEvent(Base):
    """`number` is given after commit by the one sequencer, so that readers never see a gap
    filled behind them. Who may see it is judged by `account_id` (null: everybody
    signed in) and `staff_id` (only that person, if set). `data` holds ids, no text."""

    __tablename__ = "live_event"
    __table_args__ = (partial_index("ix_live_event_unnumbered", "id", where="number IS NULL"),)
    id: Mapped[Key]
    number: Mapped[int | None] = mapped_column(unique=True)
    at: Mapped[datetime] = mapped_column(index=True)
    kind: Mapped[Short]
    account_id: Mapped[int | None]
    staff_id: Mapped[int | None]
    data: Mapped[dict[str, Any]]
