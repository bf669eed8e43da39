"""How often somebody writes, so that a loop or a flood takes nobody's day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Float
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Short, ref


class SenderPace(Base):
    """Somebody outside who lately wrote into an account, on one surface of it.

    `level` runs full with each message and empty with time, up to `at`, the newest of them.
    `rushing_since`: it ran over; `count` messages came since then, those of new threads into the
    conversation `gathered_in_id` (guichet.receiving.pace_rules).
    """

    __tablename__ = "sender_pace"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    identity_id: Mapped[int] = ref("identity.id", primary_key=True)
    surface: Mapped[Short] = mapped_column(primary_key=True)
    level: Mapped[float] = mapped_column(Float)
    at: Mapped[datetime] = mapped_column(index=True)
    rushing_since: Mapped[datetime | None]
    count: Mapped[int] = mapped_column(default=0)
    gathered_in_id: Mapped[int | None]
