"""By when customers were promised something: the policies, and what each wait was promised."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.account import Brand
from guichet.models.base import Base, Key, Short, partial_index, ref


class PromisePolicy(Base):
    """What is promised to whom it fits; the first that fits, in order of `position`, decides.

    Minutes are of the brand's hours, or of the whole day where it `runs_always`; null: not
    promised. `conditions` and `steps` as in guichet.promises.rules. `version` grows with every
    change that can move a deadline or a step. `removed_at`: no more used, kept for its figures.
    """

    __tablename__ = "promise_policy"
    id: Mapped[Key]
    name: Mapped[Short]
    position: Mapped[int] = mapped_column(index=True)
    is_on: Mapped[bool] = mapped_column(default=True)
    brand_id: Mapped[int | None] = ref("brand.id")  # null: every brand
    conditions: Mapped[list[Any]]
    first_minutes: Mapped[int | None]
    next_minutes: Mapped[int | None]
    resolution_minutes: Mapped[int | None]
    runs_always: Mapped[bool] = mapped_column(default=False)
    steps: Mapped[list[Any]] = mapped_column(default=list)
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    brand: Mapped[Brand | None] = relationship()


class Promise(Base):
    """What one wait was promised: `kind` first, next (an answer) or resolution (of the cycle that
    the wait began). Once ended it keeps the versions that it was measured with.

    `due_at` null: the clock stands still, the hours never come to it, or no policy fits any more
    (then `policy_id` is null, too). `pauses`: [start, end or null] in which a resolution waited
    for the customer. `next_at`: when the next step of the policy is due. `fired`: steps that were
    taken, as "policy.version.number". `is_kept` null: open, or not counted.
    """

    __tablename__ = "promise"
    __table_args__ = (
        UniqueConstraint("wait_id", "kind"),
        partial_index("ix_promise_open", "conversation_id", where="ended_at IS NULL"),
        partial_index("ix_promise_next", "next_at", "id", where="next_at IS NOT NULL"),
    )
    id: Mapped[Key]
    wait_id: Mapped[int] = ref("wait.id")
    kind: Mapped[Short]
    conversation_id: Mapped[int] = ref("conversation.id")
    policy_id: Mapped[int | None] = ref("promise_policy.id")
    policy_version: Mapped[int | None]
    calendar_version: Mapped[int | None]
    started_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    pauses: Mapped[list[Any]] = mapped_column(default=list)
    fired: Mapped[list[Any]] = mapped_column(default=list)
    ended_at: Mapped[datetime | None]
    is_kept: Mapped[bool | None]


class PromiseRecount(Base):
    """Something changed that may move the deadlines of many: a worker goes through who waits, in
    order of the conversations, and has come to `after_id`. `brand_id`, `customer_id` null: of all.
    It goes twice: at once, and once more when what began before the change must be committed."""

    __tablename__ = "promise_recount"
    id: Mapped[Key]
    brand_id: Mapped[int | None] = ref("brand.id")
    customer_id: Mapped[int | None] = ref("customer.id")
    asked_at: Mapped[datetime]
    not_before: Mapped[datetime]
    after_id: Mapped[int] = mapped_column(default=0)
