"""A post that repeats: the rule that its occurrences were made from."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class Series(Base):
    """A recurrence rule (RFC 5545) over wall times in a zone, from `wall_time` on. Every
    occurrence is a post of its own, which names its series."""

    __tablename__ = "series"
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    author_id: Mapped[int] = ref("staff.id")
    rule: Mapped[Short]
    wall_time: Mapped[Short]
    time_zone: Mapped[Short]
    fold_rule: Mapped[Short] = mapped_column(default="first")
    gap_rule: Mapped[Short] = mapped_column(default="later")
    created_at: Mapped[datetime]
