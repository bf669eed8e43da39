"""What pages said of themselves when somebody looked at a link: kept for a day, each person's
own, so that nobody learns from it what a colleague is about to publish."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, not_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict
from guichet.instance import awaits_confirmation
from guichet.models import LinkPreview, Media, Rendition, VariantMedia
from guichet.policy import Action, Actor, require, require_somewhere

KEPT = timedelta(days=1)
PICTURES_KEPT = timedelta(days=7)  # of pages, for a post that is still being written
_AT_ONCE = 200


@dataclass(frozen=True)
class Seen:
    """What a page said, and where its link ended."""

    final_url: str
    title: str
    description: str


def require_looking(session: Session, actor: Actor) -> None:
    """For who may write posts somewhere. Raises Conflict `unconfirmed` on a copy that nobody has
    confirmed: it calls nobody by itself, and for nobody."""
    require_somewhere(actor, Action.POST_WRITE)
    if awaits_confirmation(session):
        raise Conflict("this instance was restored or copied: lift the brake to let it act", code="unconfirmed")


def find_preview(session: Session, actor: Actor, url: str, now: datetime) -> LinkPreview | None:
    """What the actor saw behind the link less than a day ago."""
    require_somewhere(actor, Action.POST_WRITE)
    mine = LinkPreview.staff_id == actor.staff_id, LinkPreview.digest == _digest(url)
    return session.scalars(select(LinkPreview).where(*mine, LinkPreview.fetched_at > now - KEPT)).first()


def keep_preview(
    session: Session, actor: Actor, url: str, seen: Seen, media: Media | None, now: datetime
) -> LinkPreview:
    """Keep what was seen, in place of what was seen before."""
    require_looking(session, actor)
    if actor.staff_id is None:
        raise ValueError("somebody looks")
    mine = LinkPreview.staff_id == actor.staff_id, LinkPreview.digest == _digest(url)
    session.execute(delete(LinkPreview).where(*mine))
    row = LinkPreview(
        staff_id=actor.staff_id, digest=_digest(url), url=url, final_url=seen.final_url, title=seen.title,
        description=seen.description, media_id=media.id if media else None, fetched_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def forget_previews(session: Session, actor: Actor, now: datetime) -> list[str]:
    """Let go of what was seen more than a day ago, and of pictures that no post uses a week later.
    Returns the keys of their bytes, to be given up once this is committed."""
    require(actor, Action.SYSTEM)
    session.execute(delete(LinkPreview).where(LinkPreview.fetched_at <= now - KEPT))
    held = exists().where(VariantMedia.media_id == Media.id), exists().where(LinkPreview.media_id == Media.id)
    stray = select(Media).where(Media.is_of_link, Media.created_at <= now - PICTURES_KEPT, *(not_(h) for h in held))
    gone = session.scalars(stray.order_by(Media.id).limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
    made = session.scalars(select(Rendition).where(Rendition.media_id.in_([m.id for m in gone]))).all()
    keys = [*(m.storage_key for m in gone), *(r.storage_key for r in made)]
    for row in made:
        session.delete(row)
    session.flush()
    for media in gone:
        audit.record(session, actor, "media.remove", media, now, size=media.size)
        session.delete(media)
    session.flush()
    return keys


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
