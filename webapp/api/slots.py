"""Slots: the week's places for posts, which of them are free, and the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from guichet import jobs
from guichet.accounts import queries as accounts
from guichet.models import Account as AccountRow
from guichet.publishing import openings as times
from guichet.publishing import queries, queueing, slots
from webapp.api import briefs
from webapp.api.schemas.common import IdPath
from webapp.api.schemas.slots import (
    NextQuery,
    Opening,
    OpeningQuery,
    Openings,
    PostQueue,
    Queued,
    Slot,
    SlotQuery,
    SlotWeek,
    SlotWeekIn,
    SlotWeeks,
)
from webapp.api.showing_posts import show_posts
from webapp.asking import Asked, Room

room = Room("slots")
_A_WEEK = timedelta(days=7)


@room.get("/slots", SlotWeeks)
def list_slots(asked: Asked, query: SlotQuery) -> SlotWeeks:
    """The week of each account that one sees."""
    rows = _accounts(asked, query.account_id)
    weeks = slots.weeks_of(asked.session, asked.actor, [r.id for r in rows])
    return SlotWeeks(items=[_week(row, weeks.get(row.id, [])) for row in rows])


@room.put("/accounts/<int:id>/slots", SlotWeek, scope="manage")
def set_slots(asked: Asked, path: IdPath, body: SlotWeekIn) -> SlotWeek:
    """Make this the account's week. What is scheduled already stays where it is."""
    row = accounts.get_account(asked.session, asked.actor, path.id)
    week = [times.WeekSlot(s.weekday, s.at, s.label) for s in body.slots]
    slots.set_slots(asked.session, asked.actor, row, week, asked.now)
    return _week(row, slots.weeks_of(asked.session, asked.actor, [row.id]).get(row.id, []))


@room.get("/slots/openings", Openings)
def list_openings(asked: Asked, query: OpeningQuery) -> Openings:
    """Every moment of the slots in a time, with what stands there."""
    since = query.since or asked.now
    rows = _accounts(asked, query.account_id)
    found = slots.openings(asked.session, asked.actor, rows, since, query.until or since + _A_WEEK)
    return _openings([o for o in found if not query.free or o.post_id is None])


@room.get("/slots/next", Openings, scope=("read", "publish"))
def find_next_slot(asked: Asked, query: NextQuery) -> Openings:
    """Where a post for these accounts would go; nothing is taken."""
    rows = [accounts.get_account(asked.session, asked.actor, i) for i in dict.fromkeys(query.account_id)]
    after = max(query.after or asked.now, asked.now)
    return _openings(
        queueing.next_free(asked.session, asked.actor, rows, together=query.together, after=after) if rows else []
    )


@room.post("/posts/<int:id>/queue", Queued, scope="publish")
def queue_post(asked: Asked, path: IdPath, body: PostQueue) -> Queued:
    """Schedule a draft at the next free slot of its accounts."""
    session, actor = asked.session, asked.actor
    made = queueing.add_to_queue(
        session, actor, queries.get_post(session, actor, path.id), together=body.together, after=body.after,
        for_approval=body.for_approval, specs=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    asked.unit.enqueue(jobs.DRAIN)
    session.flush()
    for post in made:
        session.expire(post)
    return Queued(posts=show_posts(asked, [queries.get_post(session, actor, post.id) for post in made]))


def _accounts(asked: Asked, ids: Sequence[int] | None) -> Sequence[AccountRow]:
    """Those named, or all that one sees."""
    if ids is None:
        return accounts.list_accounts(asked.session, asked.actor)
    return [accounts.get_account(asked.session, asked.actor, i) for i in dict.fromkeys(ids)]


def _week(row: AccountRow, week: Sequence[times.WeekSlot]) -> SlotWeek:
    shown = [Slot(weekday=s.weekday, at=s.at, label=s.label) for s in week]
    return SlotWeek(account=briefs.account(row), time_zone=row.time_zone, slots=shown)


def _openings(found: Sequence[times.Opening]) -> Openings:
    return Openings(
        items=[
            Opening(
                account_id=o.account_id, at=o.at, wall_time=o.wall_time, time_zone=o.time_zone, label=o.label,
                post_id=o.post_id,
            )
            for o in found
        ]
    )  # fmt: skip
