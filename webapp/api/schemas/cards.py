"""The cards of links: what is shown of the page behind one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from channels.contract.cards import MOST_DESCRIPTION, MOST_TITLE, MOST_URL
from webapp.api.schemas.common import Id, In, Line, Out, Prose, Time, Told
from webapp.api.schemas.files import Media

Address = Annotated[Prose, StringConstraints(max_length=MOST_URL)]


class CardIn(In):
    """What was decided about the card of an item (0 is the post itself): what it shows, or, with
    `shown` false, that there is none. Networks that read pages themselves (X, Mastodon) do not
    get it. `media_id`: a picture of a preview, or one made for a card."""

    item: int = Field(0, ge=0, le=50)
    shown: bool = True
    url: Address = ""
    title: Annotated[Line, StringConstraints(max_length=MOST_TITLE)] = ""
    description: Annotated[Prose, StringConstraints(max_length=MOST_DESCRIPTION)] = ""
    media_id: Id | None = None


class Card(Out):
    """`media_id` is of the post's `media`."""

    item: int
    shown: bool
    url: str
    title: str
    description: str
    media_id: int | None


CardsGiven = Annotated[list[CardIn], Field(max_length=51, description="what was decided about the cards of links")]


class PreviewWanted(In):
    """`anew`: also where it was looked at less than a day ago."""

    url: Address
    anew: bool = False


class LinkPreview(Out):
    """What the page behind a link says of itself. `final_url`: where the link ended. `no_picture`:
    why the picture that it names is not here."""

    url: str
    final_url: str
    title: str
    description: str
    picture: Media | None
    no_picture: Told | None
    fetched_at: Time


class CardPictureWanted(In):
    """A file that one sees."""

    media_id: Id
