"""Texts from which a brand writes posts that recur."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class PostTemplate(Base):
    """`variants`: the text on a network that has one of its own. `folded` is the name as it is compared."""

    __tablename__ = "post_template"
    __table_args__ = (UniqueConstraint("brand_id", "folded"),)
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    name: Mapped[Short]
    folded: Mapped[Short]
    text: Mapped[str] = mapped_column(Text)
    variants: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
