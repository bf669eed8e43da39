"""Whose files may be sent by whom: the one rule for posts and answers, so that nobody
sends, by a guessed id, what they may not even see."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from guichet.delivery.payload import MediaRef
from guichet.models import Media, PostTarget, VariantMedia
from guichet.policy import Action, Actor, visible


def visible_files(actor: Actor) -> ColumnElement[bool]:
    """The WHERE clause that leaves of `Media` one's own files, and those in a post on an
    account that one sees."""
    if actor.sees_every_account:
        return true()
    in_post = (
        select(PostTarget.id)
        .join(VariantMedia, VariantMedia.variant_id == PostTarget.variant_id)
        .where(VariantMedia.media_id == Media.id, visible(actor, PostTarget.account_id, Action.POST_VIEW))
    )
    return or_(Media.uploaded_by == actor.staff_id, in_post.exists())


def ref_of(media: Media, alt: str = "") -> MediaRef:
    """The file as a post or an answer names it; `alt` where it is described there otherwise."""
    return MediaRef(
        media_id=media.id, sha256=media.sha256, mime=media.mime, size=media.size, filename=media.filename,
        alt=alt or media.alt, storage_key=media.storage_key, width=media.width, height=media.height,
    )  # fmt: skip


def find_files(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, Media]:
    """Those of these files that `actor` may send, by id."""
    if not ids:
        return {}
    wanted = select(Media).where(Media.id.in_(set(ids)), visible_files(actor))
    return {media.id: media for media in session.scalars(wanted)}
