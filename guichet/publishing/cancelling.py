"""Giving up one delivery of a post, by itself. What nobody has to agree to any more is asked
of nobody: a review ends with the last delivery that it was to let go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from guichet.delivery import operations as delivering
from guichet.delivery.states import FINAL, State
from guichet.models import Delivery, Post
from guichet.policy import Actor
from guichet.publishing.approving import settle
from guichet.publishing.chains import deliveries_of
from guichet.publishing.drafting import tell_of
from guichet.publishing.reviewing import close, open_reviews


def cancel_one(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Do not send it, nor what follows it; see `guichet.delivery.operations.cancel`. The post
    waits for whom its other accounts wait for; where nothing of it is left, it is cancelled."""
    delivering.cancel(session, actor, delivery, now)
    post = session.get(Post, delivery.post_id) if delivery.post_id is not None else None
    if post is not None and post.state == "awaiting_approval":
        _end_reviews_of_nothing(session, post, now)


def _end_reviews_of_nothing(session: Session, post: Post, now: datetime) -> None:
    deliveries = deliveries_of(session, post)
    has_more = {d.account_id for d in deliveries if d.state not in FINAL}
    ended = [r for r in open_reviews(session, [post.id], ("waiting",)) if r.account_id not in has_more]
    for review in ended:
        close(review, "void", now)
    if ended:
        settle(session, post, now)
        if all(d.state == State.CANCELLED for d in deliveries):
            post.state = "cancelled"
        tell_of(session, post, now)
