"""What leads out of the house: addresses at which other calendars read a brand's posts."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class CalendarFeed(Base):
    """A brand's posts for other calendars, in the right of who made it. The secret is stored hashed."""

    __tablename__ = "calendar_feed"
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    name: Mapped[Short]  # what, or whose calendar, it was made for
    secret_hash: Mapped[Short] = mapped_column(unique=True)
    made_by: Mapped[int] = ref("staff.id", index=True)
    made_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
