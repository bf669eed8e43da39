"""Files to send: what they are is decided by their content, never by their name. Pictures
are opened and written anew, so that nothing rides along (positions, scripts, bombs). Which
kinds a network takes is its spec's to say."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

import puremagic
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from channels.contract import Film
from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import get_brand
from guichet.delivery.materials import in_brands, visible_files
from guichet.errors import Invalid, NotFound
from guichet.filming.running import KINDS, read_film
from guichet.models import Account, Media, Post, Variant, VariantMedia
from guichet.policy import Action, Actor, require, require_for_post, visible, visible_accounts
from guichet.publishing.allowed import is_editable
from guichet.publishing.chains import bring_in_step, note_change, open_deliveries_of
from guichet.publishing.checking import Specs
from guichet.publishing.documents import kind_of_document, named_for
from guichet.publishing.drafting import tell_of

LARGEST = 64 * 1024 * 1024  # bytes
_PIXELS = 40_000_000  # more is a bomb, or nothing that a network takes
# What telephones write as several JPEGs in one (MPO) is its first.
_PICTURES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
# What no network takes, and nothing is lost of as a PNG: as long as it is of colours that a PNG has too.
_TURNED = {"BMP": "PNG", "TIFF": "PNG"}
_COLOURS = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_KEPT_AS_THEY_ARE = frozenset({"image/gif", "audio/mpeg", "application/pdf"})

# MPEG layer III: with a title in front, or as the sound begins (ISO 11172-3, 13818-3).
_MP3 = (b"ID3", b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")


@dataclass(frozen=True)
class Found:
    """A file as it will be kept."""

    data: bytes = field(repr=False)
    mime: str
    filename: str
    width: int | None = None
    height: int | None = None
    film: Film | None = None
    poster: bytes = field(default=b"", repr=False)  # one picture of a film, a JPEG


def examine(data: bytes, filename: str) -> Found:
    """What a file really is. A film takes seconds to open. Raises Invalid for what is empty, too large, a picture that
    cannot be read, or of a kind that no network takes."""
    if not data or len(data) > LARGEST:
        raise Invalid("this file cannot be taken", {"file": say("must have 1 to {most} bytes", most=LARGEST)})
    name = _clean_name(filename)
    picture = _picture(data, name)
    if picture is not None:
        return picture
    mime = _mime_of(data)
    if mime in _PICTURES.values():
        raise _damaged()
    if mime in KINDS:
        return _film(data, mime, name)
    if mime in _KEPT_AS_THEY_ARE:
        return Found(data, mime, name)
    document = kind_of_document(data, name)
    if document:
        return Found(data, document, named_for(document, name))
    raise Invalid(
        "files of this kind cannot be sent",
        {"file": say("is {mime}", mime=mime) if mime else say("is of a kind we do not know")},
    )


def _film(data: bytes, mime: str, name: str) -> Found:
    read = read_film(data, mime, LARGEST)
    if read.mime == "video/mp4" and mime != read.mime:
        name = f"{name.rpartition('.')[0] or name}.mp4"
    return Found(read.data, read.mime, name, read.width, read.height, read.film, read.poster)


def _picture(data: bytes, name: str) -> Found | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                if image.format not in _PICTURES and not (image.format in _TURNED and image.mode in _COLOURS):
                    return None
                if image.width * image.height > _PIXELS:
                    raise Invalid(
                        "this picture is too large", {"file": say("has more than {most} pixels", most=_PIXELS)}
                    )
                if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
                    raise Invalid(
                        "a moving PNG or WebP would go out standing still: send it as a GIF or a film",
                        {"file": "is a moving picture"},
                    )
                if getattr(image, "n_frames", 1) > 1 and image.format in _TURNED:
                    raise Invalid(
                        "this file holds several pictures: send each by itself", {"file": "holds several pictures"}
                    )
                return _rewritten(image, name)
    except UnidentifiedImageError:
        return None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _damaged() from None


def _damaged() -> Invalid:
    return Invalid("this picture cannot be read", {"file": "is a damaged picture"})


def _rewritten(image: Image.Image, name: str) -> Found:
    kind = "JPEG" if image.format == "MPO" else _TURNED.get(image.format or "", image.format or "PNG")
    if image.format in _TURNED:
        name = f"{name.rpartition('.')[0] or name}.{kind.lower()}"
    upright = ImageOps.exif_transpose(image)
    # A JPEG's comment, for one, would be written again.
    upright.info = {k: v for k, v in upright.info.items() if k == "transparency"}
    if kind == "JPEG" and upright.mode not in ("RGB", "L", "CMYK"):
        upright = upright.convert("RGB")
    out = io.BytesIO()
    more = {"quality": 92} if kind in ("JPEG", "WEBP") else {}
    upright.save(out, kind, icc_profile=image.info.get("icc_profile"), **more)
    return Found(out.getvalue(), _PICTURES[kind], name, upright.width, upright.height)


def _mime_of(data: bytes) -> str:
    if data.startswith(_MP3):
        return "audio/mpeg"
    try:
        return str(puremagic.from_string(data, mime=True))
    except (puremagic.PureError, ValueError):
        return ""


def _clean_name(filename: str) -> str:
    last = filename.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:200] or "file"


def add_media(
    session: Session,
    actor: Actor,
    found: Found,
    *,
    storage_key: str,
    alt: str = "",
    brand_id: int | None = None,
    is_of_link: bool = False,
    now: datetime,
) -> Media:
    """Keep a file that was examined and stored, as one's own or in the library of a brand
    (`is_of_link`: beside it, for the card of a link). For who may write posts, there or anywhere,
    or answer somewhere. Raises NotFound, NotAllowed."""
    if brand_id is not None:
        require_in_brand(session, actor, brand_id, Action.POST_WRITE)
    somewhere = visible_accounts(actor, Action.POST_WRITE) != frozenset()
    if not somewhere and visible_accounts(actor, Action.CONVERSATION_ANSWER) == frozenset():
        require(actor, Action.POST_WRITE)
    media = Media(
        sha256=hashlib.sha256(found.data).hexdigest(), mime=found.mime, size=len(found.data), width=found.width,
        height=found.height, film=asdict(found.film) if found.film else {}, filename=found.filename, alt=alt,
        storage_key=storage_key, uploaded_by=actor.staff_id, brand_id=brand_id, is_of_link=is_of_link,
        created_at=now,
    )  # fmt: skip
    session.add(media)
    session.flush()
    audit.record(session, actor, "media.add", media, now, size=media.size)
    return media


def get_media(session: Session, actor: Actor, media_id: int) -> Media:
    """One's own file, one in a post on an account that one sees, or one of the library of a
    brand in which one may write. Raises NotFound."""
    require(actor, Action.STAFF_VIEW)
    media = session.scalars(select(Media).where(Media.id == media_id, visible_files(actor))).first()
    if media is None:
        raise NotFound("there is no such file, or it is not yours to see")
    return media


def describe(session: Session, actor: Actor, media: Media, alt: str, specs: Specs, now: datetime) -> None:
    """Change what it shows, in words. One's own, that of a library where one may write, or
    anybody's for administrators. Every post that is still to go out with it changes by that
    too: who may not write it may not, and what was approved of it no longer is."""
    if not may_on_file(session, actor, media, Action.POST_WRITE):
        require(actor, Action.BRAND_MANAGE)
    if alt == media.alt:
        return
    used = [(post, open_deliveries_of(session, post)) for post in _posts_with(session, media)]
    changing = [(post, deliveries) for post, deliveries in used if is_editable(post, deliveries)]
    for post, _ in changing:
        require_for_post(actor, Action.POST_WRITE, post)
    media.alt = alt
    for post, deliveries in changing:
        note_change(session, post, actor, now)
        if post.state != "draft":
            bring_in_step(session, actor, post, deliveries, specs, now)
            post.updated_at = now
            flag_modified(post, "updated_at")  # who read it before has read another post
        audit.record(session, actor, "post.change", post, now)
        tell_of(session, post, now)
    audit.record(session, actor, "media.describe", media, now)


def may_on_file(session: Session, actor: Actor, media: Media, action: Action) -> bool:
    """Whether it is the actor's own, or of a brand on one of whose accounts they may do `action`."""
    if media.uploaded_by is not None and media.uploaded_by == actor.staff_id:
        return True
    return session.scalar(select(Media.id).where(Media.id == media.id, in_brands(actor, action))) is not None


def require_in_brand(session: Session, actor: Actor, brand_id: int, action: Action) -> None:
    """Raises NotFound, or NotAllowed, for who may do `action` on no account of the brand."""
    get_brand(session, actor, brand_id)
    mine = select(Account.id).where(Account.brand_id == brand_id, visible(actor, Account.id, action))
    if session.scalar(mine.limit(1)) is None:
        require(actor, Action.BRAND_MANAGE)


def _posts_with(session: Session, media: Media) -> Sequence[Post]:
    """Posts to which this file is attached and which may still change, in order."""
    using = select(Variant.post_id).join(VariantMedia).where(VariantMedia.media_id == media.id)
    open_ = Post.state.in_(("draft", "awaiting_approval", "scheduled"))
    return session.scalars(select(Post).where(Post.id.in_(using), open_).order_by(Post.id)).all()
