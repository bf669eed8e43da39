"""Reading posts: lists and calendars by keyset, one post with all that a page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypedDict, Unpack

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, selectinload

from guichet.delivery.states import State
from guichet.errors import NotFound
from guichet.models import (
    Account,
    Delivery,
    Post,
    PostTagging,
    PostTarget,
    Staff,
    TargetRendition,
    Variant,
    VariantMedia,
)
from guichet.policy import Action, Actor, can, require, require_for_post, visible

_SEEING = (Action.POST_VIEW, Action.POST_WRITE)  # a token that only writes reads its own answer
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)  # where drafts without a time stand: first


@dataclass(frozen=True)
class Place:
    """Where a page ended: the last post's time and id."""

    due_at: datetime | None
    id: int


class Filter(TypedDict, total=False):
    """Which posts a list leaves, as `list_posts` takes it."""

    brand_id: int | None
    account_ids: Sequence[int] | None
    author_id: int | None
    import_id: int | None
    label_ids: Sequence[int] | None
    campaign_ids: Sequence[int] | None
    states: Sequence[str] | None
    since: datetime | None
    until: datetime | None
    text: str
    soonest_first: bool


def list_posts(
    session: Session, actor: Actor, *, after: Place | None = None, limit: int = 50, **wanted: Unpack[Filter]
) -> Sequence[Post]:
    """Posts on accounts that the actor sees, and their own drafts for none yet; latest due first, those
    without a time before them (`soonest_first`: the other way round). One more than `limit` is
    never read: ask for one more to know whether there is."""
    require(actor, Action.STAFF_VIEW)
    when, soonest_first = func.coalesce(Post.due_at, _NEVER), wanted.get("soonest_first", False)
    found = _loaded(select(Post)).where(*fitting(actor, wanted))
    if after is not None:
        found = found.where(_behind(after, when, soonest_first))
    order = (when, Post.id) if soonest_first else (when.desc(), Post.id.desc())
    return session.scalars(found.order_by(*order).limit(limit)).all()


def fitting(actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    """What posts must satisfy to be seen by the actor and wanted. `states` are those of the post, or
    failed, held, needs_human for what stands so on some account; of labels, campaigns and
    accounts any that is named."""
    found = [_may_see(actor)]
    if wanted.get("brand_id") is not None:
        found.append(Post.brand_id == wanted["brand_id"])
    if wanted.get("account_ids"):
        on_these = PostTarget.account_id.in_(wanted["account_ids"] or ())
        found.append(Post.id.in_(select(PostTarget.post_id).where(on_these, _target_is_seen(actor))))
    if wanted.get("author_id") is not None:
        found.append(Post.author_id == wanted["author_id"])
    if wanted.get("import_id") is not None:
        found.append(Post.import_id == wanted["import_id"])
    for tag_ids in (wanted.get("label_ids"), wanted.get("campaign_ids")):
        if tag_ids:
            found.append(Post.id.in_(select(PostTagging.post_id).where(PostTagging.tag_id.in_(tag_ids))))
    states, since, until = wanted.get("states"), wanted.get("since"), wanted.get("until")
    if states:
        found.append(_stands(actor, states))
    if since is not None:
        found.append(Post.due_at >= since)
    if until is not None:
        found.append(Post.due_at < until)
    if wanted.get("text"):
        found.append(_says(actor, wanted["text"]))
    return found


def _says(actor: Actor, text: str) -> ColumnElement[bool]:
    seen = select(PostTarget.variant_id).where(_target_is_seen(actor))
    says = select(Variant.post_id).where(
        Variant.text.icontains(text, autoescape=True), or_(Variant.is_base, Variant.id.in_(seen))
    )
    return or_(Post.title.icontains(text, autoescape=True), Post.id.in_(says))


def _behind(after: Place, when: ColumnElement[datetime], soonest_first: bool) -> ColumnElement[bool]:
    at = after.due_at or _NEVER
    if soonest_first:
        return or_(when > at, and_(when == at, Post.id > after.id))
    return or_(when < at, and_(when == at, Post.id < after.id))


def get_post(session: Session, actor: Actor, post_id: int) -> Post:
    """Raises NotFound, also for one that the actor may not see."""
    post = session.scalars(_loaded(select(Post)).where(Post.id == post_id)).first()
    if post is None:
        raise NotFound("there is no such post, or it is not yours to see")
    seen = select(Post.id).where(Post.id == post_id, _may_see(actor))
    if session.scalar(seen) is None:
        require_for_post(actor, Action.POST_VIEW, post)
        raise NotFound("there is no such post, or it is not yours to see")
    return post


def load_posts(session: Session, actor: Actor, post_ids: Sequence[int]) -> list[Post]:
    """Those of these posts that the actor sees, in this order, with all that a page shows."""
    wanted = _loaded(select(Post)).where(Post.id.in_(post_ids), _may_see(actor))
    found = {post.id: post for post in session.scalars(wanted)}
    return [found[i] for i in post_ids if i in found]


def deliveries_of(session: Session, actor: Actor, post_ids: Sequence[int]) -> dict[int, list[Delivery]]:
    """The deliveries of each post, with their attempts, on the accounts that the actor sees."""
    if not post_ids:
        return {}
    rows = session.scalars(
        select(Delivery)
        .options(selectinload(Delivery.attempts))
        .where(Delivery.post_id.in_(post_ids), visible(actor, Delivery.account_id, Action.POST_VIEW))
        .order_by(Delivery.account_id, Delivery.item, Delivery.id)
    )
    found: dict[int, list[Delivery]] = {id_: [] for id_ in post_ids}
    for delivery in rows:
        if delivery.post_id is not None:
            found[delivery.post_id].append(delivery)
    return found


def accounts_of(session: Session, post: Post) -> dict[int, Account]:
    """The accounts that a post is for, by id."""
    ids = [t.account_id for t in post.targets]
    return {a.id: a for a in session.scalars(select(Account).where(Account.id.in_(ids)))} if ids else {}


def name_of(session: Session, staff_id: int | None) -> str:
    """A colleague's name, as those who read the same post see it."""
    return session.scalar(select(Staff.name).where(Staff.id == staff_id)) or ""


def _loaded(wanted: Select[Post]) -> Select[Post]:
    media = selectinload(Post.variants).selectinload(Variant.media).selectinload(VariantMedia.media)
    targets = selectinload(Post.targets)
    made = targets.selectinload(PostTarget.renditions).selectinload(TargetRendition.rendition)
    return wanted.options(media, targets.selectinload(PostTarget.variant), made, selectinload(Post.tags))


def _may_see(actor: Actor) -> ColumnElement[bool]:
    """Who sees one of its accounts; while it is for none, its author."""
    targets = select(PostTarget.id).where(PostTarget.post_id == Post.id)
    own = and_(Post.author_id == actor.staff_id, ~targets.exists())
    return or_(targets.where(_target_is_seen(actor)).exists(), own, _sees_all(actor))


def _target_is_seen(actor: Actor) -> ColumnElement[bool]:
    return or_(*(visible(actor, PostTarget.account_id, action) for action in _SEEING))


def sees_target(actor: Actor, target: PostTarget) -> bool:
    """Whether the actor may know what a post says on this account."""
    return sees_posts_on(actor, target.account_id)


def sees_post(actor: Actor, post: Post) -> bool:
    """Whether the actor may know of the post: by one of its accounts or, while it is for
    none, as its author."""
    if not post.targets:
        return actor.sees_every_account or post.author_id == actor.staff_id
    return any(sees_target(actor, t) for t in post.targets)


def sees_posts_on(actor: Actor, account_id: int) -> bool:
    """Whether the actor may know what posts say on this account."""
    return any(can(actor, action, account_id) for action in _SEEING)


def _sees_all(actor: Actor) -> ColumnElement[bool]:
    any_account = visible(actor, Post.brand_id, Action.POST_VIEW)
    return any_account if actor.sees_every_account else Post.id.is_(None)


_BY_DELIVERY = {"failed": State.FAILED, "held": State.HELD, "needs_human": State.NEEDS_HUMAN}


def _stands(actor: Actor, states: Sequence[str]) -> ColumnElement[bool]:
    own = [s for s in states if s not in _BY_DELIVERY]
    of_deliveries = [_BY_DELIVERY[s] for s in states if s in _BY_DELIVERY]
    if "published" in own:
        own.append("done")
    some = select(Delivery.id).where(
        Delivery.post_id == Post.id, Delivery.state.in_(of_deliveries),
        visible(actor, Delivery.account_id, Action.POST_VIEW),
    )  # fmt: skip
    return or_(Post.state.in_(own), some.exists()) if of_deliveries else Post.state.in_(own)
