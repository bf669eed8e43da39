"""The queue of what goes out. Rows are the queue; RQ only wakes workers to look at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Long, RemoteId, Short, Told, partial_index, ref


class Delivery(Base):
    """One thing to send once to one account.

    `kind`: post, thread_item, first_comment, reply, direct, edit, delete. `payload` is
    the frozen draft (guichet.delivery.payload), `payload_hash` its SHA-256. `generation`
    counts deliberate sends (a person's "send again" starts a new one and with it a new
    key); `fence` grows with every claim. States: guichet/delivery/states.py.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("account_id", "remote_id", "kind"),
        partial_index("ix_delivery_due", "due_at", where="state = 'scheduled'"),
        Index("ix_delivery_state", "state", "account_id", "not_before"),
        Index("ix_delivery_worker", "worker_id", "state"),
        partial_index("ix_delivery_accepted", "account_id", "accepted_at", where="accepted_at IS NOT NULL"),
        Index("ix_delivery_post", "post_id"),
        Index("ix_delivery_conversation", "conversation_id"),
        partial_index("ix_delivery_behind", "predecessor_id", where="predecessor_id IS NOT NULL"),
    )
    id: Mapped[Key]
    kind: Mapped[Short]
    state: Mapped[Short]
    account_id: Mapped[int] = ref("account.id")
    actor_id: Mapped[int | None] = ref("staff.id")  # in whose right it goes out
    post_id: Mapped[int | None] = ref("post.id")
    variant_id: Mapped[int | None] = ref("variant.id")
    item: Mapped[int] = mapped_column(default=0)
    conversation_id: Mapped[int | None] = ref("conversation.id")
    message_id: Mapped[int | None] = ref("message.id")  # the outgoing message that this sends
    predecessor_id: Mapped[int | None] = ref("delivery.id")
    is_answer: Mapped[bool] = mapped_column(default=False)
    payload: Mapped[dict[str, Any]]
    payload_hash: Mapped[Short]
    content_hash: Mapped[Short] = mapped_column(default="")  # of the post that it was frozen from
    due_at: Mapped[datetime]
    not_before: Mapped[datetime]
    deadline_at: Mapped[datetime | None]  # later than this, a person is asked
    generation: Mapped[int] = mapped_column(default=1)
    fence: Mapped[int] = mapped_column(default=0)
    worker_id: Mapped[Short | None]
    claimed_at: Mapped[datetime | None]
    withdraw: Mapped[bool] = mapped_column(default=False)
    awaits_film: Mapped[bool] = mapped_column(default=False)  # a film of its payload is still being made
    tries: Mapped[int] = mapped_column(default=0)
    target_remote_id: Mapped[RemoteId | None]  # of an edit or a delete
    remote_id: Mapped[RemoteId | None]
    remote_url: Mapped[Long] = mapped_column(default="")
    remote_context: Mapped[dict[str, Any]] = mapped_column(default=dict)
    accepted_at: Mapped[datetime | None]
    lateness_ms: Mapped[int | None]
    reason_code: Mapped[Short] = mapped_column(default="")  # why it failed, is held, needs a person
    reason: Mapped[Told] = mapped_column(default="")
    next_look_at: Mapped[datetime | None]  # reconciling: when to look (again)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    attempts: Mapped[list[Attempt]] = relationship(back_populates="delivery", order_by="Attempt.id")


class Attempt(Base):
    """One start of a send, committed before the first byte. `state`: see
    guichet.delivery.states.AttemptState."""

    __tablename__ = "attempt"
    __table_args__ = (
        partial_index("uq_attempt_open", "delivery_id", where="state IN ('in_flight', 'unknown')", unique=True),
        Index("ix_attempt_delivery", "delivery_id"),
    )
    id: Mapped[Key]
    delivery_id: Mapped[int] = ref("delivery.id")
    generation: Mapped[int]
    fence: Mapped[int]
    worker_id: Mapped[Short]
    idempotency_key: Mapped[Short] = mapped_column(default="")
    payload_hash: Mapped[Short]
    prepared: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[Short]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    http_status: Mapped[int | None]
    error_code: Mapped[Short] = mapped_column(default="")
    error: Mapped[Told] = mapped_column(default="")
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    delivery: Mapped[Delivery] = relationship(back_populates="attempts")


class Staged(Base):
    """What was made at a network for a delivery before its send, for nobody to see: a
    container, a draft. Written before it is made (`begun`), and again as soon as it is. It
    belongs to one content of one generation. States: guichet.delivery.staging."""

    __tablename__ = "staged"
    __table_args__ = (
        partial_index("uq_staged_open", "delivery_id", where="state IN ('begun', 'made')", unique=True),
        partial_index("ix_staged_left", "id", where="state = 'left'"),
        Index("ix_staged_delivery", "delivery_id"),
    )
    id: Mapped[Key]
    delivery_id: Mapped[int] = ref("delivery.id")
    generation: Mapped[int]
    payload_hash: Mapped[Short]
    key: Mapped[Short]
    made: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[Short]
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Look(Base):
    """One look at the network about an attempt of unknown outcome."""

    __tablename__ = "look"
    id: Mapped[Key]
    attempt_id: Mapped[int] = ref("attempt.id", index=True)
    at: Mapped[datetime]
    result: Mapped[Short]  # found, absent, near, undecided, error
    evidence: Mapped[dict[str, Any]]


class Decision(Base):
    """What a person chose for a delivery that needed one."""

    __tablename__ = "decision"
    id: Mapped[Key]
    delivery_id: Mapped[int] = ref("delivery.id", index=True)
    staff_id: Mapped[int] = ref("staff.id")
    choice: Mapped[Short]  # link, resend, drop
    reason: Mapped[Long] = mapped_column(default="")
    at: Mapped[datetime]


class Worker(Base):
    """A process that may claim. It is alive as long as its lock is held (guichet/delivery/life.py)."""

    __tablename__ = "worker"
    id: Mapped[Short] = mapped_column(primary_key=True)
    kind: Mapped[Short]
    host: Mapped[Short]
    pid: Mapped[int]
    lock_key: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Instance(Base):
    """Which installation last ran against this database (one row). `unconfirmed_since`: it
    was found to be another than before, and nobody has said yet that it may act."""

    __tablename__ = "instance"
    id: Mapped[Key]
    instance_id: Mapped[Short]
    public_url: Mapped[Short]
    seen_at: Mapped[datetime]
    unconfirmed_since: Mapped[datetime | None]
