"""Filling slots: each minute, every queue plans what comes next in the slots that nothing has
taken, as far ahead as it was told to look.

What is planned is a post like any other, in the right of who wrote the item: it can be moved,
changed, cancelled and approved by itself, and the engine asks all its questions. Two who fill
at once never fill one slot twice: the queue's row is locked, and a unique index decides.
A slot that passed while nobody filled it stays empty, and the queue says how many there were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from guichet.db.dialect import insert_new
from guichet.errors import GuichetError, NotAllowed, NotFound
from guichet.evergreen.reading import Stock, accounts_of, free_places, stock_of, uses_of, ways_of
from guichet.evergreen.rules import Place, Turn, Use, Ways, Wording, lay_out
from guichet.models import Account, Brake, Brand, EvergreenQueue, EvergreenUse, Post, Staff, table_of
from guichet.policy import SYSTEM, Action, Actor, load_actor, require
from guichet.publishing.carrying_over import inherit_approvals
from guichet.publishing.chains import accounts_of as accounts_of_post
from guichet.publishing.chains import inherit, settle_content
from guichet.publishing.checking import Specs
from guichet.publishing.clash_rules import Neighbour
from guichet.publishing.drafting import create, specs_of, words_of
from guichet.publishing.openings import Opening
from guichet.publishing.operations import schedule
from guichet.publishing.queueing import SlotTaken, take_slot
from guichet.publishing.reviewing import open_reviews

EVERY = timedelta(minutes=1)
_AHEAD = timedelta(minutes=1)  # a slot that is nearer is not filled any more
_LONGEST_LOOK_BACK = timedelta(days=62)
_MOST = 60  # posts that one filling plans; the next one goes on


@dataclass(frozen=True)
class Filled:
    """What one filling did: posts planned, slots found to have passed."""

    planned: int = 0
    missed: int = 0


def queues_to_fill(session: Session, actor: Actor, now: datetime) -> Sequence[int]:
    """Those whose turn it is to look, longest ago first."""
    require(actor, Action.SYSTEM)
    queue = EvergreenQueue
    wanted = select(queue.id).where(
        queue.removed_at.is_(None), queue.is_paused.is_(False),
        or_(queue.looked_at.is_(None), queue.looked_at <= now - EVERY),
    )  # fmt: skip
    return session.scalars(wanted.order_by(queue.looked_at, queue.id).limit(50)).all()


def fill_queue(session: Session, actor: Actor, queue_id: int, specs: Specs, now: datetime) -> Filled:
    """Plan what comes next, up to the queue's horizon."""
    require(actor, Action.SYSTEM)
    queue = session.get_one(EvergreenQueue, queue_id, with_for_update=True, populate_existing=True)
    if queue.is_paused or queue.removed_at is not None:
        return Filled()
    until = now + timedelta(days=queue.horizon_days)
    accounts = [a for a in accounts_of(session, queue) if a.state != "disconnected"]
    missed = _note_missed(session, queue, accounts, now)
    queue.looked_at, queue.filled_until = now, max(until, queue.filled_until or until)
    going = _not_stopped(session, accounts)
    places = free_places(session, queue, going, now + _AHEAD, until)
    stock = stock_of(session, SYSTEM, queue)
    if not places or not stock.items:
        return Filled(missed=missed)
    ways = ways_of(session, queue, stock, going, now, until)
    ways = replace(ways, items=tuple(replace(i, refusal="") for i in ways.items))  # each is tried anew
    planned = _fill(session, queue, stock, ways, places, specs, now)
    return Filled(planned, missed)


def _fill(
    session: Session, queue: EvergreenQueue, stock: Stock, ways: Ways, places: Sequence[Place], specs: Specs,
    now: datetime,
) -> int:  # fmt: skip
    items = {item.id: item for item in stock.items}
    uses, near, planned = uses_of(session, stock.ids), {a: list(n) for a, n in ways.near.items()}, 0
    for place in places:
        left = place.account_ids
        while left and planned < _MOST:
            turn = lay_out(replace(ways, near=near), [replace(place, account_ids=left)], uses)[0]
            left = tuple(a for a in left if a not in turn.place.account_ids)
            if turn.item_id is None:
                continue
            made = _plan(session, queue, turn, specs, now)
            if isinstance(made, str):
                items[turn.item_id].refusal = made
                ways, left = _with(ways, turn.item_id, refusal=made), (*turn.place.account_ids, *left)
                continue
            items[turn.item_id].refusal = ""
            uses += [Use(a, place.at, turn.item_id, turn.wording_id) for a in turn.place.account_ids]
            for account_id in near.keys() & set(turn.place.account_ids):
                near[account_id].append(Neighbour(0, place.at, _wording(ways, turn).texts[account_id]))
            if made is not None:
                planned += 1
                ways = _with_asked(session, ways, turn, made)
    return planned


def _plan(session: Session, queue: EvergreenQueue, turn: Turn, specs: Specs, now: datetime) -> Post | str | None:
    """Make and schedule one occurrence. Returns it; why not, where the item is at fault; or None
    where somebody else was faster."""
    wording, place = session.get_one(Post, turn.wording_id), turn.place
    try:
        with session.begin_nested():
            planner = load_actor(session, session.get_one(Staff, wording.author_id), now)
            made = _occurrence(session, planner, queue, wording, turn, specs, now)
            for account_id in place.account_ids:
                row = {
                    "account_id": account_id, "wall_time": place.wall_time, "post_id": made.id,
                    "passed": [{"item": r.item_id, "why": r.name} for r in turn.passed],
                }  # fmt: skip
                if not insert_new(session, table_of(EvergreenUse), [row], "account_id", "wall_time"):
                    raise SlotTaken
                take_slot(session, Opening(account_id, place.at, place.wall_time, place.time_zone), made)
            schedule(session, planner, made, wall_time=place.wall_time, time_zone=place.time_zone, specs=specs, now=now)
        return made
    except SlotTaken:
        return None
    except (NotAllowed, NotFound):
        return "no_right"
    except GuichetError as e:
        return e.code


def _occurrence(
    session: Session, planner: Actor, queue: EvergreenQueue, wording: Post, turn: Turn, specs: Specs, now: datetime
) -> Post:
    on = set(turn.place.account_ids)
    made = create(
        session, planner, brand=session.get_one(Brand, queue.brand_id), words=words_of(wording), title=wording.title,
        variants=[s for s in specs_of(wording) if s.account_id in on], late_limit=wording.late_limit, now=now,
    )  # fmt: skip
    inherit(made, wording)
    made.evergreen_id, made.wording_id = wording.evergreen_id, wording.id
    settle_content(session, made, accounts_of_post(session, made), specs, now)
    inherit_approvals(session, SYSTEM, made)
    return made


def _wording(ways: Ways, turn: Turn) -> Wording:
    found = (w for i in ways.items if i.id == turn.item_id for w in i.wordings if w.post_id == turn.wording_id)
    return next(found)


def _with(ways: Ways, item_id: int, **changed: Any) -> Ways:
    return replace(ways, items=tuple(replace(i, **changed) if i.id == item_id else i for i in ways.items))


def _with_asked(session: Session, ways: Ways, turn: Turn, made: Post) -> Ways:
    """What waits for an approval now is asked about once, not once for each slot."""
    asked = [r.account_id for r in open_reviews(session, [made.id], ("waiting",)) if r.due_at is None]
    if not asked:
        return ways
    said = _wording(ways, turn)
    waits = replace(said, stops={**said.stops, **dict.fromkeys(asked, "waits_for_approval")})
    item = next(i for i in ways.items if i.id == turn.item_id)
    return _with(ways, item.id, wordings=tuple(waits if w is said else w for w in item.wordings))


def _not_stopped(session: Session, accounts: Sequence[Account]) -> list[Account]:
    """Those on which no brake stops posts: nothing is planned into a crisis."""
    on = session.scalars(select(Brake).where(Brake.lifted_at.is_(None), Brake.stops_posts)).all()
    stopped = {(b.scope, b.scope_id) for b in on}
    if ("all", None) in stopped:
        return []
    return [a for a in accounts if not stopped & {("brand", a.brand_id), ("account", a.id)}]


def _note_missed(session: Session, queue: EvergreenQueue, accounts: Sequence[Account], now: datetime) -> int:
    """Slots that passed since it last could look, and that stay empty."""
    if queue.filled_until is None or queue.filled_until >= now:
        return 0
    since = max(queue.filled_until, now - _LONGEST_LOOK_BACK)
    missed = sum(len(p.account_ids) for p in free_places(session, queue, accounts, since, now))
    if missed:
        queue.missed, queue.missed_at = missed, now
    return missed
