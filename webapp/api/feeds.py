"""Feeds: addresses at which other calendars read what a brand has planned."""

from __future__ import annotations

from typing import Any

from guichet.accounts import queries as accounts
from guichet.models import CalendarFeed as FeedRow
from guichet.publishing import feeds
from webapp.api.briefs import Names
from webapp.api.schemas.common import Done, IdPath, PersonBrief
from webapp.api.schemas.feeds import CalendarFeed, CalendarFeedMade, CalendarFeedNew, CalendarFeeds
from webapp.asking import Asked, Room
from webapp.signed_addresses import address_of

room = Room("feeds")


@room.get("/calendar-feeds", CalendarFeeds)
def list_feeds(asked: Asked) -> CalendarFeeds:
    """One's own feeds that stand; everybody's for who manages brands."""
    rows = feeds.list_feeds(asked.session, asked.actor)
    names = Names(asked.session).load(people=[r.made_by for r in rows], brands=[r.brand_id for r in rows])
    return CalendarFeeds(items=[CalendarFeed(**_feed(row, names)) for row in rows])


@room.post("/calendar-feeds", CalendarFeedMade, scope="publish", status=201, secret=True)
def make_feed(asked: Asked, body: CalendarFeedNew) -> CalendarFeedMade:
    """Make a feed of a brand. Its address is in this answer and nowhere else."""
    brand = accounts.get_brand(asked.session, asked.actor, body.brand_id)
    row, secret = feeds.make_feed(asked.session, asked.actor, brand, name=body.name, now=asked.now)
    shown = _feed(row, Names(asked.session))
    return CalendarFeedMade(**shown, url=address_of(asked.runtime, "feed", row.id, secret))


@room.delete("/calendar-feeds/<int:id>", Done, scope="publish")
def revoke_feed(asked: Asked, path: IdPath) -> Done:
    """End it, at once."""
    feeds.revoke_feed(asked.session, asked.actor, path.id, asked.now)
    return Done()


def _feed(row: FeedRow, names: Names) -> dict[str, Any]:
    return {
        "id": row.id,
        "brand": names.brand(row.brand_id),
        "name": row.name,
        "made_by": names.person(row.made_by) or PersonBrief(id=0, name="", initials=""),
        "made_at": row.made_at,
    }
