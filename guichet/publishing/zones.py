"""When a zone's rules change, what is scheduled keeps its wall time and moves in UTC.

People schedule a wall time in a zone; `due_at` is what it meant when it was derived. A
parliament may decide otherwise before it comes. Moved is what still stands at the moment
that was derived: what somebody put elsewhere by hand stays there. An embargo is a wall
time too, and ends when that is.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.states import EDITABLE, State
from guichet.errors import Invalid
from guichet.models import Delivery, Post
from guichet.policy import Action, Actor, require
from guichet.publishing.drafting import tell_of
from guichet.publishing.rules import due_time

_NOT_BEGUN = (State.SCHEDULED, State.BLOCKED, State.AWAITING_APPROVAL)


def follow_zones(session: Session, actor: Actor, now: datetime) -> int:
    """Derive the due times and the ends of embargoes that are yet to come once more; returns
    how many posts moved."""
    require(actor, Action.SYSTEM)
    return sum(_follow(session, actor, post, now) for post in session.scalars(coming(now)).all())


def coming(now: datetime) -> Select[Post]:
    """Posts whose wall time, or whose embargo's end, is yet to come."""
    is_coming = and_(Post.wall_time.is_not(None), Post.due_at > now)
    is_open = Post.state.in_(("draft", "awaiting_approval", "scheduled"))
    return select(Post).where(is_open, or_(is_coming, Post.embargo_at > now)).order_by(Post.id)


def due_time_of(post: Post) -> datetime | None:
    """When a post is due by the rules that are installed here; None for one without a time."""
    if post.due_at is None:
        return None
    return _meaning(post.wall_time, post.time_zone, post.due_at, post.fold_rule, post.gap_rule)


def _follow(session: Session, actor: Actor, post: Post, now: datetime) -> bool:
    was, was_until = post.due_at, post.embargo_at
    if was is not None and was > now:
        post.due_at = due_time_of(post)
    if was_until is not None and was_until > now:
        post.embargo_at = _meaning(post.embargo_wall_time, post.embargo_time_zone, was_until)
    if (post.due_at, post.embargo_at) == (was, was_until):
        return False
    post.updated_at = now
    session.flush()  # a delivery that is moved asks for the embargo
    planned = select(Delivery).where(Delivery.post_id == post.id, Delivery.state.in_(EDITABLE))
    for delivery in session.scalars(planned.order_by(Delivery.id)).all():
        means = post.due_at if delivery.due_at == was and post.due_at is not None else delivery.due_at
        if means != delivery.due_at or (post.embargo_at != was_until and delivery.state in _NOT_BEGUN):
            delivering.reschedule(session, actor, delivery, means, now, post.late_limit)
    if post.state != "draft":
        moved = {"was": _told(was), "due": _told(post.due_at)} if post.due_at != was else {}
        if post.embargo_at != was_until:
            moved |= {"embargo_was": _told(was_until), "embargo": _told(post.embargo_at)}
        audit.record(session, actor, "post.zone_changed", post, now, **moved)
    tell_of(session, post, now)
    return True


def _meaning(
    wall_time: str | None, zone: str, meant: datetime, fold_rule: str = "first", gap_rule: str = "later"
) -> datetime:
    """What the wall time means now; where it means nothing any more, what it `meant` as far as
    anybody knew: the zone is gone."""
    try:
        return due_time(wall_time, zone, fold_rule, gap_rule) if wall_time else meant
    except Invalid:
        return meant


def _told(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
