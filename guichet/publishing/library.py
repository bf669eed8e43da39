"""The files that are there already: found again, used again, and taken away where nothing
holds them. Whose files somebody finds is `visible_files`' to say, here as everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session, selectinload

from guichet import audit
from guichet.delivery.materials import in_brands, visible_files
from guichet.errors import Conflict, NotFound
from guichet.models import Attachment, Media, Post, PostTarget, Rendition, ReplyDraft, Variant, VariantMedia
from guichet.policy import Action, Actor, can, require, visible
from guichet.publishing.files import may_on_file, require_in_brand

MOST_USES = 50  # that are named; the rest is counted


class FileKind(StrEnum):
    """What a file is, for those who look for one."""

    PICTURE = "picture"
    FILM = "film"
    SOUND = "sound"
    DOCUMENT = "document"


_MIME = {FileKind.PICTURE: "image/", FileKind.FILM: "video/", FileKind.SOUND: "audio/"}


def list_files(
    session: Session,
    actor: Actor,
    *,
    brand_id: int | None = None,
    kind: FileKind | None = None,
    text: str = "",
    uploaded_by: int | None = None,
    unused: bool = False,
    before: int = 0,
    limit: int = 50,
) -> Sequence[Media]:
    """Files that the actor sees, the newest first; `text` is looked for in names and
    descriptions, `unused` leaves those of no post and no answer. `before` is the id of the
    last one read (0: from the newest)."""
    require(actor, Action.STAFF_VIEW)
    mine = visible_files(actor), Media.is_of_link.is_(False)
    wanted = select(Media).where(*mine).order_by(Media.id.desc()).limit(limit)
    if brand_id is not None:
        wanted = wanted.where(Media.brand_id == brand_id)
    if kind is not None:
        wanted = wanted.where(_is(kind))
    if text:
        held = (c.icontains(text, autoescape=True) for c in (Media.filename, Media.alt))
        wanted = wanted.where(or_(*held))
    if uploaded_by is not None:
        wanted = wanted.where(Media.uploaded_by == uploaded_by)
    if unused:
        wanted = wanted.where(not_(or_(_in_posts(), _in_answers())))
    return session.scalars(wanted.where(Media.id < before) if before else wanted).all()


def _is(kind: FileKind) -> ColumnElement[bool]:
    if kind is FileKind.DOCUMENT:
        return and_(*(not_(Media.mime.startswith(begins)) for begins in _MIME.values()))
    return Media.mime.startswith(_MIME[kind])


def _in_posts() -> ColumnElement[bool]:
    return select(VariantMedia.media_id).where(VariantMedia.media_id == Media.id).exists()


def _in_answers() -> ColumnElement[bool]:
    return select(Attachment.id).where(Attachment.storage_key == Media.storage_key).exists()


# ---------------------------------------------------------------- where it is used


def count_posts(session: Session, media_ids: Sequence[int]) -> dict[int, int]:
    """In how many posts each of these files is, whoever may see them."""
    rows = session.execute(
        select(VariantMedia.media_id, func.count(Variant.post_id.distinct()))
        .join(Variant, Variant.id == VariantMedia.variant_id)
        .where(VariantMedia.media_id.in_(media_ids))
        .group_by(VariantMedia.media_id)
    )
    return dict(rows.tuples().all())


@dataclass(frozen=True)
class Uses:
    """The newest posts with a file that the actor sees, how many more there are, and how many
    answers and notes went with it."""

    posts: Sequence[Post]
    more: int
    answers: int


def uses_of(session: Session, actor: Actor, media: Media) -> Uses:
    """Where a file is used, as far as the actor may know it; the rest is counted."""
    using = select(Variant.post_id).join(VariantMedia).where(VariantMedia.media_id == media.id)
    on_seen = select(PostTarget.post_id).where(visible(actor, PostTarget.account_id, Action.POST_VIEW))
    targets = select(PostTarget.id).where(PostTarget.post_id == Post.id)
    seen = or_(Post.id.in_(on_seen), and_(not_(targets.exists()), Post.author_id == actor.staff_id))
    named = select(Post).where(Post.id.in_(using), seen).order_by(Post.id.desc()).limit(MOST_USES)
    loaded = selectinload(Post.variants).selectinload(Variant.media)
    posts = session.scalars(named.options(loaded)).all()
    answers = select(func.count(Attachment.id)).where(Attachment.storage_key == media.storage_key)
    return Uses(
        posts=posts,
        more=count_posts(session, [media.id]).get(media.id, 0) - len(posts),
        answers=session.scalar(answers) or 0,
    )


# ---------------------------------------------------------------- sharing, taking away


class Deed(StrEnum):
    """What somebody may do with a file."""

    DESCRIBE = "describe"
    SHARE = "share"
    DELETE = "delete"


def rights_on(session: Session, actor: Actor, files: Sequence[Media]) -> dict[int, list[Deed]]:
    """What the actor may do with each of these; deleting, where nothing holds it."""
    ids = [f.id for f in files]
    own = {f.id for f in files if f.uploaded_by is not None and f.uploaded_by == actor.staff_id}
    runs = set(ids) if can(actor, Action.BRAND_MANAGE) else own
    here = Media.id.in_(ids)
    written = runs | set(session.scalars(select(Media.id).where(here, in_brands(actor, Action.POST_WRITE))))
    managed = runs | set(session.scalars(select(Media.id).where(here, in_brands(actor, Action.ACCOUNT_MANAGE))))
    held = set(session.scalars(select(Media.id).where(here, or_(_in_posts(), _in_answers()))))
    allowed = {Deed.DESCRIBE: written, Deed.SHARE: runs, Deed.DELETE: managed - held}
    return {id_: [deed for deed, where in allowed.items() if id_ in where] for id_ in ids}


def share(session: Session, actor: Actor, media: Media, brand_id: int | None, now: datetime) -> None:
    """Put one's own file into the library of a brand where one may write, or take it back
    out (None). Posts that use it keep it. Raises NotFound, NotAllowed."""
    if media.uploaded_by is None or media.uploaded_by != actor.staff_id:
        require(actor, Action.BRAND_MANAGE)
    if brand_id is not None:
        require_in_brand(session, actor, brand_id, Action.POST_WRITE)
    if brand_id == media.brand_id:
        return
    media.brand_id = brand_id
    audit.record(session, actor, "media.share", media, now, brand_id=brand_id)


def remove(session: Session, actor: Actor, media: Media, now: datetime) -> list[str]:
    """Take a file away that no post, answer or draft of one holds: one's own, or of a brand of
    which one manages an account. Returns the keys of its bytes and of
    what was made from it, to be given up once this is committed. Raises NotAllowed, Conflict `file_in_use`."""
    if not may_on_file(session, actor, media, Action.ACCOUNT_MANAGE):
        require(actor, Action.BRAND_MANAGE)
    # Whoever attaches it meanwhile waits, and is told that it is gone.
    if session.scalar(select(Media.id).where(Media.id == media.id).with_for_update()) is None:
        raise NotFound("there is no such file, or it is not yours to see")
    if session.scalar(select(Media.id).where(Media.id == media.id, or_(_in_posts(), _in_answers()))) is not None:
        raise Conflict("this file is used: it stays as long as a post or an answer holds it", code="file_in_use")
    if any(media.id in ids for ids in session.scalars(select(ReplyDraft.media))):
        raise Conflict("this file is used: somebody is writing an answer with it", code="file_in_use")
    audit.record(session, actor, "media.remove", media, now, size=media.size)
    made = list(session.scalars(select(Rendition).where(Rendition.media_id == media.id)))
    for rendition in made:
        session.delete(rendition)
    session.flush()
    session.delete(media)
    session.flush()
    return [media.storage_key, *(r.storage_key for r in made)]
