"""The week's places for posts on an account, and which post took which."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Short, ref


class Slot(Base):
    """A place in an account's week: a weekday (Monday 0) and a wall time ("09:00") in the
    account's zone, with a name for it ("tips")."""

    __tablename__ = "slot"
    __table_args__ = (UniqueConstraint("account_id", "weekday", "at"),)
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    weekday: Mapped[int]
    at: Mapped[Short]
    label: Mapped[Short] = mapped_column(default="")


class SlotUse(Base):
    """A post took this moment of an account's slots. It holds as long as the post stands at
    that moment; after that whoever comes next takes the row over. The unique index decides
    between two who come at once."""

    __tablename__ = "slot_use"
    __table_args__ = (UniqueConstraint("account_id", "starts_at"),)
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    starts_at: Mapped[datetime]
    post_id: Mapped[int] = ref("post.id", index=True)
