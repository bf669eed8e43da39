"""Customers known by several identities, and what colleagues note about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, ref


class CustomerJoin(Base):
    """That `gone` turned out to be the same person as `kept`, to whom its identities went. The row
    of `gone` stays as it was; `before` holds what the join changed of `kept`, with what it became."""

    __tablename__ = "customer_join"
    __table_args__ = (Index("ix_customer_join_kept", "kept_id"), Index("ix_customer_join_gone", "gone_id"))
    id: Mapped[Key]
    kept_id: Mapped[int] = ref("customer.id")
    gone_id: Mapped[int] = ref("customer.id")
    identity_ids: Mapped[list[Any]]
    before: Mapped[dict[str, Any]]
    staff_id: Mapped[int | None] = ref("staff.id")
    at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class CustomerNote(Base):
    """Something that a colleague noted about a customer."""

    __tablename__ = "customer_note"
    __table_args__ = (Index("ix_customer_note_of", "customer_id", "id"),)
    id: Mapped[Key]
    customer_id: Mapped[int] = ref("customer.id")
    staff_id: Mapped[int] = ref("staff.id")
    text: Mapped[Long] = mapped_column()
    at: Mapped[datetime]
