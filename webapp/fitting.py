"""Making renditions: between transactions, for it takes a second or two of work, and only what
is not there yet. Found: what is to be made; then made and stored; then written down."""

from __future__ import annotations

from collections.abc import Sequence

from guichet.delivery.materials import made_of, ref_of
from guichet.errors import NotFound
from guichet.models import Media
from guichet.policy import Action, require_somewhere, visible_accounts
from guichet.publishing import converting, files, fitting, renditions
from guichet.publishing.files import Found
from guichet.publishing.framing import Frame, settled
from guichet.publishing.making import Wanted, make, pictures_of
from guichet.storage import FileStore
from webapp.asking import Asked

_MOST_AT_UPLOAD = 6  # renditions; more differ where there are many servers, and wait until they are wanted


def make_renditions(
    asked: Asked, media_id: int, account_ids: Sequence[int] | None = None, frame: Frame | None = None
) -> None:
    """Make of a file what these accounts need (None: those on which the asker may write or answer,
    six at most), cut as `frame` says, and its thumbnail; of a film, have it made where accounts are
    named. What no picture can be made for is left out. Raises NotFound, NotAllowed, Invalid for
    what cannot be cut so."""
    if account_ids is not None and visible_accounts(asked.actor, Action.CONVERSATION_ANSWER) == frozenset():
        require_somewhere(asked.actor, Action.POST_WRITE)
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        if frame is not None:
            frame = _settled(media, frame)
        accounts, specs = renditions.writing_accounts(session, asked.actor, account_ids), asked.networks.specs()
        limits = [limit for account in accounts for limit in renditions.limits_on(account, specs).values()]
        if account_ids is not None:
            converting.ask_for_films(session, media, limits, asked.actor.staff_id, asked.now)
        most = _MOST_AT_UPLOAD if account_ids is None else None
        wanted = Wanted(ref_of(media), limits, frame, made_of(session, [media.id]), most)
    store = asked.runtime.store
    found = make(wanted, lambda: stored_bytes(store, wanted.plain.storage_key))
    stored = [(recipe, one, store.put(one.data)) for recipe, one in found]
    if not stored:
        return
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        for recipe, one, kept in stored:
            renditions.add_rendition(session, asked.actor, media, recipe, one, storage_key=kept, now=asked.now)


def keep_file(asked: Asked, found: Found, *, alt: str = "", brand_id: int | None = None) -> int:
    """Store and keep a file that was examined, with the renditions and pictures of it that are
    wanted soon; returns its id. Raises NotFound, NotAllowed."""
    store = asked.runtime.store
    key = store.put(found.data)
    stored = [(recipe, one, store.put(one.data)) for recipe, one in pictures_of(found)]
    with asked.open_unit() as session:
        media = files.add_media(session, asked.actor, found, storage_key=key, alt=alt, brand_id=brand_id, now=asked.now)
        for recipe, one, kept in stored:
            renditions.add_rendition(session, asked.actor, media, recipe, one, storage_key=kept, now=asked.now)
        media_id = media.id
    make_renditions(asked, media_id)
    return media_id


def cut_file(asked: Asked, media_id: int, frame: Frame) -> int:
    """Keep what is cut out of a picture as a file of its own beside it; returns its id. Raises
    NotFound, NotAllowed, Invalid."""
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        frame = _settled(media, frame)
        plain, brand_id = ref_of(media), media.brand_id
    made = fitting.cut(stored_bytes(asked.runtime.store, plain.storage_key), plain.mime, frame)
    found = Found(made.data, made.mime, plain.filename, made.width, made.height)
    return keep_file(asked, found, alt=plain.alt, brand_id=brand_id)


def stored_bytes(store: FileStore, key: str) -> bytes:
    """What is kept under a key that a row names. Raises NotFound where it was lost."""
    try:
        return store.get(key)
    except FileNotFoundError:
        raise NotFound("the file is no longer there") from None


def _settled(media: Media, frame: Frame) -> Frame:
    return settled(frame, media.mime, media.width, media.height)
