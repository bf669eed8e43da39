"""Whose files may be sent by whom: the one rule for posts and answers, so that nobody
sends, by a guessed id, what they may not even see. A brand's library is for who may write
posts there; whoever only reads sees its files in the posts that they see."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session, joinedload

from channels.contract import MediaLimit
from guichet.delivery.bounds import bounds_for, joined
from guichet.delivery.film_bounds import film_bounds_for
from guichet.delivery.payload import MediaRef
from guichet.models import Account, FilmJob, FilmState, Media, PostTarget, Rendition, VariantMedia
from guichet.policy import Action, Actor, visible

COMING = (FilmState.WAITING, FilmState.RUNNING)  # states of the work at a film that will be there
_ENDINGS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "video/mp4": "mp4"}


def visible_files(actor: Actor) -> ColumnElement[bool]:
    """The WHERE clause that leaves of `Media` one's own files, those in a post on an account
    that one sees, and the library of each brand in which one may write."""
    if actor.sees_every_account:
        return true()
    in_post = (
        select(PostTarget.id)
        .join(VariantMedia, VariantMedia.variant_id == PostTarget.variant_id)
        .where(VariantMedia.media_id == Media.id, visible(actor, PostTarget.account_id, Action.POST_VIEW))
    )
    return or_(Media.uploaded_by == actor.staff_id, in_post.exists(), in_brands(actor, Action.POST_WRITE))


def in_brands(actor: Actor, action: Action) -> ColumnElement[bool]:
    """The WHERE clause that leaves of `Media` the libraries of the brands on one of whose
    accounts the actor may do `action`."""
    return Media.brand_id.in_(select(Account.brand_id).where(visible(actor, Account.id, action)))


def ref_of(media: Media, alt: str = "", focus: tuple[float, float] | None = None) -> MediaRef:
    """The file as a post or an answer names it; `alt` where it is described there otherwise."""
    return MediaRef(
        media_id=media.id, sha256=media.sha256, mime=media.mime, size=media.size, filename=media.filename,
        alt=alt or media.alt, storage_key=media.storage_key, width=media.width, height=media.height, focus=focus,
        film=dict(media.film) or None,
    )  # fmt: skip


def instead_of(ref: MediaRef, rendition: Rendition) -> MediaRef:
    """The file as an account gets it that takes the rendition; it is still called after the file."""
    stem = ref.filename.rpartition(".")[0] or ref.filename
    made = replace(
        ref, sha256=rendition.sha256, mime=rendition.mime, size=rendition.size, storage_key=rendition.storage_key,
        width=rendition.width, height=rendition.height, filename=f"{stem}.{_ENDINGS[rendition.mime]}",
    )  # fmt: skip
    if not rendition.film:
        return made
    return replace(made, film=dict(rendition.film), source=ref.sha256, recipe=rendition.recipe)


def find_files(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, Media]:
    """Those of these files that `actor` may send, by id."""
    if not ids:
        return {}
    wanted = select(Media).where(Media.id.in_(set(ids)), visible_files(actor))
    return {media.id: media for media in session.scalars(wanted)}


Made = Mapping[tuple[int, str], Rendition]  # by file and recipe


def made_of(session: Session, media_ids: Collection[int]) -> Made:
    """Everything that was made of these files."""
    return {key: row for key, row in foreseen_of(session, media_ids).items() if row.is_made}


def foreseen_of(session: Session, media_ids: Collection[int]) -> Made:
    """Everything that was made of these files, and the films that are being made, as they will be."""
    if not media_ids:
        return {}
    comes = or_(Rendition.sha256 != "", Rendition.job.has(FilmJob.state.in_(COMING)))
    rows = session.scalars(
        select(Rendition).where(Rendition.media_id.in_(media_ids), comes).options(joinedload(Rendition.job))
    )
    return {(row.media_id, row.recipe): row for row in rows}


def choose(ref: MediaRef, cut: str, limit: MediaLimit | None, made: Made) -> Rendition | None:
    """What goes out in place of a file of which `cut` is to be shown ("": all); None: the file
    itself, or nothing, where it was not cut yet. Pure."""
    shown = made.get((ref.media_id, cut)) if cut else None
    if cut and shown is None:
        return None
    seen = instead_of(ref, shown) if shown else ref
    bounds = bounds_for(seen, limit) or film_bounds_for(seen, limit)
    return (made.get((ref.media_id, joined(cut, bounds.recipe))) if bounds else None) or shown
