"""Making renditions: between transactions, for it takes a second or two of work, and only what
is not there yet. Found: what is to be made; then made and stored; then written down."""

from __future__ import annotations

from collections.abc import Sequence

from guichet.errors import Invalid
from guichet.policy import Action, require_somewhere
from guichet.publishing import files, fitting, renditions
from guichet.publishing.bounds import STILL, Fitted
from guichet.publishing.renditions import THUMBNAIL
from webapp.asking import Asked

_MOST_AT_UPLOAD = 6  # renditions; more differ where there are many servers, and wait until they are wanted
_SMALL_ALREADY = 60_000  # bytes of a picture that is its own thumbnail


def make_renditions(asked: Asked, media_id: int, account_ids: Sequence[int] | None = None) -> None:
    """Make of a file what these accounts need (None: those on which the asker may write, six
    at most), and its thumbnail. What no picture can be made for is left out. Raises NotFound, NotAllowed."""
    if account_ids is not None:
        require_somewhere(asked.actor, Action.POST_WRITE)
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        if media.mime not in STILL:
            return
        accounts = renditions.writing_accounts(session, asked.actor, account_ids)
        made = renditions.made_of(session, [media.id])
        wanted = renditions.missing(media, accounts, asked.networks.specs(), made)
        if account_ids is None:
            wanted = wanted[:_MOST_AT_UPLOAD]
        needs_thumbnail = media.size > _SMALL_ALREADY and (media.id, THUMBNAIL) not in made
        key, mime = media.storage_key, media.mime
    if not wanted and not needs_thumbnail:
        return
    data = asked.runtime.store.get(key)
    found: list[tuple[str, Fitted]] = [(THUMBNAIL, fitting.thumbnail(data))] if needs_thumbnail else []
    for bounds in wanted:
        try:
            found.append((bounds.recipe, fitting.fit(data, mime, bounds)))
        except Invalid:
            continue  # the network's refusal stands, and is shown
    stored = [(recipe, one, asked.runtime.store.put(one.data)) for recipe, one in found]
    with asked.open_unit() as session:
        media = files.get_media(session, asked.actor, media_id)
        for recipe, one, kept in stored:
            renditions.add_rendition(session, asked.actor, media, recipe, one, storage_key=kept, now=asked.now)
