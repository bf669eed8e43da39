"""Evergreen queues: what goes out again, in which slots, and why something did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from guichet import jobs
from guichet.accounts import queries as accounts
from guichet.evergreen import items, overview, queues, reading
from guichet.evergreen.rules import Reason
from guichet.models import EvergreenItem as ItemRow
from guichet.models import EvergreenQueue as QueueRow
from guichet.policy import Action, can, can_for_post
from guichet.publishing import queries
from guichet.publishing.drafting import words_of
from guichet.publishing.openings import WeekSlot
from webapp.api import briefs
from webapp.api.schemas.common import Done, IdPath, In
from webapp.api.schemas.evergreen import (
    EvergreenItem,
    EvergreenItemNew,
    EvergreenLimits,
    EvergreenOrder,
    EvergreenPlace,
    EvergreenPlanned,
    EvergreenQuery,
    EvergreenQueue,
    EvergreenQueueChange,
    EvergreenQueueNew,
    EvergreenQueues,
    EvergreenReason,
    EvergreenView,
    OwnSlot,
    PassedOver,
    Wording,
    WordingIn,
)
from webapp.api.schemas.slots import SlotIn
from webapp.asking import Asked, Room

room = Room("evergreen")


class WordingPath(In):
    id: int
    post_id: int


@room.get("/evergreen-queues", EvergreenQueues, scope=("read", "publish"))
def list_evergreen_queues(asked: Asked, query: EvergreenQuery) -> EvergreenQueues:
    """Those on one of whose accounts one sees posts."""
    rows = reading.list_queues(asked.session, asked.actor, query.brand_id)
    return EvergreenQueues(items=_show_all(asked, rows))


@room.post("/evergreen-queues", EvergreenQueue, scope="publish", status=201)
def add_evergreen_queue(asked: Asked, body: EvergreenQueueNew) -> EvergreenQueue:
    """A new queue. For who publishes on all of its accounts."""
    brand = accounts.get_brand(asked.session, asked.actor, body.brand_id)
    wanted = queues.Setting(
        body.name, tuple(body.account_ids), body.label, _week(body.week), body.ordering, body.rest_days,
        body.horizon_days, body.is_paused,
    )  # fmt: skip
    row = queues.create_queue(asked.session, asked.actor, brand, wanted, asked.now)
    return _show_all(asked, [row])[0]


@room.get("/evergreen-queues/<int:id>", EvergreenView, scope=("read", "publish"))
def get_evergreen_queue(asked: Asked, path: IdPath) -> EvergreenView:
    """Its posts, what is planned of them, and what becomes of the slots that are free."""
    return _view(asked, reading.get_queue(asked.session, asked.actor, path.id))


@room.patch("/evergreen-queues/<int:id>", EvergreenView, scope="publish")
def change_evergreen_queue(asked: Asked, path: IdPath, body: EvergreenQueueChange) -> EvergreenView:
    """Set it otherwise. Other slots, or a pause, call off what it had planned."""
    row = reading.get_queue(asked.session, asked.actor, path.id)
    given = {name: getattr(body, name) for name in body.model_fields_set if getattr(body, name) is not None}
    if body.account_ids is not None:
        given["account_ids"] = tuple(sorted(set(body.account_ids)))
    if body.week is not None:
        given["week"] = _week(body.week)
    queues.change_queue(asked.session, asked.actor, row, replace(queues.setting_of(row), **given), asked.now)
    return _changed(asked, row)


@room.delete("/evergreen-queues/<int:id>", Done, scope="publish")
def remove_evergreen_queue(asked: Asked, path: IdPath) -> Done:
    """End it, and call off what it planned."""
    row = reading.get_queue(asked.session, asked.actor, path.id)
    queues.remove_queue(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/evergreen-queues/<int:id>/items", EvergreenView, scope="publish", status=201)
def add_evergreen_item(asked: Asked, path: IdPath, body: EvergreenItemNew) -> EvergreenView:
    """Put a post into the queue. For who may write on its accounts."""
    row = reading.get_queue(asked.session, asked.actor, path.id)
    post = queries.get_post(asked.session, asked.actor, body.post_id)
    items.add_item(asked.session, asked.actor, row, post, _limits(body), asked.networks.specs(), asked.now)
    return _changed(asked, row)


@room.put("/evergreen-queues/<int:id>/order", EvergreenView, scope="publish")
def order_evergreen_items(asked: Asked, path: IdPath, body: EvergreenOrder) -> EvergreenView:
    """Let its posts stand in this order."""
    row = reading.get_queue(asked.session, asked.actor, path.id)
    items.order_items(asked.session, asked.actor, row, body.item_ids, asked.now)
    return _changed(asked, row)


@room.put("/evergreen-items/<int:id>", EvergreenView, scope="publish")
def limit_evergreen_item(asked: Asked, path: IdPath, body: EvergreenLimits) -> EvergreenView:
    """When it may go out. What is planned of it at other times is called off."""
    item, row = _item(asked, path.id)
    items.change_item(asked.session, asked.actor, row, item, _limits(body), asked.now)
    return _changed(asked, row)


@room.delete("/evergreen-items/<int:id>", EvergreenView, scope="publish")
def remove_evergreen_item(asked: Asked, path: IdPath) -> EvergreenView:
    """Take it out of its queue, and call off what is planned of it."""
    item, row = _item(asked, path.id)
    items.remove_item(asked.session, asked.actor, row, item, asked.now)
    return _changed(asked, row)


@room.post("/evergreen-items/<int:id>/take-over", EvergreenView, scope="publish")
def take_evergreen_item_over(asked: Asked, path: IdPath) -> EvergreenView:
    """Plan it in one's own right, where whoever put it in may no longer write there."""
    item, row = _item(asked, path.id)
    items.take_over(asked.session, asked.actor, row, item, asked.now)
    return _changed(asked, row)


@room.post("/evergreen-items/<int:id>/wordings", EvergreenView, scope="publish", status=201)
def add_wording(asked: Asked, path: IdPath, body: WordingIn) -> EvergreenView:
    """Say the same in other words, which take turns."""
    item, row = _item(asked, path.id)
    items.add_wording(asked.session, asked.actor, row, item, body.text, asked.networks.specs(), asked.now)
    return _changed(asked, row)


@room.delete("/evergreen-items/<int:id>/wordings/<int:post_id>", EvergreenView, scope="publish")
def remove_wording(asked: Asked, path: WordingPath) -> EvergreenView:
    """Say it so no more."""
    item, row = _item(asked, path.id)
    post = queries.get_post(asked.session, asked.actor, path.post_id)
    items.remove_wording(asked.session, asked.actor, row, item, post, asked.now)
    return _changed(asked, row)


def _item(asked: Asked, item_id: int) -> tuple[ItemRow, QueueRow]:
    item = reading.get_item(asked.session, asked.actor, item_id)
    return item, reading.get_queue(asked.session, asked.actor, item.queue_id)


def _week(given: Sequence[SlotIn]) -> tuple[WeekSlot, ...]:
    return tuple(WeekSlot(s.weekday, s.at) for s in given)


def _limits(body: EvergreenLimits) -> items.Limits:
    return items.Limits(body.is_paused, body.season_from, body.season_to, body.last_day, body.most_times)


def _show_all(asked: Asked, rows: Sequence[QueueRow]) -> list[EvergreenQueue]:
    counts = overview.count_posts(asked.session, asked.actor, [r.id for r in rows], asked.now)
    ids = {a.account_id for r in rows for a in r.accounts}
    names = briefs.Names(asked.session).load(accounts=ids, brands=[r.brand_id for r in rows])
    return [_show(asked, row, names, counts[row.id]) for row in rows]


def _show(asked: Asked, row: QueueRow, names: briefs.Names, counts: tuple[int, int]) -> EvergreenQueue:
    ids = [a.account_id for a in row.accounts]
    brand = names.brand(row.brand_id)
    if brand is None:
        raise LookupError("a queue is of a brand")
    return EvergreenQueue(
        id=row.id, brand=brand, name=row.name,
        accounts=[names.account(i) for i in ids if can(asked.actor, Action.POST_VIEW, i)
                  or can(asked.actor, Action.POST_WRITE, i)],
        label=row.label, week=[OwnSlot(weekday=s["weekday"], at=s["at"]) for s in row.week],
        ordering="shuffled" if row.ordering == "shuffled" else "listed",
        rest_days=row.rest_days, horizon_days=row.horizon_days, is_paused=row.is_paused,
        items=counts[0], planned=counts[1], missed=row.missed, missed_at=row.missed_at,
        may_decide=all(can(asked.actor, Action.POST_PUBLISH, i) for i in ids),
        may_add=any(can(asked.actor, Action.POST_WRITE, i) for i in ids),
    )  # fmt: skip


def _changed(asked: Asked, row: QueueRow) -> EvergreenView:
    """What is free now is filled soon, by the job that this wakes."""
    asked.session.flush()
    asked.unit.enqueue(jobs.TEND)
    return _view(asked, row)


def _view(asked: Asked, row: QueueRow) -> EvergreenView:
    found = overview.overlook(asked.session, asked.actor, row, asked.networks.specs(), asked.now)
    return EvergreenView(
        queue=_show_all(asked, [row])[0],
        items=[_entry(asked, entry) for entry in found.entries],
        planned=[
            EvergreenPlanned(
                post_id=p.post.id, item_id=p.post.evergreen_id, text=words_of(p.post).text,
                account_ids=list(p.account_ids), due_at=p.post.due_at, wall_time=p.post.wall_time,
                time_zone=p.post.time_zone, state=p.post.state, is_exception=p.post.is_exception,
                passed=[PassedOver(item_id=i, why=why) for i, why in p.passed],
            )
            for p in found.planned
        ],
        places=[
            EvergreenPlace(
                at=t.place.at, wall_time=t.place.wall_time, time_zone=t.place.time_zone,
                account_ids=list(t.place.account_ids), item_id=t.item_id, passed=_passed(t.passed),
            )
            for t in found.turns
        ],
    )  # fmt: skip


def _entry(asked: Asked, entry: overview.Entry) -> EvergreenItem:
    item, targets = entry.item, [t for p in entry.wordings for t in p.targets]
    return EvergreenItem(
        id=item.id,
        wordings=[Wording(post_id=p.id, text=words_of(p).text, version=p.version) for p in entry.wordings],
        account_ids=sorted({t.account_id for t in targets if queries.sees_target(asked.actor, t)}),
        is_paused=item.is_paused, season_from=item.season_from, season_to=item.season_to, last_day=item.last_day,
        most_times=item.most_times, times=entry.times, last_at=entry.last_at, next_at=entry.next_at,
        reasons=[EvergreenReason(name=s.name, account_ids=list(s.account_ids), until=s.until) for s in entry.standings],
        needs_wordings=entry.needs_wordings,
        may_change=all(can_for_post(asked.actor, Action.POST_WRITE, p) for p in entry.wordings),
    )  # fmt: skip


def _passed(reasons: Sequence[Reason]) -> list[PassedOver]:
    return [PassedOver(item_id=r.item_id, why=r.name) for r in reasons]
