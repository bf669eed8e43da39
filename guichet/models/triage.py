"""Rules and prepared texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, ref


class Rule(Base):
    """Conditions → actions, tried in order of `position` on each incoming message."""

    __tablename__ = "rule"
    id: Mapped[Key]
    name: Mapped[Short]
    position: Mapped[int] = mapped_column(index=True)
    is_on: Mapped[bool] = mapped_column(default=False)
    brand_id: Mapped[int | None] = ref("brand.id")  # null: every brand
    conditions: Mapped[list[Any]]
    actions: Mapped[list[Any]]
    stops: Mapped[bool] = mapped_column(default=False)  # no later rule is tried after it matched
    created_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class CannedReply(Base):
    """A prepared text with variables: {customer.name}, {agent.name}, {account.name}, …
    `translations` holds it in other languages, by their codes; it is meant from `valid_from` to
    `valid_until`, both days included, in the brand's time zone (null: without an end)."""

    __tablename__ = "canned_reply"
    id: Mapped[Key]
    brand_id: Mapped[int | None] = ref("brand.id")
    title: Mapped[Short]
    shortcut: Mapped[Short]
    text: Mapped[Long]
    language: Mapped[Short] = mapped_column(default="")
    folder: Mapped[Short] = mapped_column(default="")
    translations: Mapped[dict[str, Any]] = mapped_column(default=dict)
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    created_by: Mapped[int | None] = ref("staff.id")
    updated_at: Mapped[datetime]


class Macro(Base):
    """Several actions under one name (guichet.triage.macro_rules), in order. Of one person, a
    team or a brand; of none of them: for everybody."""

    __tablename__ = "macro"
    id: Mapped[Key]
    name: Mapped[Short]
    position: Mapped[int]
    staff_id: Mapped[int | None] = ref("staff.id", index=True)
    team_id: Mapped[int | None] = ref("team.id")
    brand_id: Mapped[int | None] = ref("brand.id")
    actions: Mapped[list[Any]]
    updated_at: Mapped[datetime]


class SavedView(Base):
    """A named filter of the inbox, of one person or shared with all."""

    __tablename__ = "saved_view"
    id: Mapped[Key]
    staff_id: Mapped[int | None] = ref("staff.id", index=True)
    name: Mapped[Short]
    filters: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(default=0)
