"""A change of a zone's rules as a difference: which posts it moves, and which it moved, from when
to when. People promised a time to somebody; they want to see what became of it before it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from guichet.models import AuditEntry, Post
from guichet.policy import Action, Actor, require
from guichet.publishing.zones import coming, due_time_of

MOST = 1000


@dataclass(frozen=True)
class Move:
    """A post that keeps its wall time and moves in UTC. `at`: when it was moved; None: it is to be."""

    post_id: int
    says: str
    time_zone: str
    wall_time: str
    was: datetime
    due_at: datetime
    at: datetime | None = None


def moves_to_come(session: Session, actor: Actor, now: datetime) -> list[Move]:
    """What the rules that are installed here would move, once they are followed; those that go
    out first first. Nothing is changed."""
    require(actor, Action.SYSTEM)
    posts = session.scalars(coming(now).options(selectinload(Post.variants))).all()
    moves = [
        Move(post.id, _says(post), post.time_zone, post.wall_time, post.due_at, means)
        for post in posts
        if post.due_at is not None and post.wall_time is not None and post.due_at > now
        if (means := due_time_of(post)) is not None and means != post.due_at
    ]
    return sorted(moves, key=lambda move: (move.due_at, move.post_id))


def moves_made(session: Session, actor: Actor, since: datetime) -> list[Move]:
    """What was moved `since`, newest first, at most 1,000; from the log."""
    require(actor, Action.SYSTEM)
    log = select(AuditEntry).where(AuditEntry.action == "post.zone_changed", AuditEntry.at >= since)
    entries = [e for e in session.scalars(log.order_by(AuditEntry.id.desc()).limit(MOST)) if "was" in e.data]
    wanted = select(Post).where(Post.id.in_({e.target_id for e in entries})).options(selectinload(Post.variants))
    posts = {post.id: post for post in session.scalars(wanted)}
    return [
        Move(
            post.id, _says(post), post.time_zone, post.wall_time or "", datetime.fromisoformat(entry.data["was"]),
            datetime.fromisoformat(entry.data["due"]), entry.at,
        )
        for entry in entries
        if (post := posts.get(entry.target_id or 0)) is not None
    ]  # fmt: skip


def _says(post: Post) -> str:
    return post.title or next((v.text for v in post.variants if v.is_base), "")
