"""Sets of hashtags, brand by brand: what authors put into a text at once.

A set says nothing to the public by itself: what it holds is copied into a text, so that
changing it touches no post. Who makes labels and campaigns makes sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import brands_seen, in_brands_seen, sees_every_brand
from guichet.errors import Conflict, Invalid, NotFound
from guichet.models import Brand, HashtagSet
from guichet.policy import Action, Actor, require
from guichet.publishing.tags import LONGEST_NAME, fold, require_managing

MOST_TAGS = 60
LONGEST_TAG = 100  # characters


def list_sets(
    session: Session, actor: Actor, *, brand_id: int | None = None, after: int = 0, limit: int = 200
) -> Sequence[HashtagSet]:
    """Of the brands that the actor sees, by id."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(HashtagSet).where(HashtagSet.id > after).order_by(HashtagSet.id).limit(limit)
    if brand_id is not None:
        wanted = wanted.where(HashtagSet.brand_id == brand_id)
    return session.scalars(wanted.where(in_brands_seen(session, actor, HashtagSet.brand_id))).all()


def get_set(session: Session, actor: Actor, set_id: int) -> HashtagSet:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    require(actor, Action.STAFF_VIEW)
    row = session.get(HashtagSet, set_id)
    if row is None or not (sees_every_brand(actor) or row.brand_id in brands_seen(session, actor)):
        raise NotFound("there is no such set of hashtags, or it is not yours to see")
    return row


def create_set(
    session: Session, actor: Actor, brand: Brand, *, name: str, tags: Sequence[str], now: datetime
) -> HashtagSet:
    """A new set. Raises Invalid (fields name, tags), Conflict `exists`."""
    require_managing(session, actor, brand.id)
    name = _checked_name(session, brand.id, name, None)
    row = HashtagSet(brand_id=brand.id, name=name, folded=fold(name), tags=plain_tags(tags), created_at=now)
    session.add(row)
    session.flush()
    audit.record(session, actor, "hashtag_set.create", row, now)
    return row


def change_set(
    session: Session, actor: Actor, row: HashtagSet, *, name: str, tags: Sequence[str], now: datetime
) -> None:
    """Rename it, or give it other tags. Raises as `create_set`."""
    require_managing(session, actor, row.brand_id)
    row.name = _checked_name(session, row.brand_id, name, row.id)
    row.folded, row.tags = fold(row.name), plain_tags(tags)
    session.flush()
    audit.record(session, actor, "hashtag_set.change", row, now)


def delete_set(session: Session, actor: Actor, row: HashtagSet, now: datetime) -> None:
    """Forget it; the posts that it was put into keep their words."""
    require_managing(session, actor, row.brand_id)
    audit.record(session, actor, "hashtag_set.delete", row, now)
    session.delete(row)
    session.flush()


# ---------------------------------------------------------------- pure


@dataclass(frozen=True)
class Cut:
    """A tag of which a network takes only a part for one (`taken`, "": nothing)."""

    tag: str
    network: str
    taken: str


def plain_tags(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: without their #, each once whatever its case. Raises Invalid."""
    kept: dict[str, str] = {}
    for n, given in enumerate(tags):
        tag = given.strip().lstrip("#＃")
        if not tag or len(tag) > LONGEST_TAG or not tag.isprintable() or any(c.isspace() or c in "#＃" for c in tag):
            wrong = say(
                "“{name}” is no hashtag: one word of at most {most} characters", name=given[:60], most=LONGEST_TAG
            )
            raise Invalid("this is no hashtag", {f"tags.{n}": wrong})
        kept.setdefault(tag.casefold(), tag)
    if not 0 < len(kept) <= MOST_TAGS:
        raise Invalid("name hashtags", {"tags": say("must be 1 to {most}", most=MOST_TAGS)})
    return list(kept.values())


def cut_on(tags: Iterable[str], specs: Iterable[ChannelSpec]) -> list[Cut]:
    """Where a network would link less than the whole tag."""
    kinds = [(spec.name, spec.hashtag) for spec in specs if spec.hashtag is not None]
    found = (Cut(tag, name, taken(tag)) for tag in tags for name, taken in kinds)
    return [cut for cut in found if cut.taken != cut.tag]


def _checked_name(session: Session, brand_id: int, name: str, own_id: int | None) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        wrong = say("must have 1 to {most} characters", most=LONGEST_NAME)
        raise Invalid("this name cannot be kept so", {"name": wrong})
    same = select(HashtagSet.id).where(HashtagSet.brand_id == brand_id, HashtagSet.folded == fold(name))
    if session.scalars(same.where(HashtagSet.id != (own_id or 0))).first():
        raise Conflict(say("there is a “{name}” already", name=name), code="exists")
    return name
