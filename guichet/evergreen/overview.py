"""A queue as its page shows it: what each post waits for, what is planned, which slots stay empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from guichet.evergreen.reading import (
    PLANNED,
    Stock,
    accounts_of,
    free_places,
    occurrences_of,
    stock_of,
    uses_of,
    ways_of,
)
from guichet.evergreen.rules import Place, Turn, Use, Uses, Ways, lay_out, why_not, wordings_needed
from guichet.models import Account, EvergreenItem, EvergreenQueue, EvergreenUse, Post
from guichet.policy import Action, Actor, require
from guichet.publishing.drafting import words_of
from guichet.publishing.queries import sees_post, sees_posts_on


@dataclass(frozen=True)
class Standing:
    """Why a post would not have the next turn on these accounts. `until`: when that ends."""

    name: str
    account_ids: tuple[int, ...]
    until: datetime | None


@dataclass(frozen=True)
class Entry:
    """A post of the queue. `times`: how often it went out or is planned, on the account that had
    it most; `needs_wordings`: how many there should be, 0 where there are enough."""

    item: EvergreenItem
    wordings: Sequence[Post]
    times: int
    last_at: datetime | None
    next_at: datetime | None
    standings: Sequence[Standing]
    needs_wordings: int


@dataclass(frozen=True)
class Planned:
    """An occurrence that is to come. `passed`: items that had their turn before it, and why they
    did not get it."""

    post: Post
    account_ids: tuple[int, ...]
    passed: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Overview:
    """`turns`: the places that nothing has taken yet, in the order in which they would be
    filled; those of no item stay empty."""

    entries: Sequence[Entry]
    planned: Sequence[Planned]
    turns: Sequence[Turn]


def overlook(
    session: Session, actor: Actor, queue: EvergreenQueue, specs: Mapping[str, ChannelSpec], now: datetime
) -> Overview:
    """How it stands, as far as the actor sees its posts."""
    require(actor, Action.STAFF_VIEW)
    accounts, until = accounts_of(session, queue), now + timedelta(days=queue.horizon_days)
    stock = stock_of(session, actor, queue)
    ways, uses = ways_of(session, queue, stock, accounts, now, until), uses_of(session, stock.ids)
    places = [] if queue.is_paused else free_places(session, queue, accounts, now, until)
    seen = [i for i in stock.items if any(sees_post(actor, p) for p in stock.wordings[i.id])]
    asked = _next_places(accounts, places, until)
    return Overview(
        [_entry(i, stock, ways, uses, asked, _needed(queue, stock.wordings[i.id], accounts, specs), now) for i in seen],
        _planned(session, actor, stock, now),
        lay_out(ways, places, uses)[:60],
    )


def count_posts(session: Session, actor: Actor, queue_ids: Sequence[int], now: datetime) -> dict[int, tuple[int, int]]:
    """How many posts each of these queues has, and how many occurrences are planned."""
    require(actor, Action.STAFF_VIEW)
    item = EvergreenItem
    held = session.execute(
        select(item.queue_id, func.count())
        .where(item.queue_id.in_(queue_ids), item.removed_at.is_(None))
        .group_by(item.queue_id)
    )
    ahead = session.execute(
        select(item.queue_id, func.count())
        .join(Post, Post.evergreen_id == item.id)
        .where(item.queue_id.in_(queue_ids), Post.wording_id.is_not(None), Post.state.in_(PLANNED), Post.due_at >= now)
        .group_by(item.queue_id)
    )
    items, planned = dict(held.tuples().all()), dict(ahead.tuples().all())
    return {i: (items.get(i, 0), planned.get(i, 0)) for i in queue_ids}


def _next_places(accounts: Sequence[Account], places: Sequence[Place], until: datetime) -> dict[int, Place]:
    """The place that each account is asked about: its next free one or, where all are taken, the
    end of what is looked at."""
    found: dict[int, Place] = {}
    for place in places:
        for account_id in place.account_ids:
            found.setdefault(account_id, place)
    end = f"{until:%Y-%m-%dT%H:%M}"
    return {a.id: found.get(a.id) or Place(until, end, "UTC", (a.id,)) for a in accounts}


def _entry(
    item: EvergreenItem, stock: Stock, ways: Ways, uses: Sequence[Use], asked: Mapping[int, Place], needed: int,
    now: datetime,
) -> Entry:  # fmt: skip
    mine = [u for u in uses if u.item_id == item.id]
    per_account = [sum(u.account_id == a for u in mine) for a in asked]
    one = next(i for i in ways.items if i.id == item.id)
    standings: dict[tuple[str, datetime | None], list[int]] = defaultdict(list)
    known = Uses(uses)
    for account_id, place in asked.items():
        reason = why_not(ways, one, account_id, place, known)
        if reason is not None and reason.name != "not_on_account":
            standings[reason.name, reason.until].append(account_id)
    return Entry(
        item, stock.wordings[item.id], max(per_account, default=0),
        max((u.at for u in mine if u.at < now), default=None), min((u.at for u in mine if u.at >= now), default=None),
        [Standing(name, tuple(ids), until) for (name, until), ids in standings.items()], needed,
    )  # fmt: skip


def _needed(
    queue: EvergreenQueue, wordings: Sequence[Post], accounts: Sequence[Account], specs: Mapping[str, ChannelSpec]
) -> int:
    said = len({" ".join(words_of(p).text.split()).casefold() for p in wordings})
    on = {t.account_id for p in wordings for t in p.targets}
    return max(
        (
            wordings_needed(said, queue.rest_days, a.duplicate_days, specs[a.network].refuses_repeats)
            for a in accounts
            if a.id in on
        ),
        default=0,
    )


def _planned(session: Session, actor: Actor, stock: Stock, now: datetime) -> list[Planned]:
    posts = [p for p in occurrences_of(session, stock.ids, now) if sees_post(actor, p)]
    rows = session.execute(
        select(EvergreenUse.post_id, EvergreenUse.passed).where(EvergreenUse.post_id.in_([p.id for p in posts]))
    )
    passed: dict[int, dict[int, str]] = defaultdict(dict)
    for post_id, reasons in rows:
        passed[post_id].update({r["item"]: r["why"] for r in reasons})
    return [
        Planned(
            p, tuple(sorted(t.account_id for t in p.targets if sees_posts_on(actor, t.account_id))),
            list(passed[p.id].items()),
        )
        for p in posts
    ]  # fmt: skip
