"""Labels and campaigns: what a brand sorts its posts by. They say nothing to the public, so
that changing them voids no approval and is possible for what is out already.

A post has labels and a campaign of its own brand only, any number of the ones and one of the
other at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import brands_seen, in_brands_seen, may_sort, sees_every_brand
from guichet.errors import Conflict, Invalid, NotFound
from guichet.inbox.labels import COLOURS
from guichet.models import Brand, Post, PostTag, PostTagging
from guichet.policy import Action, Actor, require, require_for_post
from guichet.publishing.drafting import tell_of

KINDS = ("label", "campaign")
LONGEST_NAME = 60
_SEPARATORS = frozenset(",;|\n")  # which stand between names in a table


def list_tags(
    session: Session, actor: Actor, *, brand_id: int | None = None, after: int = 0, limit: int = 200
) -> Sequence[PostTag]:
    """Of the brands that the actor sees, by id."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(PostTag).where(PostTag.id > after).order_by(PostTag.id).limit(limit)
    if brand_id is not None:
        wanted = wanted.where(PostTag.brand_id == brand_id)
    return session.scalars(wanted.where(in_brands_seen(session, actor, PostTag.brand_id))).all()


def get_tag(session: Session, actor: Actor, tag_id: int) -> PostTag:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    return get_tags(session, actor, [tag_id])[0]


def get_tags(session: Session, actor: Actor, tag_ids: Sequence[int]) -> list[PostTag]:
    """Those of these ids, in their order. Raises NotFound."""
    require(actor, Action.STAFF_VIEW)
    found = {tag.id: tag for tag in session.scalars(select(PostTag).where(PostTag.id.in_(tag_ids)))}
    seen = None if sees_every_brand(actor) else brands_seen(session, actor)
    if any(i not in found or (seen is not None and found[i].brand_id not in seen) for i in tag_ids):
        raise NotFound("there is no such label or campaign, or it is not yours to see")
    return [found[i] for i in dict.fromkeys(tag_ids)]


def ids_named(session: Session, actor: Actor, brand_id: int, wanted: Sequence[tuple[str, str]]) -> list[int]:
    """Ids of a brand's labels and campaigns by kind and name. Raises Invalid for one that the
    brand has not."""
    require(actor, Action.STAFF_VIEW)
    rows = session.scalars(select(PostTag).where(PostTag.brand_id == brand_id))
    known = {(tag.kind, tag.folded): tag.id for tag in rows}
    for kind, name in wanted:
        if (kind, fold(name)) not in known:
            raise Invalid(say("the brand has no “{name}”", name=name), {kind: say("“{name}” is unknown", name=name)})
    return [known[kind, fold(name)] for kind, name in wanted]


def create_tag(
    session: Session, actor: Actor, brand: Brand, *, kind: str, name: str, colour: str = "neutral", now: datetime
) -> PostTag:
    """A new label or campaign. Raises Invalid (fields kind, name, colour), Conflict `exists`."""
    require_managing(session, actor, brand.id)
    if kind not in KINDS:
        raise Invalid("say what it is", {"kind": say("must be one of {choices}", choices=", ".join(KINDS))})
    name = _checked(session, brand.id, kind, name, colour, None)
    tag = PostTag(brand_id=brand.id, kind=kind, name=name, folded=fold(name), colour=colour, created_at=now)
    session.add(tag)
    session.flush()
    audit.record(session, actor, "post_tag.create", tag, now)
    return tag


def change_tag(session: Session, actor: Actor, tag: PostTag, *, name: str, colour: str, now: datetime) -> PostTag:
    """Rename or recolour it; every post shows it so. Raises as `create_tag`."""
    require_managing(session, actor, tag.brand_id)
    tag.name = _checked(session, tag.brand_id, tag.kind, name, colour, tag.id)
    tag.folded, tag.colour = fold(tag.name), colour
    session.flush()
    audit.record(session, actor, "post_tag.change", tag, now)
    return tag


def delete_tag(session: Session, actor: Actor, tag: PostTag, now: datetime) -> None:
    """Take it off every post and forget it."""
    require_managing(session, actor, tag.brand_id)
    session.execute(delete(PostTagging).where(PostTagging.tag_id == tag.id))
    audit.record(session, actor, "post_tag.delete", tag, now)
    session.delete(tag)
    session.flush()


def tag_post(session: Session, actor: Actor, post: Post, tag_ids: Sequence[int], now: datetime) -> None:
    """Let these be its labels and campaign, whatever they were. Raises Invalid for those of
    another brand and for two campaigns, NotFound."""
    require_for_post(actor, Action.POST_WRITE, post)
    _put(session, actor, post, get_tags(session, actor, tag_ids), now)


def tag_posts(
    session: Session, actor: Actor, posts: Sequence[Post], *, add: Sequence[int], remove: Sequence[int], now: datetime
) -> None:
    """Add and take off labels and campaigns, on all of these posts or on none; a campaign that
    is added takes the place of another. Raises as `tag_post`."""
    for post in posts:
        require_for_post(actor, Action.POST_WRITE, post)
    added, gone = get_tags(session, actor, add), set(remove)
    if any(tag.kind == "campaign" for tag in added):
        gone |= {tag.id for post in posts for tag in post.tags if tag.kind == "campaign"}
    gone -= {tag.id for tag in added}
    for post in posts:
        kept = [tag for tag in post.tags if tag.id not in gone]
        _put(session, actor, post, [*kept, *(tag for tag in added if tag not in kept)], now)


def fold(name: str) -> str:
    """A name as it is compared: case does not tell two apart."""
    return " ".join(name.split()).casefold()


def _put(session: Session, actor: Actor, post: Post, tags: Sequence[PostTag], now: datetime) -> None:
    if any(tag.brand_id != post.brand_id for tag in tags):
        raise Invalid("labels and campaigns are of the post’s own brand", {"tag_ids": "name one of another brand"})
    if sum(tag.kind == "campaign" for tag in tags) > 1:
        raise Invalid("a post is of one campaign", {"tag_ids": "name several campaigns"})
    if {tag.id for tag in tags} == {tag.id for tag in post.tags}:
        return
    post.tags = sorted(tags, key=lambda tag: (tag.kind, tag.folded))
    session.flush()
    audit.record(session, actor, "post.tags", post, now, tags=sorted(tag.id for tag in tags))
    tell_of(session, post, now)


def require_managing(session: Session, actor: Actor, brand_id: int) -> None:
    """Raises NotAllowed for who does not make what the brand sorts and writes its posts with."""
    if not may_sort(session, actor, brand_id):
        require(actor, Action.LABEL_MANAGE)


def _checked(session: Session, brand_id: int, kind: str, name: str, colour: str, own_id: int | None) -> str:
    held, name = set(name), " ".join(name.split())
    fields: dict[str, str] = {}
    if not 0 < len(name) <= LONGEST_NAME:
        fields["name"] = say("must have 1 to {most} characters", most=LONGEST_NAME)
    elif held & _SEPARATORS:
        fields["name"] = say("must not hold a comma, a semicolon or a bar: in tables they stand between names")
    if colour not in COLOURS:
        fields["colour"] = say("must be one of {choices}", choices=", ".join(COLOURS))
    if fields:
        raise Invalid("this name cannot be kept so" if "name" in fields else "there is no such colour", fields)
    same = select(PostTag.id).where(PostTag.brand_id == brand_id, PostTag.kind == kind, PostTag.folded == fold(name))
    if session.scalars(same.where(PostTag.id != (own_id or 0))).first():
        raise Conflict(say("there is a “{name}” already", name=name), code="exists")
    return name
