"""Queues of posts that go out again and again, and which of their slots they took."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Short, partial_index, ref


class EvergreenQueue(Base):
    """What a brand keeps to fill its empty slots with. It fills the accounts' slots of this
    `label` ("": all of them) or, where it has a `week` of its own ([{"weekday": 0, "at":
    "09:00"}]), those. `ordering`: listed or shuffled, within a round. `filled_until`: up to
    where it has looked at every slot."""

    __tablename__ = "evergreen_queue"
    __table_args__ = (
        partial_index("uq_evergreen_queue_name", "brand_id", "folded", where="removed_at IS NULL", unique=True),
    )
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id")
    name: Mapped[Short]
    folded: Mapped[Short]
    label: Mapped[Short] = mapped_column(default="")
    week: Mapped[list[Any]] = mapped_column(default=list)
    ordering: Mapped[Short] = mapped_column(default="listed")
    rest_days: Mapped[int] = mapped_column(default=30)
    horizon_days: Mapped[int] = mapped_column(default=7)
    is_paused: Mapped[bool] = mapped_column(default=False)
    looked_at: Mapped[datetime | None]
    filled_until: Mapped[datetime | None]
    missed: Mapped[int] = mapped_column(default=0)  # slots that passed while nobody filled them, the last time
    missed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    accounts: Mapped[list[EvergreenAccount]] = relationship(
        order_by="EvergreenAccount.account_id", cascade="all, delete-orphan"
    )


class EvergreenAccount(Base):
    """An account on which a queue fills slots."""

    __tablename__ = "evergreen_account"
    queue_id: Mapped[int] = ref("evergreen_queue.id", primary_key=True)
    account_id: Mapped[int] = ref("account.id", primary_key=True, index=True)


class EvergreenItem(Base):
    """A post of a queue. What it says stands in posts of the state `evergreen`, one for each
    wording (`Post.evergreen_id`). A season is told by month and day ("11-15") and comes every
    year; `last_day` is the last on which it goes out; `most_times` counts on each account."""

    __tablename__ = "evergreen_item"
    id: Mapped[Key]
    queue_id: Mapped[int] = ref("evergreen_queue.id", index=True)
    position: Mapped[int]
    is_paused: Mapped[bool] = mapped_column(default=False)
    season_from: Mapped[Short] = mapped_column(default="")
    season_to: Mapped[Short] = mapped_column(default="")
    last_day: Mapped[date | None]
    most_times: Mapped[int | None]
    refusal: Mapped[Short] = mapped_column(default="")  # why it could not be planned when it was its turn
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class EvergreenUse(Base):
    """A queue filled this place of an account's week, once: whatever becomes of the post, no
    queue fills it again. `passed`: who would have had the turn before, and why not."""

    __tablename__ = "evergreen_use"
    __table_args__ = (UniqueConstraint("account_id", "wall_time"),)
    id: Mapped[Key]
    account_id: Mapped[int] = ref("account.id")
    wall_time: Mapped[Short]
    post_id: Mapped[int] = ref("post.id", index=True)
    passed: Mapped[list[Any]] = mapped_column(default=list)
