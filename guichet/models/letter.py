"""Of what people want to be told by mail, and the mails that told them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Short, Told, partial_index, ref
from guichet.models.staff import Staff


class LetterWish(Base):
    """What one person wants by mail: `choices` by subject (guichet.letters.rules), `daily_at` a
    wall time where they are. `…_through`: up to when the mails of a rhythm have told what there was.
    `nonce` makes the link that switches it all off its own."""

    __tablename__ = "letter_wish"
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    choices: Mapped[dict[str, Any]] = mapped_column(default=dict)
    daily_at: Mapped[Short] = mapped_column(default="08:00")
    soon_through: Mapped[datetime]
    hourly_through: Mapped[datetime]
    daily_through: Mapped[datetime]
    nonce: Mapped[Short]
    updated_at: Mapped[datetime]
    staff: Mapped[Staff] = relationship()


class Letter(Base):
    """One mail that gathers what happened `since`, `through`. What it says is put together when it
    goes out, by the rights of then. `state`: waiting, sending, sent, failed, unclear (it was being
    sent when its worker ended, or the server never said whether it took it), dropped (nothing left
    to tell)."""

    __tablename__ = "letter"
    __table_args__ = (
        partial_index("ix_letter_next", "next_at", "id", where="next_at IS NOT NULL"),
        Index("ix_letter_staff", "staff_id", "id"),
        Index("ix_letter_at", "at"),
    )
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id")
    rhythm: Mapped[Short]  # soon, hourly, daily
    subjects: Mapped[list[Any]]
    since: Mapped[datetime]
    through: Mapped[datetime]
    state: Mapped[Short]
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    said: Mapped[Told] = mapped_column(default="")
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    staff: Mapped[Staff] = relationship()
