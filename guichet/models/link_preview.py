"""What the page behind a link said of itself when somebody looked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, ref


class LinkPreview(Base):
    """One person's look at one link, kept for a day: nobody learns from it what a colleague is
    about to publish. `digest` tells the link, `final_url` is where it ended."""

    __tablename__ = "link_preview"
    __table_args__ = (UniqueConstraint("staff_id", "digest"),)
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id")
    digest: Mapped[Short]
    url: Mapped[Long]
    final_url: Mapped[Long]
    title: Mapped[Long]
    description: Mapped[Long]
    media_id: Mapped[int | None] = ref("media.id", index=True)
    fetched_at: Mapped[datetime] = mapped_column(index=True)
