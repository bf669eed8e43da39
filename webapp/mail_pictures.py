"""Pictures in mails, for a page that shows them: from the mail's own files, or loaded from
elsewhere when somebody asks, between transactions. What is shown is always drawn anew, and the
address is never the browser's to choose: it stands in the mail that we keep.

A thread waits while a server elsewhere takes its time: five seconds at most, and only a few of
them at once, so that nothing that a mail names can hold up the pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import current_app
from limits import parse
from werkzeug.exceptions import TooManyRequests

from channels.pages import read_small_picture
from guichet.errors import NotFound, Unready
from guichet.receiving import layouts
from guichet.receiving.layout import Picture
from guichet.receiving.layouts import Shown
from guichet.receiving.redrawing import redraw
from webapp.asking import Asked
from webapp.fitting import stored_bytes
from webapp.signed_addresses import is_signed, sign

PER_PERSON = parse("600 per 5 minutes")
AT_ONCE = 4  # in one process
_places = threading.BoundedSemaphore(AT_ONCE)


def address_of(asked: Asked, shown: Shown, place: int) -> str:
    """Where the asker gets a picture of this mail."""
    signature = sign(asked.runtime, "picture", shown.message.id, _bound_to(asked, shown.pictures[place]))
    return (
        f"/api/v1/conversations/{shown.message.conversation_id}/messages/{shown.message.id}/pictures/{place}"
        f"?signature={signature}"
    )


def get_picture(asked: Asked, conversation_id: int, message_id: int, place: int, signature: str) -> bytes:
    """A picture of a mail, drawn anew. Raises NotFound, also for an address that was not given to
    the asker; Invalid for what is no picture; ChannelError, TooManyRequests, Unready."""
    store = asked.runtime.store
    with asked.runtime.reading() as session:
        shown = layouts.get_shown(session, asked.actor, conversation_id, message_id)
        picture = shown.pictures.get(place, Picture())
        if not is_signed(asked.runtime, "picture", message_id, _bound_to(asked, picture), signature):
            raise NotFound("there is no such picture, or it is not yours to see")
        enclosed = shown.files[place].storage_key if place in shown.files else ""
        kept = layouts.find_kept(session, shown, picture, asked.now) if picture.address else ""
    if enclosed:
        with one_of_few():
            return redraw(stored_bytes(store, enclosed)).data
    if kept:
        try:
            return store.get(kept)
        except FileNotFoundError:
            pass  # It is loaded once more.
    if not current_app.extensions["guichet"]["throttle"].allows(PER_PERSON, "mail-picture", str(asked.staff_id)):
        raise TooManyRequests(retry_after=PER_PERSON.get_expiry())
    with one_of_few():
        drawn = redraw(read_small_picture(asked.networks.wire, picture.address))
    _keep(asked, conversation_id, message_id, picture, drawn.data)
    return drawn.data


def _keep(asked: Asked, conversation_id: int, message_id: int, picture: Picture, data: bytes) -> None:
    """Keep what was drawn, unless the message was taken back meanwhile."""
    store = asked.runtime.store
    key = store.put(data)
    try:
        with asked.open_unit() as session:
            shown = layouts.get_shown(session, asked.actor, conversation_id, message_id)
            before = layouts.keep_picture(session, asked.actor, shown, picture, key, asked.now)
    except Exception:
        store.delete(key)
        raise
    if before:
        store.delete(before)


def _bound_to(asked: Asked, picture: Picture) -> str:
    return f"{asked.staff_id}:{picture.address or picture.inline_id}"


@contextmanager
def one_of_few() -> Iterator[None]:
    """A place among those that may be waiting at once. Raises Unready where none is free."""
    if not _places.acquire(blocking=False):
        raise Unready("other pictures are being loaded; try again in a moment", code="busy")
    try:
        yield
    finally:
        _places.release()
