"""Brands, their outside accounts, and what we hold to act as them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Long, RemoteId, Short, Told, ref


class Calendar(Base):
    """Business hours: wall-clock intervals by weekday in a zone, and days off.

    `intervals`: {"0": [["09:00", "12:30"], …], …} with Monday 0. `version` grows with
    each change; an ended wait keeps the version that it was measured with.
    """

    __tablename__ = "calendar"
    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    time_zone: Mapped[Short]
    intervals: Mapped[dict[str, Any]]
    holidays: Mapped[list[Any]] = mapped_column(default=list)  # ISO dates
    version: Mapped[int] = mapped_column(default=1)


class Brand(Base):
    """A group of accounts with its time zone, languages and manners."""

    __tablename__ = "brand"
    id: Mapped[Key]
    name: Mapped[Short] = mapped_column(unique=True)
    time_zone: Mapped[Short] = mapped_column(default="UTC")
    languages: Mapped[list[Any]] = mapped_column(default=list)
    signs_with_initials: Mapped[bool] = mapped_column(default=False)
    expert_credit: Mapped[Short] = mapped_column(default="via {name}")  # under what an expert answers
    needs_approval: Mapped[bool] = mapped_column(default=False)
    needs_alt_text: Mapped[bool] = mapped_column(default=False)  # pictures go out with a description only
    calendar_id: Mapped[int | None] = ref("calendar.id")
    default_team_id: Mapped[int | None] = ref("team.id")
    close_after_days: Mapped[int] = mapped_column(default=14)  # closed for good after N days resolved
    # How late a post may go out, where it says nothing itself; later, a person is asked.
    late_limit_minutes: Mapped[int] = mapped_column(default=60)
    # What was said in a conversation goes when it has been over for N days (guichet.inbox.retention); None: never.
    keep_days: Mapped[int | None]
    forgotten_raw_id: Mapped[int] = mapped_column(default=0)  # what networks handed over is empty up to this one
    created_at: Mapped[datetime]
    calendar: Mapped[Calendar | None] = relationship()


class Account(Base):
    """One outside account. `state`: connected, needs_reconnect, disconnected."""

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("network", "base_url", "remote_id"),)
    id: Mapped[Key]
    brand_id: Mapped[int] = ref("brand.id", index=True)
    network: Mapped[Short]
    base_url: Mapped[Short] = mapped_column(default="")
    remote_id: Mapped[RemoteId]
    handle: Mapped[Short]
    name: Mapped[Short]
    avatar_url: Mapped[Long] = mapped_column(default="")
    time_zone: Mapped[Short]
    state: Mapped[Short] = mapped_column(default="connected")
    state_reason: Mapped[Told] = mapped_column(default="")
    is_rehearsal: Mapped[bool] = mapped_column(default=False)
    approval: Mapped[Short] = mapped_column(default="as_brand")  # as_brand, none, four_eyes (never one person alone)
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    min_gap_minutes: Mapped[int] = mapped_column(default=0)  # between its posts; 0: any
    duplicate_days: Mapped[int] = mapped_column(default=30)  # within which the same words are told of; 0: never
    clash_policy: Mapped[Short] = mapped_column(default="warn")  # or "refuse"
    compares: Mapped[bool] = mapped_column(default=True)  # its timeline with our rows, once a day
    parked_until: Mapped[datetime | None]  # the network asked us to wait
    parked_reason: Mapped[Told] = mapped_column(default="")
    checked_at: Mapped[datetime | None]
    last_error: Mapped[Told] = mapped_column(default="")
    last_error_at: Mapped[datetime | None]
    webhook_secret: Mapped[Short] = mapped_column(default="")
    connected_by: Mapped[int | None] = ref("staff.id")
    monthly_limit: Mapped[int | None]  # of spending, in millionths of the network's currency
    spent_until: Mapped[datetime | None]  # that limit is reached until then
    created_at: Mapped[datetime]
    brand: Mapped[Brand] = relationship()


class Credential(Base):
    """An account's secrets: AES-GCM, associated with the account's id and the row's version."""

    __tablename__ = "credential"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    key_id: Mapped[Short]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    version: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime | None]
    refreshed_at: Mapped[datetime | None]
    refresh_claimed_until: Mapped[datetime | None]  # single flight
    renews: Mapped[bool] = mapped_column(default=True)  # it can be renewed without a person
    refresh_ends_at: Mapped[datetime | None]  # when that is over, where the network says so
    refused_at: Mapped[datetime | None]  # when the network refused a renewal; it holds until `expires_at`


class ConnectAttempt(Base):
    """An OAuth dance under way: bound to a session, one use, minutes."""

    __tablename__ = "connect_attempt"
    id: Mapped[Key]
    state_hash: Mapped[Short] = mapped_column(unique=True)
    staff_id: Mapped[int] = ref("staff.id")
    session_id: Mapped[int | None] = ref("staff_session.id")
    brand_id: Mapped[int] = ref("brand.id")
    account_id: Mapped[int | None] = ref("account.id")  # a reconnect must match this account
    network: Mapped[Short]
    is_rehearsal: Mapped[bool]
    key_id: Mapped[Short]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PollCursor(Base):
    """How far one stream of one account has been read; moves in the transaction that
    stores what was read."""

    __tablename__ = "poll_cursor"
    account_id: Mapped[int] = ref("account.id", primary_key=True)
    stream: Mapped[Short] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
    polled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[Told] = mapped_column(default="")
    gap_since: Mapped[datetime | None]
    gap_until: Mapped[datetime | None]
    gap_reason: Mapped[Told] = mapped_column(default="")


class RefusedDelivery(Base):
    """How many webhooks were refused at an account's address on a day (UTC, "2026-11-22"), by
    kind (guichet/receiving/refusals.py). `account_id` 0: at an address of nobody."""

    __tablename__ = "refused_delivery"
    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[Short] = mapped_column(primary_key=True)
    kind: Mapped[Short] = mapped_column(primary_key=True)
    n: Mapped[int]
    last_at: Mapped[datetime]


class Brake(Base):
    """A stop of sending. `scope`: all, brand, account. Lifted when `lifted_at` is set."""

    __tablename__ = "brake"
    id: Mapped[Key]
    scope: Mapped[Short]
    scope_id: Mapped[int | None]
    stops_posts: Mapped[bool] = mapped_column(default=True)
    stops_answers: Mapped[bool] = mapped_column(default=False)
    spares: Mapped[bool] = mapped_column(default=False)  # posts that are marked to go on in a crisis
    reason: Mapped[Told] = mapped_column(default="")
    pulled_at: Mapped[datetime]
    pulled_by: Mapped[int | None] = ref("staff.id")
    lifted_at: Mapped[datetime | None] = mapped_column(index=True)
    lifted_by: Mapped[int | None] = ref("staff.id")
