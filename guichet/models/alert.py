"""Who is called when something must not wait: the policies of a brand, its hooks, each alert and
each call that it made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.account import Account, Brand
from guichet.models.base import Base, Key, Long, Short, Told, partial_index, ref
from guichet.models.staff import Staff


class AlertHook(Base):
    """An address that programs of the company listen at. Its secret is sealed for "alert_hook:id"."""

    __tablename__ = "alert_hook"
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id", index=True)
    name: Mapped[Short]
    url: Mapped[Long]
    key_id: Mapped[Short]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


class AlertPolicy(Base):
    """What raises an alert at a brand, and whom it calls, one step after the other. `events` and
    `steps` as in guichet.alerting.rules; `hours`: always, or only while the brand is open or closed;
    `repeats`: how often the steps begin anew. `since`: what failed before was nobody's alarm."""

    __tablename__ = "alert_policy"
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id", index=True)
    name: Mapped[Short]
    is_on: Mapped[bool] = mapped_column(default=True)
    events: Mapped[list[Any]]
    steps: Mapped[list[Any]]
    repeats: Mapped[int] = mapped_column(default=0)
    hours: Mapped[Short] = mapped_column(default="always")
    since: Mapped[datetime]
    created_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    brand: Mapped[Brand] = relationship()


class Alert(Base):
    """Something that a policy watches for, on one account. `through`: up to when it has seen what
    there is; what came later is news, also after it was acknowledged. `next_at`: when the next step
    is due (null: acknowledged, over, or nobody is left to call). `ended_at`: no more so, or taken
    up by a younger one."""

    __tablename__ = "alert"
    __table_args__ = (
        partial_index("uq_alert_current", "policy_id", "event", "account_id", where="ended_at IS NULL", unique=True),
        partial_index("ix_alert_next", "next_at", "id", where="next_at IS NOT NULL"),
        Index("ix_alert_list", "raised_at", "id"),
    )
    id: Mapped[Key]
    policy_id: Mapped[int] = ref("alert_policy.id")
    account_id: Mapped[int] = ref("account.id")
    event: Mapped[Short]
    count: Mapped[int] = mapped_column(default=1)
    conversation_id: Mapped[int | None] = ref("conversation.id")  # one of them, to begin with
    through: Mapped[datetime]
    raised_at: Mapped[datetime]
    step: Mapped[int] = mapped_column(default=0)
    round: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = ref("staff.id")
    acknowledged_way: Mapped[Short] = mapped_column(default="")  # page, link, program
    ended_at: Mapped[datetime | None]
    policy: Mapped[AlertPolicy] = relationship()
    account: Mapped[Account] = relationship()


class AlertCall(Base):
    """One call of a step: to one person by one way, or to a hook.

    `state`: waiting, sending, sent, failed, skipped (`said` tells why), dropped (acknowledged or
    over before it went out). `claimed_until`: somebody is sending it; after that they are gone.
    `nonce` makes its link its own; `log`: each try with what came of it."""

    __tablename__ = "alert_call"
    __table_args__ = (
        Index("ix_alert_call_alert", "alert_id", "id"),
        partial_index("ix_alert_call_next", "next_at", "id", where="next_at IS NOT NULL"),
        partial_index("ix_alert_call_staff", "staff_id", "alert_id", where="staff_id IS NOT NULL"),
    )
    id: Mapped[Key]
    alert_id: Mapped[int] = ref("alert.id")
    round: Mapped[int]
    step: Mapped[int]
    way: Mapped[Short]  # page, email, hook
    staff_id: Mapped[int | None] = ref("staff.id")
    hook_id: Mapped[int | None] = ref("alert_hook.id")
    state: Mapped[Short]
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    nonce: Mapped[Short]
    said: Mapped[Told] = mapped_column(default="")
    log: Mapped[list[Any]] = mapped_column(default=list)
    at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    alert: Mapped[Alert] = relationship()
    staff: Mapped[Staff | None] = relationship()
    hook: Mapped[AlertHook | None] = relationship()
