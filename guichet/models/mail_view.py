"""How a mail looks, beside the words that were understood of it, and the pictures that it shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Long, Short, ref


class MessageLayout(Base):
    """A mail's HTML with its tables, colours and the places of its pictures, already harmless
    (guichet.receiving.layout). `pictures`: for each place where it comes from, an address
    elsewhere or the id of a file of the mail. Apart from `Message`, for no list reads it."""

    __tablename__ = "message_layout"
    message_id: Mapped[int] = ref("message.id", primary_key=True)
    html: Mapped[Long]
    is_coloured: Mapped[bool] = mapped_column(default=False)
    pictures: Mapped[list[Any]] = mapped_column(default=list)


class MailPicture(Base):
    """A picture that somebody had loaded from elsewhere, as it was drawn anew: kept for some days,
    so that its server hears of one reading alone. `digest` tells its address. It may outlast its
    message, by those days."""

    __tablename__ = "mail_picture"
    message_id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[Short] = mapped_column(primary_key=True)
    storage_key: Mapped[Short]
    kept_at: Mapped[datetime] = mapped_column(index=True)
