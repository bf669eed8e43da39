"""Rules and prepared texts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from guichet.models.base import Base, Key, Long, Short, ref


class Rule(Base):
    """Conditions → actions, tried in order of `position`: on each incoming message, or where `since`
    names a clock (guichet/triage/moments.py), `after_minutes` later, of the brand's hours if `in_hours`."""

    __tablename__ = "rule"
    id: Mapped[Key]
    name: Mapped[Short]
    position: Mapped[int] = mapped_column(index=True)
    is_on: Mapped[bool] = mapped_column(default=False)
    brand_id: Mapped[int | None] = ref("brand.id")  # null: every brand
    conditions: Mapped[list[Any]]
    actions: Mapped[list[Any]]
    stops: Mapped[bool] = mapped_column(default=False)  # no later rule is tried after it matched
    since: Mapped[Short] = mapped_column(default="")
    after_minutes: Mapped[int | None]
    in_hours: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[int | None] = ref("staff.id")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RuleWalk(Base):
    """How far a rule that acts after a time has gone through the conversations of a brand, in the
    order of its clock. `read_as`: how rule and calendar stood; where they stand otherwise it begins again."""

    __tablename__ = "rule_walk"
    rule_id: Mapped[int] = ref("rule.id", primary_key=True)
    brand_id: Mapped[int] = ref("brand.id", primary_key=True)
    read_as: Mapped[Short]
    through_at: Mapped[datetime | None]
    through_id: Mapped[int] = mapped_column(default=0)


class RuleFiring(Base):
    """That a rule acted after a time on a conversation: once for each time that its clock began."""

    __tablename__ = "rule_firing"
    rule_id: Mapped[int] = ref("rule.id", primary_key=True)
    conversation_id: Mapped[int] = ref("conversation.id", primary_key=True, index=True)
    began_at: Mapped[datetime]
    acted_at: Mapped[datetime]


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
