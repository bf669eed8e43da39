"""Feeds of a brand's calendar."""

from __future__ import annotations

from webapp.api.schemas.common import BrandBrief, Id, In, Line, Out, PersonBrief, Time


class CalendarFeed(Out):
    """A feed that stands; never its address."""

    id: int
    brand: BrandBrief
    name: str
    made_by: PersonBrief
    made_at: Time


class CalendarFeeds(Out):
    items: list[CalendarFeed]


class CalendarFeedNew(In):
    """`name`: what, or whose calendar, it is for."""

    brand_id: Id
    name: Line


class CalendarFeedMade(CalendarFeed):
    """With its address, which is told this once."""

    url: str
