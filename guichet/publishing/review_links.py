"""Links for reviewers from outside: who holds one reads some posts, says something about them
and, where a step asks for somebody from outside, decides. No account, no other right."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.models import Post, PostTarget, Review, ReviewLink, ReviewLinkPost, ReviewVote, Variant, VariantMedia
from guichet.policy import Action, Actor, require_for_post
from guichet.publishing.queries import sees_post
from guichet.staff.rules import hash_secret, new_secret

MOST_POSTS = 100
LONGEST_LIFE = timedelta(days=90)


def make_link(
    session: Session, actor: Actor, posts: Sequence[Post], *, name: str, locale: str, life: timedelta, now: datetime
) -> tuple[ReviewLink, str]:
    """A link to these posts for `name`, and its secret, which is nowhere else. For who may
    write all of them: the guest sees them whole. Raises Invalid."""
    if actor.staff_id is None:
        raise NotAllowed("a person makes a link")
    for post in posts:
        require_for_post(actor, Action.POST_WRITE, post)
    wrong = {}
    if not posts or len(posts) > MOST_POSTS:
        wrong["post_ids"] = say("must be between 1 and {most}", most=MOST_POSTS)
    if not name.strip():
        wrong["name"] = say("is needed")
    if not timedelta(0) < life <= LONGEST_LIFE:
        wrong["hours"] = say("must be at most {most}", most=int(LONGEST_LIFE.total_seconds() // 3600))
    if wrong:
        raise Invalid("this link cannot be made", wrong)
    secret = new_secret()
    link = ReviewLink(
        secret_hash=hash_secret(secret), name=name.strip(), locale=locale, made_by=actor.staff_id, made_at=now,
        expires_at=now + life,
    )  # fmt: skip
    link.posts = [ReviewLinkPost(post_id=i) for i in sorted({p.id for p in posts})]
    session.add(link)
    session.flush()
    for post in posts:
        audit.record(session, actor, "post.link", post, now, link=link.id)
    return link, secret


def list_links(session: Session, actor: Actor, post: Post) -> Sequence[ReviewLink]:
    """The links to a post, newest first; never their secrets."""
    if not sees_post(actor, post):
        raise NotFound("there is no such post, or it is not yours to see")
    to_it = select(ReviewLinkPost.link_id).where(ReviewLinkPost.post_id == post.id)
    wanted = select(ReviewLink).where(ReviewLink.id.in_(to_it)).options(selectinload(ReviewLink.posts))
    return session.scalars(wanted.order_by(ReviewLink.id.desc())).all()


def revoke_link(session: Session, actor: Actor, link: ReviewLink, now: datetime) -> None:
    """End it, at once. For who may write all of its posts."""
    posts = session.scalars(select(Post).where(Post.id.in_([p.post_id for p in link.posts]))).all()
    for post in posts:
        require_for_post(actor, Action.POST_WRITE, post)
    if link.revoked_at is None:
        link.revoked_at = now
        for post in posts:
            audit.record(session, actor, "post.unlink", post, now, link=link.id)


def find_link(session: Session, link_id: int, secret: str, now: datetime) -> ReviewLink:
    """The link behind a secret. Raises NotFound for what is none, is over or was revoked,
    without saying which."""
    link = session.scalars(
        select(ReviewLink).where(ReviewLink.id == link_id, ReviewLink.secret_hash == hash_secret(secret))
    ).first()
    if link is None or link.revoked_at is not None or link.expires_at <= now:
        raise NotFound("this link does not lead anywhere, or not any more: ask for a new one")
    return link


def guest_of(link: ReviewLink) -> Actor:
    """Whoever holds the link: no right but what the link itself gives."""
    return Actor(staff_id=None, kind="guest", name=link.name, scopes=frozenset())


def decided_by(session: Session, link: ReviewLink) -> dict[int, str]:
    """What was said through the link last, by post: approve or reject."""
    wanted = (
        select(Review.post_id, ReviewVote.choice)
        .join(Review, Review.id == ReviewVote.review_id)
        .where(ReviewVote.link_id == link.id)
        .order_by(ReviewVote.id)
    )
    return dict(session.execute(wanted).tuples().all())


def posts_of(session: Session, link: ReviewLink) -> Sequence[Post]:
    """The posts that it leads to, in order of their time."""
    ids = [p.post_id for p in link.posts]
    media = selectinload(Post.variants).selectinload(Variant.media).selectinload(VariantMedia.media)
    wanted = select(Post).where(Post.id.in_(ids))
    loaded = wanted.options(media, selectinload(Post.targets).selectinload(PostTarget.variant))
    return session.scalars(loaded.order_by(Post.due_at, Post.id)).all()
