"""Making renditions: between transactions, for it takes a second or two of work, and only what
is not there yet. Found: what is to be made; then made and stored; then written down."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from channels.contract import MediaLimit
from guichet.delivery.materials import instead_of, ref_of
from guichet.delivery.payload import MediaRef
from guichet.errors import Invalid
from guichet.models import Media
from guichet.policy import Action, require_somewhere
from guichet.publishing import files, fitting, renditions
from guichet.publishing.bounds import STILL, Fitted
from guichet.publishing.files import Found
from guichet.publishing.framing import Frame, joined, recipe_of, settled
from guichet.publishing.renditions import POSTER, THUMBNAIL, Made
from webapp.asking import Asked

_MOST_AT_UPLOAD = 6  # renditions; more differ where there are many servers, and wait until they are wanted
_SMALL_ALREADY = 60_000  # bytes of a picture that is its own thumbnail


@dataclass(frozen=True)
class _Wanted:
    """A picture, what is to be shown of it, and for which limits."""

    plain: MediaRef
    frame: Frame | None
    limits: Sequence[MediaLimit | None]
    made: Made
    most: int | None


def make_renditions(
    asked: Asked, media_id: int, account_ids: Sequence[int] | None = None, frame: Frame | None = None
) -> None:
    """Make of a file what these accounts need (None: those on which the asker may write, six
    at most), cut as `frame` says, and its thumbnail. What no picture can be made for is left
    out. Raises NotFound, NotAllowed, Invalid for what cannot be cut so."""
    if account_ids is not None:
        require_somewhere(asked.actor, Action.POST_WRITE)
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        if frame is not None:
            frame = _settled(media, frame)
        if media.mime not in STILL:
            return
        accounts, specs = renditions.writing_accounts(session, asked.actor, account_ids), asked.networks.specs()
        limits = [renditions.limit_of(account, specs) for account in accounts]
        most = _MOST_AT_UPLOAD if account_ids is None else None
        wanted = _Wanted(ref_of(media), frame, limits, renditions.made_of(session, [media.id]), most)
    found = list(_make(asked, wanted))
    if not found:
        return
    stored = [(recipe, one, asked.runtime.store.put(one.data)) for recipe, one in found]
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        for recipe, one, kept in stored:
            renditions.add_rendition(session, asked.actor, media, recipe, one, storage_key=kept, now=asked.now)


def _make(asked: Asked, wanted: _Wanted) -> Iterator[tuple[str, Fitted]]:
    """What is not there yet, by recipe. The bytes are read once, and only where they are needed."""
    plain, made = wanted.plain, wanted.made
    cut = recipe_of(wanted.frame, plain.width, plain.height)
    needs_thumbnail = plain.size > _SMALL_ALREADY and (plain.media_id, THUMBNAIL) not in made
    shown, data = plain, b""
    if cut:
        there = made.get((plain.media_id, cut))
        if there is None and wanted.frame is not None:
            data = asked.runtime.store.get(plain.storage_key)
            one = fitting.cut(data, plain.mime, wanted.frame)
            shown = replace(plain, mime=one.mime, size=len(one.data), width=one.width, height=one.height)
            yield cut, one
        elif there is not None:
            shown = instead_of(plain, there)
    bounds_wanted = renditions.missing(shown, cut, wanted.limits, made)[: wanted.most]
    if not bounds_wanted and not needs_thumbnail:
        return
    data = data or asked.runtime.store.get(plain.storage_key)
    if needs_thumbnail:
        yield THUMBNAIL, fitting.thumbnail(data)
    for bounds in bounds_wanted:
        try:
            yield joined(cut, bounds.recipe), fitting.fit(data, plain.mime, bounds, wanted.frame if cut else None)
        except Invalid:
            continue  # the network's refusal stands, and is shown


def keep_file(asked: Asked, found: Found, *, alt: str = "", brand_id: int | None = None) -> int:
    """Store and keep a file that was examined, with the renditions and pictures of it that are
    wanted soon; returns its id. Raises NotFound, NotAllowed."""
    store = asked.runtime.store
    key = store.put(found.data)
    stored = [(recipe, one, store.put(one.data)) for recipe, one in _pictures_of(found)]
    with asked.open_unit() as session:
        media = files.add_media(session, asked.actor, found, storage_key=key, alt=alt, brand_id=brand_id, now=asked.now)
        for recipe, one, kept in stored:
            renditions.add_rendition(session, asked.actor, media, recipe, one, storage_key=kept, now=asked.now)
        media_id = media.id
    make_renditions(asked, media_id)
    return media_id


def _pictures_of(found: Found) -> list[tuple[str, Fitted]]:
    """What is shown in place of a film before it plays."""
    if not found.poster:
        return []
    return [(POSTER, fitting.poster(found.poster)), (THUMBNAIL, fitting.thumbnail(found.poster))]


def cut_file(asked: Asked, media_id: int, frame: Frame) -> int:
    """Keep what is cut out of a picture as a file of its own beside it; returns its id. Raises
    NotFound, NotAllowed, Invalid."""
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        frame = _settled(media, frame)
        plain, brand_id = ref_of(media), media.brand_id
    made = fitting.cut(asked.runtime.store.get(plain.storage_key), plain.mime, frame)
    found = Found(made.data, made.mime, plain.filename, made.width, made.height)
    return keep_file(asked, found, alt=plain.alt, brand_id=brand_id)


def _settled(media: Media, frame: Frame) -> Frame:
    return settled(frame, media.mime, media.width, media.height)
