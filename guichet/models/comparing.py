"""What the networks' own timelines show, held against what our rows say."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, RemoteId, Short, Told, partial_index, ref


class Comparison(Base):
    """How far an account's timeline has been compared: all of it `through` a moment. `result` of
    the last time: done, partly, spent, unlisted, failed."""

    __tablename__ = "comparison"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    next_at: Mapped[datetime]
    through: Mapped[datetime | None]
    compared_at: Mapped[datetime | None]
    read: Mapped[int] = mapped_column(default=0)  # how many things stood there
    result: Mapped[Short] = mapped_column(default="")
    error: Mapped[Told] = mapped_column(default="")


class Discrepancy(Base):
    """Something in which a timeline and our rows differ. `kind`: stranger (it stands there, and
    none of our deliveries is it), absence (we published it, and it is gone there). `code` says
    more, `delivery_id` which of ours it is about. A network's `at` and the first words."""

    __tablename__ = "discrepancy"
    __table_args__ = (
        UniqueConstraint("account_id", "kind", "remote_id"),
        partial_index("ix_discrepancy_open", "account_id", where="settled_at IS NULL"),
    )
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    kind: Mapped[Short]
    code: Mapped[Short]  # unknown_hand, twice, our_words; gone
    remote_id: Mapped[RemoteId]
    url: Mapped[Long] = mapped_column(default="")
    text: Mapped[Long] = mapped_column(default="")
    via: Mapped[Short] = mapped_column(default="")
    at: Mapped[datetime]
    delivery_id: Mapped[int | None] = ref("delivery.id")
    found_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = ref("staff.id")
    settled_as: Mapped[Short] = mapped_column(default="")  # seen; known: a person said since which of ours it is


class Reception(Base):
    """What a post of ours had brought when it was a day or two old, as its network told when its
    timeline was read (guichet.comparing.rules.MEASURED_FROM). Written once."""

    __tablename__ = "reception"
    __table_args__ = (Index("ix_reception_account", "account_id", "published_at"),)
    id: Mapped[Key]
    delivery_id: Mapped[int] = ref("delivery.id", unique=True)
    account_id: Mapped[int] = ref("account.id")
    published_at: Mapped[datetime]
    measured_at: Mapped[datetime]
    likes: Mapped[int]
    shares: Mapped[int]
    answers: Mapped[int]
