"""Media, posts and deliveries."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from webapp.api.schemas.cards import Card, CardsGiven
from webapp.api.schemas.common import (
    AccountBrief,
    Id,
    In,
    LanguageTag,
    Line,
    Out,
    PageQuery,
    PersonBrief,
    Prose,
    Time,
    TimeZone,
    Told,
    WallTime,
)
from webapp.api.schemas.files import Media
from webapp.api.schemas.framing import Framing, FramingGiven

FoldRule = Literal["first", "second"]
GapRule = Literal["later", "earlier"]
DeliveryStateName = Literal[
    "awaiting_approval",
    "scheduled",
    "due",
    "claimed",
    "sending",
    "published",
    "blocked",
    "held",
    "cancelled",
    "failed",
    "unknown",
    "reconciling",
    "needs_human",
]


PostState = Literal[
    "draft",
    "evergreen",
    "awaiting_approval",
    "scheduled",
    "sending",
    "published",
    "partly_failed",
    "failed",
    "held",
    "needs_human",
    "cancelled",
]


class Problems(Out):
    """What a network would refuse: which item (0 is the post), a stable name, the figures."""

    item: int
    name: str
    data: dict[str, Any]


class Item(Out):
    """A further item of a thread."""

    text: str
    media_ids: list[int]


class ItemIn(In):
    """A further item of a thread, with its own files."""

    text: Prose = ""
    media_ids: list[Id] = Field([], max_length=20)


class LinkTags(Out):
    """What is added to links of these domains and their subdomains, in order; values are
    percent-encoded. What stands in a link already stays."""

    domains: list[str]
    parameters: list[tuple[str, str]]


class Named(Out):
    """Somebody of the address book, named in a text as @[typed]: the `text` that goes out in its place
    on this account, and the `handle` there, empty where that is a plain name."""

    typed: str
    text: str
    handle: str


class Variant(Out):
    """How the post stands on one account; null text: the common one. `link_tags`: what is added
    to its links, and `mentions` what names become, once that is settled."""

    account_id: int
    text: str | None
    items: list[Item] | None
    first_comment: str | None
    media_ids: list[int] | None
    framing: list[Framing] | None
    cards: list[Card] | None
    language: str | None
    subject: str | None
    link_tags: LinkTags | None
    mentions: list[Named]
    gives_cards: bool = Field(description="its network is given the cards of links, as that was settled")


class VariantIn(In):
    """An account that the post is for. What is null is taken from the common text."""

    account_id: Id
    text: Prose | None = None
    items: list[ItemIn] | None = Field(None, max_length=50)
    first_comment: Prose | None = None
    media_ids: list[Id] | None = Field(None, max_length=20)
    framing: FramingGiven | None = None
    cards: CardsGiven | None = None
    language: LanguageTag | None = None
    subject: Line | None = None


class AttemptOut(Out):
    id: int
    generation: int
    state: str
    started_at: Time
    ended_at: Time | None
    http_status: int | None
    error_code: str
    error: Told
    evidence: dict[str, Any]


class Delivery(Out):
    """`reason_code` is stable; `reason` a sentence. `late_by_seconds`: after due time."""

    id: int
    kind: str
    item: int
    state: DeliveryStateName
    account: AccountBrief
    post_id: int | None
    conversation_id: int | None
    text: str
    due_at: Time
    sent_at: Time | None
    late_by_seconds: float | None
    remote_url: str | None
    reason_code: str | None
    reason: Told | None
    generation: int
    withdraw: bool
    not_linked: list[str] = Field(
        [],
        description="handles that went out as plain text: nobody has them there, or not whom they were found to be",
    )


class DeliveryDetail(Delivery):
    attempts: list[AttemptOut]


class DeliveryQuery(PageQuery):
    state: list[DeliveryStateName] | None = None
    account_id: list[Id] | None = None
    post_id: Id | None = None
    conversation_id: Id | None = None


class DeliveryAmend(In):
    """What it is to say at the network from now on."""

    text: Prose


class DeliveryDecide(In):
    """link: it is there, this is it; resend: send it again; drop: let it be."""

    choice: Literal["link", "resend", "drop"]
    remote_id: Line = ""
    url: Line = ""
    reason: Line = ""


class DeliverySeen(In):
    """A delivery as it was seen; to link it, which one on the network it is."""

    id: Id
    generation: int = Field(ge=1, le=2**31 - 1)
    remote_id: Line = ""
    url: Line = ""


class DeliveriesDecide(In):
    """The same choice for each; `reason` is kept with it."""

    choice: Literal["link", "resend", "drop"]
    deliveries: list[DeliverySeen] = Field(min_length=1, max_length=100)
    reason: Line = ""


class DeliveryDecided(Out):
    """`code` and `reason`: why it was not done."""

    delivery_id: int
    done: bool
    code: str | None
    reason: Told


class DeliveriesDecided(Out):
    done: int
    items: list[DeliveryDecided]


class PostTag(Out):
    """A label or a campaign of a brand's posts."""

    id: int
    brand_id: int
    kind: Literal["label", "campaign"]
    name: str
    colour: str


class Post(Out):
    """`state` sums up the deliveries: draft, awaiting_approval, scheduled, sending,
    published, partly_failed, failed, held, needs_human, cancelled."""

    id: int
    brand_id: int
    title: str
    text: str
    items: list[Item]
    first_comment: str
    language: str
    subject: str
    media_ids: list[int] = Field(description="the common files; `media` describes every file of the post")
    media: list[Media]
    framing: list[Framing] = Field(description="how the common files are shown, where not whole")
    cards: list[Card] = Field(description="what was decided about the cards of links")
    variants: list[Variant]
    more_accounts: int = Field(description="how many accounts it is for that you do not see")
    may: list[Literal["change", "move", "cancel", "delete"]] = Field(
        description="what you may do with it as it stands; move: give it another time"
    )
    state: PostState
    wall_time: str | None
    time_zone: str
    fold: FoldRule
    gap: GapRule
    due_at: Time | None
    series_id: int | None
    is_exception: bool
    late_limit: int = Field(description="seconds after its time; later than this a person is asked")
    author: PersonBrief
    approved_by: PersonBrief | None
    embargo_wall_time: str | None = Field(description="nothing of it begins before this")
    embargo_time_zone: str
    embargo_at: Time | None
    goes_on: bool = Field(description="also in a crisis, under a brake that spares such posts")
    tags_links: bool = Field(description="its links are tagged as its brand says")
    rejected_reason: str
    tags: list[PostTag]
    deliveries: list[Delivery]
    version: int
    created_at: Time
    updated_at: Time


TagIds = Annotated[list[Id], Field(max_length=50, description="labels, and one campaign at most, of the post's brand")]
LateLimit = Annotated[
    int, Field(ge=60, le=30 * 86400, description="seconds after its time; later than this a person is asked")
]


class PostNew(In):
    """A draft. `variants` lists every account that it is for."""

    brand_id: Id
    title: Line = ""
    text: Prose = ""
    items: list[ItemIn] = Field([], max_length=50)
    first_comment: Prose = ""
    media_ids: list[Id] = Field([], max_length=20)
    framing: FramingGiven = Field([])
    cards: CardsGiven = Field([])
    language: LanguageTag = ""
    subject: Line = ""
    variants: list[VariantIn] = Field([], max_length=200)
    wall_time: WallTime | None = None
    time_zone: TimeZone = "UTC"
    fold: FoldRule = "first"
    gap: GapRule = "later"
    late_limit: LateLimit | None = Field(None, description="the brand's where nothing is said")
    embargo_wall_time: WallTime | None = None
    embargo_time_zone: TimeZone = "UTC"
    goes_on: bool = False
    tags_links: bool = Field(True, description="tag its links as its brand says")
    tag_ids: TagIds = Field([])


class PostChange(In):
    """`version` is the one that was read: another one is a conflict."""

    version: int = Field(ge=1, le=2**31 - 1)
    title: Line | None = None
    text: Prose | None = None
    items: list[ItemIn] | None = Field(None, max_length=50)
    first_comment: Prose | None = None
    media_ids: list[Id] | None = Field(None, max_length=20)
    framing: FramingGiven | None = None
    cards: CardsGiven | None = None
    language: LanguageTag | None = None
    subject: Line | None = None
    variants: list[VariantIn] | None = Field(None, max_length=200)
    wall_time: WallTime | None = None
    time_zone: TimeZone | None = None
    fold: FoldRule | None = None
    gap: GapRule | None = None
    late_limit: LateLimit | None = None
    embargo_wall_time: WallTime | Literal[""] | None = Field(None, description="empty: no embargo any more")
    embargo_time_zone: TimeZone | None = None
    goes_on: bool | None = None
    tags_links: bool | None = None
    tag_ids: TagIds | None = None


class PostSchedule(In):
    """A wall time in an IANA zone. `fold`: which of two equal wall times; `gap`: what to do
    with one that does not exist."""

    wall_time: WallTime
    time_zone: TimeZone
    fold: FoldRule = "first"
    gap: GapRule = "later"


class PostApprove(In):
    """`version` is the one that was read: another one is a conflict, and nothing is approved."""

    version: int | None = Field(None, ge=1, le=2**31 - 1)
    reason: Line = ""


class PostReject(In):
    """`version` as for approving."""

    version: int | None = Field(None, ge=1, le=2**31 - 1)
    reason: Line = ""


class Clash(Out):
    """What stands in a post's way on an account. `name`: too_close (`data`: minutes, gap),
    same_text (`data`: network_refuses) or similar_text (`data`: percent); `post_id` and `at`
    of the other post. `refused`: the account's policy does not let it be scheduled."""

    account_id: int
    name: Literal["too_close", "same_text", "similar_text"]
    post_id: int
    at: Time
    refused: bool
    data: dict[str, Any]


class Planned(Post):
    """A post that was scheduled or moved, with what it is now in the way of."""

    warnings: list[Clash]
