"""Not before: nothing of a post begins before its embargo ends, however it is asked for. Said
here where somebody plans; the start of every send asks once more (guichet.delivery.gates)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from channels.sentences import say
from guichet import audit
from guichet.delivery.states import EDITABLE, FINAL, State
from guichet.errors import Conflict, Invalid
from guichet.models import Post
from guichet.policy import Action, Actor, require_for_post
from guichet.publishing.chains import deliveries_of
from guichet.publishing.drafting import tell_of
from guichet.publishing.rules import due_time


def set_embargo(
    session: Session, actor: Actor, post: Post, wall_time: str | None, time_zone: str, now: datetime
) -> None:
    """Let nothing of it out before a wall time in a zone (None: no embargo). Raises Conflict
    where some of it has begun, Invalid where it is planned for before that."""
    require_for_post(actor, Action.POST_WRITE, post)
    until = due_time(wall_time, time_zone) if wall_time else None
    if until == post.embargo_at and (wall_time or None) == post.embargo_wall_time:
        return
    deliveries = deliveries_of(session, post)
    begun = [d.id for d in deliveries if d.state not in {*EDITABLE, *FINAL, State.CLAIMED} or d.remote_id]
    if until is not None and (begun or post.state in ("done", "cancelled")):
        raise Conflict("it is being sent, or was", code="too_late", current={"deliveries": begun})
    if until is not None and any(d.due_at < until for d in deliveries if d.state not in FINAL):
        raise Invalid(
            "it is planned for before that: move it first", {"embargo_wall_time": "is after the time it is planned for"}
        )
    post.embargo_wall_time = wall_time or None
    post.embargo_time_zone, post.embargo_at, post.updated_at = time_zone, until, now
    flag_modified(post, "updated_at")
    audit.record(session, actor, "post.embargo", post, now, until=until.isoformat() if until else None)
    tell_of(session, post, now)


def require_after_embargo(post: Post, due_at: datetime) -> None:
    """Raises Conflict where it would go out before its embargo ends."""
    if post.embargo_at is not None and due_at < post.embargo_at:
        when, zone = (post.embargo_wall_time or "").replace("T", " "), post.embargo_time_zone
        raise Conflict(
            say("it is under embargo until {time}, {zone}", time=when, zone=zone), code="embargo",
            current={"until": post.embargo_at.isoformat()},
        )  # fmt: skip
