"""Brands and their business hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.accounts.rules import require_calendar, require_time_zone
from guichet.errors import Conflict, Invalid
from guichet.models import Brand, Calendar, Team
from guichet.policy import Action, Actor, require
from guichet.promises.operations import ask_to_remeasure

_BRAND_FIELDS = frozenset(
    {
        "name",
        "time_zone",
        "languages",
        "signs_with_initials",
        "expert_credit",
        "needs_approval",
        "needs_alt_text",
        "calendar_id",
        "default_team_id",
        "close_after_days",
        "late_limit_minutes",
        "keep_days",
    }
)


def add_brand(session: Session, actor: Actor, values: Mapping[str, Any], now: datetime) -> Brand:
    """A new brand; `values` by the names of its columns. Raises Conflict where the name is
    taken, Invalid for a zone, calendar or team that does not exist."""
    require(actor, Action.BRAND_MANAGE)
    _require_good(session, values)
    _require_free_name(session, Brand, values["name"])
    brand = Brand(**values, created_at=now)
    session.add(brand)
    session.flush()
    audit.record(session, actor, "brand.add", brand, now)
    return brand


def change_brand(session: Session, actor: Actor, brand: Brand, changes: Mapping[str, Any], now: datetime) -> Brand:
    """Change what is given."""
    require(actor, Action.BRAND_MANAGE)
    _require_good(session, changes)
    if changes.get("name", brand.name) != brand.name:
        _require_free_name(session, Brand, changes["name"])
    for name, value in changes.items():
        setattr(brand, name, value)
    if "calendar_id" in changes:
        ask_to_remeasure(session, now, brand_id=brand.id)
    audit.record(session, actor, "brand.change", brand, now, fields=sorted(changes))
    return brand


def _require_good(session: Session, values: Mapping[str, Any]) -> None:
    unknown = sorted(set(values) - _BRAND_FIELDS)
    if unknown:
        raise Invalid("a brand has no such thing", dict.fromkeys(unknown, "is unknown"))
    if "time_zone" in values:
        require_time_zone(values["time_zone"])
    for field, model in (("calendar_id", Calendar), ("default_team_id", Team)):
        if values.get(field) is not None and session.get(model, values[field]) is None:
            raise Invalid("it does not exist", {field: "does not exist"})


def _require_free_name(session: Session, model: type[Brand] | type[Calendar], name: str) -> None:
    if session.scalar(select(model.id).where(model.name == name)) is not None:
        raise Conflict("there already is one of this name", code="name_taken")


def add_calendar(
    session: Session,
    actor: Actor,
    *,
    name: str,
    time_zone: str,
    intervals: Mapping[str, Sequence[Sequence[str]]],
    holidays: Sequence[str] = (),
    now: datetime,
) -> Calendar:
    """New business hours, see guichet.models.Calendar for `intervals`."""
    require(actor, Action.BRAND_MANAGE)
    require_time_zone(time_zone)
    require_calendar(intervals, holidays)
    _require_free_name(session, Calendar, name)
    calendar = Calendar(
        name=name, time_zone=time_zone, intervals=_plain(intervals), holidays=sorted(set(holidays)), version=1
    )
    session.add(calendar)
    session.flush()
    audit.record(session, actor, "calendar.add", calendar, now)
    return calendar


def change_calendar(
    session: Session, actor: Actor, calendar: Calendar, changes: Mapping[str, Any], now: datetime
) -> Calendar:
    """Change what is given. The version grows: waits that ended keep the one they were
    measured with."""
    require(actor, Action.BRAND_MANAGE)
    if "time_zone" in changes:
        require_time_zone(changes["time_zone"])
    require_calendar(changes.get("intervals", calendar.intervals), changes.get("holidays", calendar.holidays))
    if changes.get("name", calendar.name) != calendar.name:
        _require_free_name(session, Calendar, changes["name"])
    for name, value in changes.items():
        setattr(calendar, name, _plain(value) if name == "intervals" else value)
    calendar.version += 1
    for brand_id in session.scalars(select(Brand.id).where(Brand.calendar_id == calendar.id).order_by(Brand.id)):
        ask_to_remeasure(session, now, brand_id=brand_id)
    audit.record(session, actor, "calendar.change", calendar, now, version=calendar.version)
    return calendar


def _plain(intervals: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, Any]:
    return {day: sorted(list(span) for span in spans) for day, spans in intervals.items()}
