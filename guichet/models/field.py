"""Fields that a company adds to conversations and to customers, and what stands in them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, ref


class CustomField(Base):
    """One field (guichet.inbox.field_rules). `brand_id` null: of all brands. `choices` is a list of
    pairs, key and name, for JSON keeps no order of keys everywhere; `least` and `most` are numbers
    as text, so that they stay exact. Archived, it is offered no more and its values stay."""

    __tablename__ = "custom_field"
    __table_args__ = (UniqueConstraint("subject", "key"),)
    id: Mapped[Key]
    brand_id: Mapped[int | None] = ref("brand.id")
    subject: Mapped[Short]
    key: Mapped[Short]
    name: Mapped[Short]
    kind: Mapped[Short]
    mask: Mapped[Short] = mapped_column(default="")
    least: Mapped[Short] = mapped_column(default="")
    most: Mapped[Short] = mapped_column(default="")
    choices: Mapped[list[Any]] = mapped_column(default=list)
    position: Mapped[int] = mapped_column(default=0)
    is_required: Mapped[bool] = mapped_column(default=False)
    archived_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FieldValue(Base):
    """What stands in a field of a conversation or of a customer, in the one form of its kind; one row
    for each of several choices (`place`). `folded` is how it is searched for, cut to what an index takes."""

    __tablename__ = "field_value"
    __table_args__ = (
        UniqueConstraint("conversation_id", "field_id", "place"),
        UniqueConstraint("customer_id", "field_id", "place"),
        Index("ix_field_value_folded", "field_id", "folded"),
    )
    id: Mapped[Key]
    field_id: Mapped[int] = ref("custom_field.id")
    conversation_id: Mapped[int | None] = ref("conversation.id")
    customer_id: Mapped[int | None] = ref("customer.id")
    place: Mapped[int] = mapped_column(default=0)
    value: Mapped[Long]
    folded: Mapped[Short]
