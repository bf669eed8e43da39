"""People who work here, their teams, their rights and their ways in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Long, Short, ref


class Staff(Base):
    """A person who works here. `role` is the organisation role (guichet.policy.OrgRole)."""

    __tablename__ = "staff"
    id: Mapped[Key]
    email: Mapped[Short] = mapped_column(unique=True)  # folded to lower case
    name: Mapped[Short]
    initials: Mapped[Short]
    role: Mapped[Short]
    password_hash: Mapped[Short] = mapped_column(default="")
    password_changed_at: Mapped[datetime | None]
    locale: Mapped[Short] = mapped_column(default="en")
    time_zone: Mapped[Short] = mapped_column(default="UTC")
    skills: Mapped[list[Any]] = mapped_column(default=list)
    languages: Mapped[list[Any]] = mapped_column(default=list)
    capacity: Mapped[int] = mapped_column(default=20)
    presence: Mapped[Short] = mapped_column(default="offline")  # online, away, offline
    seen_at: Mapped[datetime | None]
    absent_until: Mapped[datetime | None]  # deputies are asked instead
    answers_reviewed: Mapped[bool] = mapped_column(default=False)  # they go out once a colleague agreed
    undo_seconds: Mapped[int] = mapped_column(default=5)  # how long an answer may be taken back; 0: not
    quiet_from: Mapped[Short] = mapped_column(default="")  # "22:00" where they are; "": never
    quiet_until: Mapped[Short] = mapped_column(default="")
    preferences: Mapped[dict[str, Any]] = mapped_column(default=dict)
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StaffSession(Base):
    """A browser that is signed in. The cookie's secret is stored hashed."""

    __tablename__ = "staff_session"
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id", index=True)
    token_hash: Mapped[Short] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[Short] = mapped_column(default="")
    ip: Mapped[Short] = mapped_column(default="")
    user_agent: Mapped[Short] = mapped_column(default="")
    staff: Mapped[Staff] = relationship()


class ApiToken(Base):
    """A bearer token of one person, with scopes. Stored hashed; `prefix` tells it apart."""

    __tablename__ = "api_token"
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id", index=True)
    name: Mapped[Short]
    prefix: Mapped[Short]
    token_hash: Mapped[Short] = mapped_column(unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    staff: Mapped[Staff] = relationship()


class Team(Base):
    """Staff among whom conversations are shared. `assignment`: manual, round_robin, least_loaded.
    `queue_order`: oldest, deadline. `hourly_cap`: how many its queue gives one person in an hour; 0: any."""

    __tablename__ = "team"
    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    assignment: Mapped[Short] = mapped_column(default="manual")
    queue_order: Mapped[Short] = mapped_column(default="oldest")
    hourly_cap: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    members: Mapped[list[TeamMember]] = relationship(back_populates="team", cascade="all, delete-orphan")


class TeamMember(Base):
    __tablename__ = "team_member"
    team_id: Mapped[int] = ref("team.id", primary_key=True)
    staff_id: Mapped[int] = ref("staff.id", primary_key=True)
    is_lead: Mapped[bool] = mapped_column(default=False)
    last_assigned_at: Mapped[datetime | None]  # for round robin
    team: Mapped[Team] = relationship(back_populates="members")
    staff: Mapped[Staff] = relationship()


class Handout(Base):
    """A conversation that a team's queue gave to somebody, kept for the hour in which it counts."""

    __tablename__ = "handout"
    __table_args__ = (Index("ix_handout_team", "team_id", "given_at"),)
    id: Mapped[Key]
    team_id: Mapped[int] = ref("team.id")
    staff_id: Mapped[int] = ref("staff.id")
    given_at: Mapped[datetime]


class Grant(Base):
    """Staff or team × account or brand × account role; may end on a date."""

    __tablename__ = "account_grant"
    __table_args__ = (
        CheckConstraint("(staff_id IS NULL) <> (team_id IS NULL)", name="one_holder"),
        CheckConstraint("(account_id IS NULL) <> (brand_id IS NULL)", name="one_scope"),
        UniqueConstraint("staff_id", "team_id", "account_id", "brand_id"),
        Index("ix_account_grant_staff", "staff_id"),
        Index("ix_account_grant_team", "team_id"),
    )
    id: Mapped[Key]
    staff_id: Mapped[int | None] = ref("staff.id")
    team_id: Mapped[int | None] = ref("team.id")
    account_id: Mapped[int | None] = ref("account.id")
    brand_id: Mapped[int | None] = ref("brand.id")
    role: Mapped[Short]
    ends_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = ref("staff.id")


class IdempotencyKey(Base):
    """A POST already carried out: unique by actor, route and key, in the effect's transaction."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("staff_id", "route", "key"),)
    id: Mapped[Key]
    staff_id: Mapped[int] = ref("staff.id")
    route: Mapped[Short]
    key: Mapped[Short]
    payload_hash: Mapped[Short]
    status: Mapped[int | None]
    response: Mapped[Long | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Base):
    """Who did what. Holds no personal text, so that an erasure leaves it whole."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_target", "target_kind", "target_id"),)
    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_kind: Mapped[Short]  # staff, token, system
    actor_id: Mapped[int | None]
    action: Mapped[Short] = mapped_column(index=True)
    target_kind: Mapped[Short]
    target_id: Mapped[int | None]
    data: Mapped[dict[str, Any]]
    ip: Mapped[Short] = mapped_column(default="")


class AuditSeal(Base):
    """A batch of the audit log, chained: an edit, a deletion or a truncation shows."""

    __tablename__ = "audit_seal"
    id: Mapped[Key]
    first_id: Mapped[int]
    last_id: Mapped[int] = mapped_column(unique=True)
    entry_count: Mapped[int]
    previous: Mapped[Short]
    digest: Mapped[Short]
    signature: Mapped[Short]
    key_id: Mapped[Short]
    sealed_at: Mapped[datetime]


class SecretCanary(Base):
    """One value sealed with each key, so that a wrong or missing key is seen at start."""

    __tablename__ = "secret_canary"
    key_id: Mapped[Short] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
