"""When a zone's rules change, what is scheduled keeps its wall time and moves in UTC.

People schedule a wall time in a zone; `due_at` is what it meant when it was derived. A
parliament may decide otherwise before it comes. Moved is what still stands at the moment
that was derived: what somebody put elsewhere by hand stays there.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.states import EDITABLE
from guichet.errors import Invalid
from guichet.models import Delivery, Post
from guichet.policy import Action, Actor, require
from guichet.publishing.drafting import tell_of
from guichet.publishing.rules import due_time


def follow_zones(session: Session, actor: Actor, now: datetime) -> int:
    """Derive the due times of all that is yet to come once more; returns how many posts moved."""
    require(actor, Action.SYSTEM)
    coming = select(Post).where(
        Post.state.in_(("draft", "awaiting_approval", "scheduled")), Post.wall_time.is_not(None), Post.due_at > now
    )
    return sum(_follow(session, actor, post, now) for post in session.scalars(coming.order_by(Post.id)).all())


def _follow(session: Session, actor: Actor, post: Post, now: datetime) -> bool:
    was = post.due_at
    try:
        means = due_time(post.wall_time or "", post.time_zone, post.fold_rule, post.gap_rule)
    except Invalid:
        return False  # the zone is gone: it goes out when it was meant to, as far as anybody knew
    if means == was:
        return False
    post.due_at, post.updated_at = means, now
    standing = select(Delivery).where(Delivery.post_id == post.id, Delivery.due_at == was, Delivery.state.in_(EDITABLE))
    for delivery in session.scalars(standing.order_by(Delivery.id)).all():
        delivering.reschedule(session, actor, delivery, means, now, post.late_limit)
    if post.state != "draft":
        audit.record(
            session, actor, "post.zone_changed", post, now, was=was.isoformat() if was else None, due=means.isoformat()
        )
    tell_of(session, post, now)
    return True
