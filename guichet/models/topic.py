"""Topics of which some employees know more than the desk does, and who they are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class Topic(Base):
    """What experts are asked about: of one brand, or (`brand_id` null) of all. `reviewed`: what they
    answer goes out after a colleague approved it. A question that no expert touched for
    `return_minutes` leaves the pool."""

    __tablename__ = "topic"
    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    brand_id: Mapped[int | None] = ref("brand.id")
    reviewed: Mapped[bool] = mapped_column(default=False)
    return_minutes: Mapped[int] = mapped_column(default=120)
    created_at: Mapped[datetime]


class TopicExpert(Base):
    __tablename__ = "topic_expert"
    topic_id: Mapped[int] = ref("topic.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True, index=True)
