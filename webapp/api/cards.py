"""What the pages behind links say of themselves, and pictures for the cards under them."""

from __future__ import annotations

from guichet.models import LinkPreview as PreviewRow
from guichet.models import Media as MediaRow
from guichet.publishing.files import get_media
from webapp.api.media import show_media
from webapp.api.schemas.cards import CardPictureWanted, LinkPreview, PreviewWanted
from webapp.api.schemas.files import Media
from webapp.asking import Asked, Room
from webapp.previews import look, make_picture

room = Room("cards")


@room.post("/link-previews", LinkPreview, scope="publish", own_units=True)
def preview_link(asked: Asked, body: PreviewWanted) -> LinkPreview:
    """Look at the page behind a link; what was seen within a day is not asked for again."""
    looked = look(asked, body.url, anew=body.anew)
    with asked.open_unit() as session:
        row = session.get_one(PreviewRow, looked.preview_id)
        picture = session.get_one(MediaRow, row.media_id) if row.media_id else None
        return LinkPreview(
            url=row.url, final_url=row.final_url, title=row.title, description=row.description,
            picture=show_media(picture) if picture else None, no_picture=looked.no_picture or None,
            fetched_at=row.fetched_at,
        )  # fmt: skip


@room.post("/link-previews/pictures", Media, scope="publish", status=201, own_units=True)
def make_card_picture(asked: Asked, body: CardPictureWanted) -> Media:
    """Make of a picture what stands on a card: small enough, beside the library."""
    made = make_picture(asked, body.media_id)
    with asked.open_unit() as session:
        return show_media(get_media(session, asked.actor, made))
