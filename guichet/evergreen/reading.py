"""Queues as they stand: what they hold, where their next places are, who had which turn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from guichet.delivery.states import EDITABLE
from guichet.errors import NotFound
from guichet.evergreen.rules import Item, Place, Use, Ways, Wording
from guichet.models import (
    Account,
    Delivery,
    EvergreenAccount,
    EvergreenItem,
    EvergreenQueue,
    EvergreenUse,
    Post,
    PostTarget,
    Review,
    Variant,
    VariantMedia,
)
from guichet.policy import SYSTEM, Action, Actor, require, visible
from guichet.publishing.clashes import planned_near
from guichet.publishing.drafting import contents_of
from guichet.publishing.openings import WeekSlot, openings_of
from guichet.publishing.rules import content_hash
from guichet.publishing.slots import STANDING, taken_of, weeks_of

PLANNED = ("awaiting_approval", "scheduled")


@dataclass(frozen=True)
class Stock:
    """A queue's items in their order, each with the posts that hold its wordings."""

    items: Sequence[EvergreenItem]
    wordings: Mapping[int, Sequence[Post]]

    @property
    def ids(self) -> list[int]:
        return [item.id for item in self.items]


def list_queues(session: Session, actor: Actor, brand_id: int | None = None) -> Sequence[EvergreenQueue]:
    """Those on one of whose accounts the actor sees posts, by name."""
    require(actor, Action.STAFF_VIEW)
    on = EvergreenAccount.account_id
    sees = or_(visible(actor, on, Action.POST_VIEW), visible(actor, on, Action.POST_WRITE))
    seen = select(EvergreenAccount.queue_id).where(sees)
    wanted = select(EvergreenQueue).where(EvergreenQueue.removed_at.is_(None), EvergreenQueue.id.in_(seen))
    if brand_id is not None:
        wanted = wanted.where(EvergreenQueue.brand_id == brand_id)
    loaded = wanted.options(selectinload(EvergreenQueue.accounts))
    return session.scalars(loaded.order_by(EvergreenQueue.folded, EvergreenQueue.id)).all()


def get_queue(session: Session, actor: Actor, queue_id: int) -> EvergreenQueue:
    """Raises NotFound, also for one that the actor may not see."""
    found = next((q for q in list_queues(session, actor) if q.id == queue_id), None)
    if found is None:
        raise NotFound("there is no such queue, or it is not yours to see")
    return found


def get_item(session: Session, actor: Actor, item_id: int) -> EvergreenItem:
    """Raises NotFound, also for one of a queue that the actor may not see."""
    row = session.get(EvergreenItem, item_id)
    if row is None or row.removed_at is not None:
        raise NotFound("there is no such post in a queue, or it is not yours to see")
    get_queue(session, actor, row.queue_id)
    return row


def accounts_of(session: Session, queue: EvergreenQueue) -> Sequence[Account]:
    """The accounts that it fills, by id."""
    ids = [a.account_id for a in queue.accounts]
    return session.scalars(select(Account).where(Account.id.in_(ids)).order_by(Account.id)).all()


def stock_of(session: Session, actor: Actor, queue: EvergreenQueue) -> Stock:
    """What it holds, for who sees the queue."""
    require(actor, Action.STAFF_VIEW)
    rows = select(EvergreenItem).where(EvergreenItem.queue_id == queue.id, EvergreenItem.removed_at.is_(None))
    items = session.scalars(rows.order_by(EvergreenItem.position, EvergreenItem.id)).all()
    return Stock(items, wordings_of(session, [i.id for i in items]))


def wordings_of(session: Session, item_ids: Collection[int]) -> Mapping[int, Sequence[Post]]:
    """The posts that hold the wordings of these items, oldest first."""
    files = selectinload(Post.variants).selectinload(Variant.media).selectinload(VariantMedia.media)
    targets = selectinload(Post.targets)
    held = select(Post).where(Post.evergreen_id.in_(item_ids), Post.state == "evergreen").order_by(Post.id)
    loaded = held.options(files, targets.selectinload(PostTarget.variant), targets.selectinload(PostTarget.renditions))
    found: dict[int, list[Post]] = {i: [] for i in item_ids}
    for post in session.scalars(loaded):
        found[post.evergreen_id or 0].append(post)
    return found


def uses_of(session: Session, item_ids: Collection[int]) -> list[Use]:
    """Every occurrence that stands, or went out, on each of its accounts."""
    rows = session.execute(
        select(PostTarget.account_id, Post.due_at, Post.evergreen_id, Post.wording_id)
        .join(PostTarget, PostTarget.post_id == Post.id)
        .where(Post.evergreen_id.in_(item_ids), Post.wording_id.is_not(None), Post.state.in_(STANDING))
        .order_by(Post.due_at)
    )
    return [Use(account, at, item or 0, wording or 0) for account, at, item, wording in rows if at is not None]


def occurrences_of(session: Session, item_ids: Collection[int], since: datetime, limit: int = 60) -> Sequence[Post]:
    """What is planned of these items from then on, earliest first."""
    planned = select(Post).where(Post.evergreen_id.in_(item_ids), Post.wording_id.is_not(None), Post.state.in_(PLANNED))
    wanted = planned.where(Post.due_at >= since).order_by(Post.due_at, Post.id).limit(limit)
    return session.scalars(wanted.options(selectinload(Post.targets))).all()


def planned_deliveries(session: Session, item_ids: Collection[int]) -> Sequence[Delivery]:
    """What has not begun to go out of what is planned of these items."""
    planned = select(Post.id).where(Post.evergreen_id.in_(item_ids), Post.wording_id.is_not(None))
    wanted = select(Delivery).where(Delivery.post_id.in_(planned), Delivery.state.in_(EDITABLE))
    return session.scalars(wanted.order_by(Delivery.id)).all()


def ways_of(
    session: Session, queue: EvergreenQueue, stock: Stock, accounts: Sequence[Account], since: datetime, until: datetime
) -> Ways:
    """How it decides about places from `since` until `until`."""
    texts = {
        post.id: {c.account_id: (c.parts[0].text, content_hash([c])) for c in contents_of(post)}
        for posts in stock.wordings.values()
        for post in posts
    }
    stops = _stops(session, texts)
    near = planned_near(session, SYSTEM, [a.id for a in accounts], since, until)
    return Ways(
        items=tuple(
            Item(
                item.id,
                tuple(
                    Wording(p.id, {a: text for a, (text, _) in texts[p.id].items()}, stops[p.id])
                    for p in stock.wordings[item.id]
                ),
                item.is_paused, item.season_from, item.season_to, item.last_day, item.most_times, item.refusal,
            )
            for item in stock.items
        ),
        ordering=queue.ordering,
        rest=timedelta(days=queue.rest_days),
        seed=queue.id,
        spacings={account_id: spacing for account_id, (spacing, _) in near.items()},
        near={account_id: neighbours for account_id, (_, neighbours) in near.items()},
    )  # fmt: skip


def _stops(session: Session, texts: Mapping[int, Mapping[int, tuple[str, str]]]) -> Mapping[int, Mapping[int, str]]:
    """By wording and account: what it says there waits for an approval, or was sent back. An
    approval that is for one time only is asked for each time, and stops nothing."""
    rows = session.execute(
        select(Post.wording_id, Review.account_id, Review.content_hash, Review.state, Review.due_at)
        .join(Review, Review.post_id == Post.id)
        .where(Post.wording_id.in_(texts), Review.state.in_(("waiting", "granted", "rejected")))
        .order_by(Review.id)
    )
    found: dict[int, dict[int, str]] = defaultdict(dict)
    for wording_id, account_id, digest, state, due_at in rows:
        of = texts[wording_id or 0]
        if account_id not in of or of[account_id][1] != digest or (state == "waiting" and due_at is not None):
            continue
        if state == "granted":
            found[wording_id or 0].pop(account_id, None)
        else:
            found[wording_id or 0][account_id] = "waits_for_approval" if state == "waiting" else "sent_back"
    return found


def free_places(
    session: Session, queue: EvergreenQueue, accounts: Iterable[Account], since: datetime, until: datetime
) -> list[Place]:
    """The moments from `since` up to `until` that nothing stands at and no queue filled before,
    earliest first; those of several accounts at the same moment are one."""
    chosen = list(accounts)
    weeks = _weeks(session, queue, chosen)
    found = [o for a in chosen for o in openings_of(a.id, weeks[a.id], a.time_zone, since, until)]
    taken, used = taken_of(session, SYSTEM, found), _used(session, [a.id for a in chosen], since)
    places: dict[tuple[datetime, str, str], list[int]] = {}
    for o in found:
        if (o.account_id, o.at) not in taken and (o.account_id, o.wall_time) not in used:
            places.setdefault((o.at, o.wall_time, o.time_zone), []).append(o.account_id)
    return [Place(*moment, tuple(ids)) for moment, ids in sorted(places.items())]


def _weeks(session: Session, queue: EvergreenQueue, accounts: Sequence[Account]) -> dict[int, list[WeekSlot]]:
    if queue.week:
        own = [WeekSlot(int(s["weekday"]), str(s["at"])) for s in queue.week]
        return {a.id: own for a in accounts}
    weeks = weeks_of(session, SYSTEM, [a.id for a in accounts])
    return {a.id: [s for s in weeks.get(a.id, ()) if not queue.label or s.label == queue.label] for a in accounts}


def _used(session: Session, account_ids: Sequence[int], since: datetime) -> set[tuple[int, str]]:
    """Places are told by their wall time, which no change of a zone's rules moves."""
    from_ = (since - timedelta(days=1)).date().isoformat()
    rows = select(EvergreenUse.account_id, EvergreenUse.wall_time)
    return set(
        session.execute(rows.where(EvergreenUse.account_id.in_(account_ids), EvergreenUse.wall_time >= from_)).tuples()
    )
