"""Rules and prepared texts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, ref


class Rule(Base):
    """Conditions → actions, tried in order of `position` on each incoming message."""

    __tablename__ = "rule"
    id: Mapped[Key]
    name: Mapped[Short]
    position: Mapped[int] = mapped_column(index=True)
    is_on: Mapped[bool] = mapped_column(default=False)
    brand_id: Mapped[int | None] = ref("brand.id")  # null: every brand
    conditions: Mapped[list[Any]]
    actions: Mapped[list[Any]]
    stops: Mapped[bool] = mapped_column(default=False)  # no later rule is tried after it matched
    created_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CannedReply(Base):
    """A prepared text with variables: {customer.name}, {agent.name}, {account.name}, …"""

    __tablename__ = "canned_reply"
    id: Mapped[Key]
    brand_id: Mapped[int | None] = ref("brand.id")
    title: Mapped[Short]
    shortcut: Mapped[Short]
    text: Mapped[Long]
    language: Mapped[Short] = mapped_column(default="")
    created_by: Mapped[int | None] = ref("staff.id")
    updated_at: Mapped[datetime]


class SavedView(Base):
    """A named filter of the inbox, of one person or shared with all."""

    __tablename__ = "saved_view"
    id: Mapped[Key]
    staff_id: Mapped[int | None] = ref("staff.id", index=True)
    name: Mapped[Short]
    filters: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(default=0)
