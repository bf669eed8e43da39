"""What people say to each other about a post: who works on it, and guests with a link to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from channels.sentences import say
from guichet import audit, live
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.models import Post, PostComment, PostMention, Staff
from guichet.policy import Actor, load_actor
from guichet.publishing.drafting import tell_of
from guichet.publishing.queries import sees_post
from guichet.publishing.versions import begin_versions, current_number
from guichet.staff.calling import called_in

LONGEST = 4000  # characters


def comment(
    session: Session, actor: Actor, post: Post, text: str, now: datetime, *, link_id: int | None = None
) -> PostComment:
    """Say something about the post as it stands. Whoever is named in it as @name, and sees
    the post, is told. Raises Invalid, NotFound."""
    said = text.strip()
    if not said or len(said) > LONGEST:
        raise Invalid("say something", {"text": say("must have between 1 and {most} characters", most=LONGEST)})
    if actor.kind != "guest" and not sees_post(actor, post):
        raise NotFound("there is no such post, or it is not yours to see")
    begin_versions(session, post)
    made = PostComment(
        post_id=post.id, version=current_number(session, post.id), staff_id=actor.staff_id, link_id=link_id, text=said,
        at=now,
    )  # fmt: skip
    for staff in _named(session, post, said, now):
        if staff.id != actor.staff_id:
            made.mentions.append(PostMention(staff_id=staff.id))
            live.tell(session, "post", now, staff_id=staff.id, id=post.id)
    session.add(made)
    session.flush()
    by = {} if link_id is None else {"link": link_id}
    audit.record(session, actor, "post.comment", post, now, comment=made.id, **by)
    tell_of(session, post, now)
    return made


def list_comments(session: Session, actor: Actor, post: Post) -> Sequence[PostComment]:
    """Oldest first; for who sees the post."""
    if actor.kind != "guest" and not sees_post(actor, post):
        return []
    wanted = select(PostComment).where(PostComment.post_id == post.id).options(selectinload(PostComment.mentions))
    return session.scalars(wanted.order_by(PostComment.id)).all()


def unseen_mentions(session: Session, actor: Actor) -> Sequence[PostComment]:
    """Comments that call for the actor and that they have not seen."""
    wanted = (
        select(PostComment)
        .join(PostMention)
        .where(PostMention.staff_id == actor.staff_id, PostMention.seen_at.is_(None))
        .order_by(PostComment.id)
    )
    return session.scalars(wanted.limit(200)).all()


def see_mentions(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """The actor has seen what was said to them about this post."""
    if actor.staff_id is None:
        raise NotAllowed("only a person sees")
    of_post = select(PostComment.id).where(PostComment.post_id == post.id)
    mine = select(PostMention).where(
        PostMention.staff_id == actor.staff_id, PostMention.seen_at.is_(None), PostMention.comment_id.in_(of_post)
    )
    for mention in session.scalars(mine):
        mention.seen_at = now
    live.tell(session, "post", now, staff_id=actor.staff_id, id=post.id)


def _named(session: Session, post: Post, text: str, now: datetime) -> list[Staff]:
    """People called by "@Their name" (the longest name that fits) or by the first part of
    their address, who may see the post."""
    people = session.scalars(select(Staff).where(Staff.disabled_at.is_(None))).all() if "@" in text else ()
    calls = ((call, s) for s in people for call in {s.name, s.email.split("@")[0]})
    return [s for s in called_in(text, calls) if sees_post(load_actor(session, s, now), post)]
