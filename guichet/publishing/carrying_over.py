"""An approval of what repeats: it is given once, for what is said on an account, and holds for
every occurrence of the same item that says the same there. An approval that is for one time
only is never carried over, nor is what was sent without any."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, selectinload

from guichet import audit
from guichet.models import Post, Review, ReviewVote
from guichet.policy import SYSTEM, Action, Actor, require
from guichet.publishing.approving import release, settle
from guichet.publishing.drafting import contents_of, tell_of
from guichet.publishing.policies import find_policy
from guichet.publishing.reviewing import lock
from guichet.publishing.rules import content_hash

_MOST = 100


def inherit_approvals(session: Session, actor: Actor, post: Post) -> None:
    """Let what an item's new occurrence says be agreed to where it was agreed to before."""
    require(actor, Action.SYSTEM)
    if find_policy(session, post.brand_id).binds_time:
        return
    digests = {c.account_id: content_hash([c]) for c in contents_of(post)}
    found = {(r.account_id, r.content_hash): r for r in _granted(session, post.evergreen_id, digests.values())}
    for account_id, digest in digests.items():
        if (before := found.get((account_id, digest))) is not None:
            made = Review(
                post_id=post.id, account_id=account_id, content_hash=digest, asked_by=before.asked_by,
                asked_at=before.asked_at, authors_may=before.authors_may,
            )  # fmt: skip
            session.add(made)
            _agree(made, before)
    session.flush()


def carry_over(session: Session, actor: Actor, now: datetime) -> int:
    """Agree to what waits and was agreed to in another occurrence of its item. Returns for how many."""
    require(actor, Action.SYSTEM)
    other, sibling = aliased(Review), aliased(Post)
    waiting = (
        select(Review.id, Review.post_id)
        .join(Post, Post.id == Review.post_id)
        .join(sibling, sibling.evergreen_id == Post.evergreen_id)
        .join(other, other.post_id == sibling.id)
        .where(
            Review.state == "waiting", Review.due_at.is_(None), other.state == "granted", other.due_at.is_(None),
            other.account_id == Review.account_id, other.content_hash == Review.content_hash,
        )
        .distinct().order_by(Review.id).limit(_MOST)
    )  # fmt: skip
    done = 0
    for review_id, post_id in session.execute(waiting).all():
        review, post = session.get_one(Review, review_id), session.get_one(Post, post_id)
        lock(session, [review])
        granted = _granted(session, post.evergreen_id, [review.content_hash])
        before = next((r for r in granted if r.account_id == review.account_id), None)
        if review.state != "waiting" or before is None:
            continue
        _agree(review, before)
        release(session, post, review, now)
        settle(session, post, now)
        audit.record(session, SYSTEM, "post.approval_carried", post, now, account=review.account_id)
        tell_of(session, post, now)
        done += 1
    return done


def _granted(session: Session, item_id: int | None, digests: Collection[str]) -> list[Review]:
    """Of the item's occurrences, newest last."""
    wanted = (
        select(Review)
        .join(Post, Post.id == Review.post_id)
        .where(Post.evergreen_id == item_id, Review.state == "granted", Review.due_at.is_(None))
        .where(Review.content_hash.in_(digests))
    )
    return list(session.scalars(wanted.options(selectinload(Review.votes)).order_by(Review.id)))


def _agree(review: Review, before: Review) -> None:
    """Make it stand as the other one stood when it was granted."""
    review.state, review.steps, review.step, review.step_at = "granted", before.steps, before.step, before.step_at
    review.settled_by, review.settled_at, review.reason = before.settled_by, before.settled_at, before.reason
    review.carried_by = before.carried_by
    review.votes.extend(
        ReviewVote(
            step=v.step, staff_id=v.staff_id, link_id=v.link_id, choice=v.choice, stands_in=v.stands_in,
            reason=v.reason, at=v.at,
        )
        for v in before.votes
        if v.choice == "approve"
    )  # fmt: skip
