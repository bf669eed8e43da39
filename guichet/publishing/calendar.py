"""The calendar's reading: a month with thousands of posts in it, in five statements whatever their
number, and of each post only what its place in the calendar shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from guichet.delivery.states import State
from guichet.models import Attempt, Delivery, Post, PostTagging, PostTarget, Variant
from guichet.policy import Action, Actor, can, require, visible
from guichet.publishing.allowed import UNSETTLED, may_move, movable
from guichet.publishing.queries import Filter, fitting, sees_posts_on
from guichet.publishing.rules import standing

MOST = 10_000  # posts in one reading
_FIRST_WORDS = 160  # characters


@dataclass(frozen=True)
class Entry:
    """A post as the calendar shows it. `account_ids` are those that the reader sees;
    `may_move`: they may give it another time."""

    id: int
    brand_id: int
    author_id: int
    first_words: str
    state: str
    due_at: datetime
    time_zone: str
    account_ids: tuple[int, ...]
    tag_ids: tuple[int, ...]
    may_move: bool
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class _Stand:
    account_id: int
    state: str


def read_calendar(session: Session, actor: Actor, wanted: Filter, *, most: int = MOST) -> tuple[list[Entry], bool]:
    """The posts with a time that the actor sees and wants, earliest first, and whether these are
    all: at most `most` are read."""
    require(actor, Action.STAFF_VIEW)
    ids = select(Post.id).where(*fitting(actor, wanted), Post.due_at.is_not(None))
    ids = ids.order_by(Post.due_at, Post.id).limit(most + 1)
    rows = session.execute(
        select(
            Post.id, Post.brand_id, Post.author_id, Post.state, Post.due_at, Post.time_zone,
            Post.version, Post.updated_at, func.substr(Variant.text, 1, _FIRST_WORDS).label("words"),
        )
        .outerjoin(Variant, (Variant.post_id == Post.id) & Variant.is_base)
        .where(Post.id.in_(_within(ids)))
        .order_by(Post.due_at, Post.id)
    ).all()  # fmt: skip
    targets, tags = _pairs(session, _targets(ids)), _pairs(session, _tags(ids))
    stands, doubted = _stands(session, actor, ids), _in_doubt(session, ids)
    # Most posts are for the same few accounts and stand alike: rights are asked once for each kind.
    seen = cache(lambda ids_: tuple(i for i in ids_ if sees_posts_on(actor, i)))
    movable_ = cache(lambda *kind: _may_move(actor, *kind))
    found = []
    for row in rows[:most]:
        on, how = tuple(targets[row.id]), tuple(stands[row.id])
        found.append(
            Entry(
                row.id, row.brand_id, row.author_id, row.words or "", standing(row.state, [s.state for s in how]),
                row.due_at, row.time_zone, seen(on), tuple(tags[row.id]),
                row.id not in doubted and movable_(row.state, row.author_id, on, how), row.version, row.updated_at,
            )
        )  # fmt: skip
    return found, len(rows) <= most


def _may_move(
    actor: Actor, state: str, author_id: int, account_ids: Sequence[int], stands: Sequence[_Stand]
) -> bool:  # fmt: skip
    """As `allowed.deeds` says it of a whole post."""
    if not account_ids:
        return state == "draft" and (actor.staff_id == author_id or actor.sees_every_account)
    if not all(can(actor, Action.POST_WRITE, i) for i in account_ids):
        return False
    return state == "draft" or may_move(actor, movable(stands))


def _stands(session: Session, actor: Actor, ids: Select[int]) -> dict[int, list[_Stand]]:
    """How each stands on each account that the actor sees; what changes or takes down afterwards aside."""
    rows = session.execute(
        select(Delivery.post_id, Delivery.account_id, Delivery.state)
        .where(Delivery.post_id.in_(_within(ids)), Delivery.kind.not_in(("delete", "edit")))
        .where(visible(actor, Delivery.account_id, Action.POST_VIEW))
    )
    found: dict[int, list[_Stand]] = defaultdict(list)
    for post_id, account_id, state in rows:
        found[post_id or 0].append(_Stand(account_id, state))
    return found


def _in_doubt(session: Session, ids: Select[int]) -> set[int]:
    """Those that may be out already, which somebody decides first."""
    rows = session.scalars(
        select(Delivery.post_id)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(Delivery.post_id.in_(_within(ids)), Delivery.state == State.NEEDS_HUMAN, Attempt.state.in_(UNSETTLED))
    )
    return {post_id for post_id in rows if post_id is not None}


def _within(ids: Select[int]) -> ScalarSelect[int]:
    return ids.scalar_subquery()


def _targets(ids: Select[int]) -> Select[int, int]:
    wanted = select(PostTarget.post_id, PostTarget.account_id).where(PostTarget.post_id.in_(_within(ids)))
    return wanted.order_by(PostTarget.account_id)


def _tags(ids: Select[int]) -> Select[int, int]:
    return select(PostTagging.post_id, PostTagging.tag_id).where(PostTagging.post_id.in_(_within(ids)))


def _pairs(session: Session, wanted: Select[int, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for post_id, other in session.execute(wanted):
        found[post_id].append(other)
    return found
