"""Looking at the page behind a link, for the card under it: between transactions, and only when
somebody asks. What was seen a day ago at most is not asked for again."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app
from limits import parse
from werkzeug.exceptions import TooManyRequests

from channels.pages import read_page, read_picture
from guichet.delivery.bounds import STILL
from guichet.errors import Invalid
from guichet.publishing import files, previewing
from guichet.publishing.files import Found
from guichet.publishing.picturing import made_for_card, picture_for_card
from guichet.publishing.previewing import Seen
from webapp.asking import Asked
from webapp.fitting import stored_bytes

PER_PERSON = parse("60 per 5 minutes")


@dataclass(frozen=True)
class Looked:
    """What is kept of a link. `no_picture`: why the page's picture is not among it."""

    preview_id: int
    no_picture: str = ""


def look(asked: Asked, url: str, *, anew: bool) -> Looked:
    """Look at the page behind `url`, or find what was seen. Raises ChannelError, NotAllowed,
    Conflict, TooManyRequests."""
    with asked.open_unit() as session:
        previewing.require_looking(session, asked.actor)
        there = None if anew else previewing.find_preview(session, asked.actor, url, asked.now)
        if there is not None:
            return Looked(there.id)
    if not current_app.extensions["guichet"]["throttle"].allows(PER_PERSON, "link-preview", str(asked.staff_id)):
        raise TooManyRequests(retry_after=PER_PERSON.get_expiry())
    page = read_page(asked.networks.wire, url)
    wire = asked.networks.wire
    found, no_picture = picture_for_card(page.picture, lambda: read_picture(wire, page.picture))
    store = asked.runtime.store
    key = store.put(found.data) if found else ""
    with asked.open_unit() as session:
        media = None
        if found is not None:
            media = files.add_media(session, asked.actor, found, storage_key=key, is_of_link=True, now=asked.now)
        seen = Seen(page.url, page.title, page.description)
        row = previewing.keep_preview(session, asked.actor, url, seen, media, asked.now)
        return Looked(row.id, no_picture)


def make_picture(asked: Asked, media_id: int) -> int:
    """Make of a file that the asker sees the picture of a card; returns its id. Raises NotFound,
    NotAllowed, Invalid for what is no still picture."""
    with asked.open_unit() as session:
        previewing.require_looking(session, asked.actor)
        media = files.get_media(session, asked.actor, media_id)
        key, mime, name, alt = media.storage_key, media.mime, media.filename, media.alt
    if mime not in STILL:
        raise Invalid("only a still picture stands on a card", {"media_id": "is no still picture"})
    found = made_for_card(Found(stored_bytes(asked.runtime.store, key), mime, name))
    kept = asked.runtime.store.put(found.data)
    with asked.open_unit() as session:
        made = files.add_media(
            session, asked.actor, found, storage_key=kept, alt=alt, is_of_link=True, now=asked.now
        )  # fmt: skip
        return made.id
