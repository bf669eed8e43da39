"""The cards of links that a command line makes: the pages are looked at before anything is saved,
and where one cannot be had, that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from channels.errors import ChannelError
from channels.networks import open_networks
from channels.pages import Page, read_page, read_picture
from guichet.models import Media
from guichet.policy import Actor
from guichet.publishing import files
from guichet.publishing.cards import Card
from guichet.publishing.drafting import Words, undecided_in
from guichet.publishing.files import Found
from guichet.publishing.link_tags import links_in
from guichet.publishing.picturing import picture_for_card
from guichet.publishing.previewing import require_looking
from guichet.runtime import Runtime


@dataclass(frozen=True)
class Looked:
    """What was seen behind the link of an item: the page, or why it cannot be had (`note`); its
    picture and where that lies."""

    url: str
    page: Page | None
    picture: Found | None = None
    key: str = ""
    note: str = ""


def look(runtime: Runtime, actor: Actor, words: Words) -> dict[int, Looked]:
    """Look at the first link of each item that has neither card nor file. Raises NotAllowed,
    Conflict where this instance calls nobody."""
    wanted = undecided_in(words)
    if not wanted:
        return {}
    with runtime.reading() as session:
        require_looking(session, actor)
    wire = open_networks(**runtime.settings.network_options()).wire
    texts = [words.text, *(item.text for item in words.items)]
    found: dict[int, Looked] = {}
    for item in wanted:
        url = links_in(texts[item])[0]
        try:
            page = read_page(wire, url)
        except ChannelError as e:
            found[item] = Looked(url, None, note=e.detail)
            continue
        picture, note = picture_for_card(page.picture, partial(read_picture, wire, page.picture))
        found[item] = Looked(url, page, picture, runtime.store.put(picture.data) if picture else "", note)
    return found


def keys_of(looked: Mapping[int, Looked]) -> list[str]:
    """Where the pictures lie."""
    return [one.key for one in looked.values() if one.key]


def cards_of(session: Session, actor: Actor, looked: Mapping[int, Looked], now: datetime) -> dict[int, Card]:
    """The cards, their pictures kept."""

    def kept(one: Looked) -> Media | None:
        if one.picture is None:
            return None
        return files.add_media(session, actor, one.picture, storage_key=one.key, is_of_link=True, now=now)

    made = {item: (one, one.page, kept(one)) for item, one in looked.items()}
    return {
        item: Card(one.url, page.title, page.description, media.id if media else None)
        for item, (one, page, media) in made.items()
        if page is not None
    }


def told(looked: Mapping[int, Looked]) -> Sequence[str]:
    """What became of each link, in words."""
    return [
        f"{one.url}: no card: {one.note}"
        if one.page is None
        else f"{one.url}: card “{one.page.title}”" + (f", without its picture: {one.note}" if one.note else "")
        for one in looked.values()
    ]
