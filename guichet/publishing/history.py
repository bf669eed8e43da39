"""Everything that was done with a post, in order: from the log, with what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.errors import NotFound
from guichet.models import AuditEntry, Post, PostComment, Review, ReviewLink, ReviewVote
from guichet.policy import Actor
from guichet.publishing.queries import sees_post

MOST = 500


@dataclass(frozen=True)
class Entry:
    """One act. `staff_id` or, for somebody from outside, `guest`; None of both: the machine.
    `text`: the reason or comment that was given."""

    at: datetime
    action: str
    staff_id: int | None
    guest: str
    text: str
    data: Mapping[str, Any]


def history_of(session: Session, actor: Actor, post: Post) -> list[Entry]:
    """The newest acts, oldest first. Raises NotFound."""
    if not sees_post(actor, post):
        raise NotFound("there is no such post, or it is not yours to see")
    log = select(AuditEntry).where(AuditEntry.target_kind == "post", AuditEntry.target_id == post.id)
    rows = session.scalars(log.order_by(AuditEntry.id.desc()).limit(MOST)).all()
    said, guests = _said(session, post), _guests(session, rows)
    return [
        Entry(
            at=row.at, action=row.action, staff_id=row.actor_id, guest=guests.get(row.data.get("link"), ""),
            text=said.get((row.action, row.data.get("comment") or row.at, row.actor_id), ""), data=row.data,
        )
        for row in reversed(rows)
    ]  # fmt: skip


_ACTIONS = {"approve": "post.approve", "reject": "post.reject"}


def _said(session: Session, post: Post) -> dict[tuple[Any, ...], str]:
    """What was said with an act, by the act, its comment or moment, and who did it."""
    of_post = select(Review.id).where(Review.post_id == post.id)
    found: dict[tuple[Any, ...], str] = {}
    for vote in session.scalars(select(ReviewVote).where(ReviewVote.review_id.in_(of_post))):
        found[_ACTIONS.get(vote.choice, ""), vote.at, vote.staff_id] = vote.reason
    for review in session.scalars(select(Review).where(Review.post_id == post.id, Review.state == "bypassed")):
        found["post.send_unapproved", review.settled_at, review.settled_by] = review.reason
    for comment in session.scalars(select(PostComment).where(PostComment.post_id == post.id)):
        found["post.comment", comment.id, comment.staff_id] = comment.text
    return found


def _guests(session: Session, rows: Any) -> dict[Any, str]:
    ids = {row.data["link"] for row in rows if row.actor_kind == "guest" and "link" in row.data}
    if not ids:
        return {}
    return dict(session.execute(select(ReviewLink.id, ReviewLink.name).where(ReviewLink.id.in_(ids))).tuples().all())
