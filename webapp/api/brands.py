"""Brands and business hours."""

from __future__ import annotations

from typing import Any

from guichet.accounts import operations, queries
from guichet.inbox import retention
from guichet.models import Brand as BrandRow
from guichet.models import Calendar as CalendarRow
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.accounts import (
    Brand,
    BrandChange,
    BrandNew,
    Calendar,
    CalendarChange,
    CalendarNew,
    TooOld,
    TooOldQuery,
)
from webapp.api.schemas.common import IdPath, Page, PageQuery
from webapp.asking import Asked, Room

room = Room("brands")


@room.get("/brands", Page[Brand])
def list_brands(asked: Asked, query: PageQuery) -> Page[Brand]:
    """The brands one may see."""
    rows = queries.list_brands(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    return page_by_id(rows, query.limit, _brand)


@room.get("/brands/<int:id>", Brand)
def get_brand(asked: Asked, path: IdPath) -> Brand:
    """One brand."""
    return _brand(queries.get_brand(asked.session, asked.actor, path.id))


@room.post("/brands", Brand, scope="manage", status=201)
def add_brand(asked: Asked, body: BrandNew) -> Brand:
    """A new brand."""
    return _brand(operations.add_brand(asked.session, asked.actor, body.model_dump(), asked.now))


@room.patch("/brands/<int:id>", Brand, scope="manage")
def change_brand(asked: Asked, path: IdPath, body: BrandChange) -> Brand:
    """Change a brand. calendar_id, default_team_id and keep_days may be null."""
    brand = queries.get_brand(asked.session, asked.actor, path.id)
    may_be_null = ("calendar_id", "default_team_id", "keep_days")
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in may_be_null}
    return _brand(operations.change_brand(asked.session, asked.actor, brand, changes, asked.now))


@room.get("/brands/<int:id>/too-old", TooOld)
def count_too_old(asked: Asked, path: IdPath, query: TooOldQuery) -> TooOld:
    """How many conversations would go for good at once, if the brand kept them for so many days."""
    brand = queries.get_brand(asked.session, asked.actor, path.id)
    return TooOld(conversations=retention.count_too_old(asked.session, asked.actor, brand, query.days, asked.now))


@room.get("/calendars", Page[Calendar])
def list_calendars(asked: Asked, query: PageQuery) -> Page[Calendar]:
    """Business hours."""
    rows = queries.list_calendars(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    return page_by_id(rows, query.limit, _calendar)


@room.post("/calendars", Calendar, scope="manage", status=201)
def add_calendar(asked: Asked, body: CalendarNew) -> Calendar:
    """New business hours."""
    return _calendar(operations.add_calendar(asked.session, asked.actor, **body.model_dump(), now=asked.now))


@room.patch("/calendars/<int:id>", Calendar, scope="manage")
def change_calendar(asked: Asked, path: IdPath, body: CalendarChange) -> Calendar:
    """Change business hours; waits that ended keep the ones they were measured with."""
    row = queries.get_calendar(asked.session, asked.actor, path.id)
    changes: dict[str, Any] = body.model_dump(exclude_none=True)
    return _calendar(operations.change_calendar(asked.session, asked.actor, row, changes, asked.now))


def _brand(row: BrandRow) -> Brand:
    return Brand(**{name: getattr(row, name) for name in Brand.model_fields})


def _calendar(row: CalendarRow) -> Calendar:
    return Calendar(**{name: getattr(row, name) for name in Calendar.model_fields})
