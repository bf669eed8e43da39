"""Hashtags that a brand often uses together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class HashtagSet(Base):
    """Tags without their #, in order. `folded` is the name as it is compared."""

    __tablename__ = "hashtag_set"
    __table_args__ = (UniqueConstraint("brand_id", "folded"),)
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    name: Mapped[Short]
    folded: Mapped[Short]
    tags: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime]
