"""What stands before a post: asked while it is being written, before anything is saved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from webapp.api.schemas.accounts import Quota, Spending, SurfaceName
from webapp.api.schemas.cards import CardsGiven
from webapp.api.schemas.common import Id, In, Out, Prose, Time, TimeZone, WallTime
from webapp.api.schemas.files import FilmFacts
from webapp.api.schemas.framing import FramingGiven
from webapp.api.schemas.media import Rendition
from webapp.api.schemas.publishing import Clash, FoldRule, GapRule, ItemIn, LinkTags, Named, Problems, TagIds, VariantIn


class PostAsWritten(In):
    """What is known of a post, saved or not, as far as its links are tagged with it."""

    post_id: Id | None = Field(None, description="the post itself, where it is saved already")
    tags_links: bool = True
    tag_ids: TagIds = Field([])
    wall_time: WallTime | None = None
    time_zone: TimeZone = "UTC"


class PreflightIn(PostAsWritten):
    """What would be wrong with a post, before it is saved."""

    text: Prose = ""
    items: list[ItemIn] = Field([], max_length=50)
    first_comment: Prose = ""
    media_ids: list[Id] = Field([], max_length=20)
    framing: FramingGiven = Field([])
    cards: CardsGiven = Field([])
    variants: list[VariantIn] = Field([], max_length=200)
    fold: FoldRule = "first"
    gap: GapRule = "later"


# `sign_in_ends`: before it is due; `quota_used_up`: it is more than its network allows now;
# `limit_reached`, `limit_passed`: of what the account may cost this month, already or with it;
# `film_not_ready`: a film that is being made for the account may not be there by then;
# `card_undecided`: a link of it goes out without a card, and nobody said so.
SendWarning = Literal[
    "sign_in_ends", "quota_used_up", "limit_reached", "limit_passed", "film_not_ready", "card_undecided"
]  # fmt: skip


class RenditionUsed(Rendition):
    """What an account gets in place of a file, and what was uploaded: `item` 0 is the post,
    `index` the file's place from 0; `because`: the post shows a part of it, or the network would
    refuse it."""

    item: int
    index: int
    because: Literal["cut", "refused"]
    was_mime: str
    was_size: int
    was_width: int | None
    was_height: int | None
    was_film: FilmFacts | None = None


class PreflightAccount(Out):
    """How the text counts on one account, and what it would refuse: the post, each further
    item of its thread, then its first comment."""

    account_id: int
    surface: SurfaceName
    counts: list[int]
    max_length: int | None
    unit: str
    problems: list[Problems]
    cost: float
    currency: str
    quotas: list[Quota] = Field(description="the network's limits that posts draw on, and what is left")
    spending: Spending | None
    renditions: list[RenditionUsed] = Field([], description="what it gets in place of files that it would refuse")
    link_tags: LinkTags | None = Field(None, description="what is added to its links there")
    mentions: list[Named] = Field([], description="what the names of the address book in it become there")
    notices: list[Problems] = Field([], description="what is worth knowing of single items and forbids nothing")
    warnings: list[SendWarning] = Field(description="what does not forbid it and may hold it up")


class Preflight(Out):
    """`readings`: what the wall time can mean where the clock changes; `later` and `earlier`
    where it does not exist, `first` and `second` where it comes twice; else empty."""

    accounts: list[PreflightAccount]
    due_at: Time | None
    readings: dict[Literal["later", "earlier", "first", "second"], Time]
    needs_approval: bool
    warnings: list[Clash]


class SplitIn(PostAsWritten):
    """A text that is too long for these accounts."""

    text: Annotated[Prose, Field(max_length=30_000)]
    account_ids: list[Id] = Field(min_length=1, max_length=200)
    numbered: bool = False


class Split(Out):
    """The items of a thread, each of which all of the accounts take."""

    items: list[str]
