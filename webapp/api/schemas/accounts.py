"""Networks, brands, calendars, accounts and connecting them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import (
    AccountBrief,
    BrandBrief,
    Code,
    Id,
    In,
    LanguageTag,
    Line,
    Name,
    Out,
    PageQuery,
    Time,
    TimeZone,
    Told,
)
from webapp.api.schemas.comparing import Comparison
from webapp.api.schemas.people import AccountRoleName

SurfaceName = Literal["public", "direct", "mail"]


class TextLimit(Out):
    """What the network allows; null `max_length`: unlimited. `url_length`: what a URL
    counts whatever its length; null: counted as written."""

    max_length: int | None
    unit: Literal["character", "weighted", "grapheme", "unlimited"]
    url_length: int | None
    max_bytes: int | None
    mention_local_only: bool
    source: str
    as_of: str


class MediaLimit(Out):
    """Sizes in bytes by MIME type; a type not named is refused. `alone`: types that must
    be the only attachment."""

    max_count: int
    max_bytes: dict[str, int]
    max_pixels: int | None = Field(description="of a picture, width times height")
    alt_max: int
    alone: list[str]


class Cost(Out):
    """What one post costs at the network, in `currency`."""

    plain: float
    with_url: float
    currency: str


class FormField(Out):
    name: str
    kind: str = Field(description="text, address, secret, number or choice")
    required: bool
    default: str
    choices: list[str]


# How the truth is found after a doubt: by the same key again, by reading, or not at all.
RecoveryName = Literal["keyed", "readable", "blind"]


class Network(Out):
    name: str
    title: str
    monogram: str
    auth: list[Literal["oauth1", "oauth2", "password"]]
    recovery: RecoveryName
    fields: list[FormField]
    text: dict[SurfaceName, TextLimit]
    media: dict[SurfaceName, MediaLimit]
    cost: Cost | None
    can_delete: bool
    can_edit: bool
    configured: bool = Field(description="the installation has the application keys it needs")
    rehearsal: bool = Field(description="a rehearsal server of it runs here")
    rehearsal_form: dict[str, str] = Field(description="what to type to connect a rehearsal account")


class SignIn(Out):
    """How long the sign-in holds. `ends_at`: when a person must have connected the account anew;
    null: it renews itself, or has no end. `is_ending`: that is near."""

    ends_at: Time | None
    is_ending: bool
    is_refused: bool = Field(description="the network refused a renewal; what is held goes on until `ends_at`")


class Spending(Out):
    """What the network charged this month (UTC), by our own count: an upper estimate, not its
    bill. `level`: the last mark of the limit that was passed."""

    currency: str
    spent: float
    limit: float | None
    level: Literal[0, 80, 100]
    stopped_until: Time | None = Field(description="no new post begins before, unless the limit is raised")


class SpendItem(Out):
    month: str = Field(description="as 2026-11, UTC")
    item: str
    quantity: int
    amount: float


class Quota(Out):
    """One limit of the network and what is left of it. `source` network: it said so, at
    `seen_at`; counted: the documented limit less what went out from here, which knows nothing
    of what is sent elsewhere. `reset_at` null: not known, or it has begun anew."""

    name: str
    unit: str
    limit: int
    remaining: int
    seconds: int
    reset_at: Time | None
    source: Literal["network", "counted"]
    seen_at: Time | None
    of_app: bool = Field(description="all accounts of the application share it")
    posts: int | None = Field(description="how many posts that is; null: posts take nothing of it")


class AccountUsage(Out):
    """What is left of the network's limits, and what was charged in the last months."""

    quotas: list[Quota]
    spending: Spending | None
    items: list[SpendItem]
    prices: dict[str, float]
    prices_source: str
    prices_as_of: str


class MonthlyLimit(In):
    """How much an account may cost in a month, in its network's currency; null: no limit."""

    amount: float | None = Field(ge=0, le=1_000_000)


class Account(AccountBrief):
    """`trouble` says why it needs a person, in words to act on. `role`: one's own."""

    brand: BrandBrief
    state: Literal["connected", "needs_reconnect", "disconnected"]
    trouble: Told | None
    avatar_url: str | None
    base_url: str
    time_zone: str
    is_rehearsal: bool
    parked_until: Time | None = Field(description="nothing, or no post, goes out before: a limit is used up")
    checked_at: Time | None
    last_read_at: Time | None
    last_sent_at: Time | None
    expires_at: Time | None
    sign_in: SignIn | None
    spending: Spending | None = Field(description="null where the network charges nothing")
    role: AccountRoleName | None
    text: dict[SurfaceName, TextLimit]
    media: dict[SurfaceName, MediaLimit]
    cost: Cost | None
    recovery: RecoveryName
    card: Literal["", "reads", "given"] = Field(
        description="under a link, the network reads the page itself, is given what its card shows, or shows none"
    )
    mentions: str = Field(description="what a handle looks like there; empty where nobody is mentioned")
    can_delete: bool = Field(description="what is published can be taken down")
    can_edit: bool = Field(description="what is published can be changed")
    min_gap_minutes: int = Field(description="wanted between its posts; 0: any")
    duplicate_days: int = Field(description="within which the same words are told of; 0: never")
    clash_policy: Literal["warn", "refuse"] = Field(description="what is in a post's way is told, or not allowed")


class GapSeen(In):
    """Of which stream, as the account's health names them."""

    stream: Code


class StreamHealth(Out):
    """How far one stream of an account has been read."""

    stream: str
    polled_at: Time | None
    next_poll_at: Time
    failures: int
    last_error: Told
    gap_since: Time | None
    gap_until: Time | None
    gap_reason: Told


class RefusedDeliveries(Out):
    """Webhooks that were refused at the account's address within a week."""

    kind: str = Field(description="forged, misdirected or too_large")
    n: int
    last_at: Time


class AccountHealth(Out):
    account: Account
    streams: list[StreamHealth]
    refused: list[RefusedDeliveries]
    waiting_items: int
    dead_letters: int
    oldest_due_at: Time | None
    comparison: Comparison


class AccountQuery(PageQuery):
    brand_id: Id | None = None
    network: Code | None = None


class AccountChange(In):
    time_zone: TimeZone | None = None
    brand_id: Id | None = None
    min_gap_minutes: int | None = Field(None, ge=0, le=10_080)
    duplicate_days: int | None = Field(None, ge=0, le=366)
    clash_policy: Literal["warn", "refuse"] | None = None
    compares: bool | None = Field(None, description="its timeline with our rows, once a day")


class ConnectBegin(In):
    """Start of connecting. `form` holds the network's fields; `account_id`: reconnect this
    very account (another one is refused)."""

    network: Code
    brand_id: Id
    form: dict[Code, Line] = Field({}, max_length=20)
    rehearsal: bool = False
    account_id: Id | None = None


class ConnectBegun(Out):
    """`authorize_url`: send the person there. Otherwise `account` is connected already."""

    authorize_url: str | None
    account: Account | None


class ConnectSignIn(In):
    """Connecting with typed credentials."""

    network: Code
    brand_id: Id
    form: dict[Code, Line] = Field(max_length=20)
    rehearsal: bool = False
    account_id: Id | None = None


class Brand(BrandBrief):
    time_zone: str
    languages: list[str]
    signs_with_initials: bool
    expert_credit: str = Field(description="under what an expert answers; {name}, {topic} are filled in")
    needs_approval: bool
    needs_alt_text: bool
    calendar_id: int | None
    default_team_id: int | None
    close_after_days: int
    late_limit_minutes: int = Field(description="how late a post may go out; later, a person is asked")
    keep_days: int | None = Field(description="days after which what was said goes for good; null: never")


class BrandNew(In):
    name: Name
    time_zone: TimeZone = "UTC"
    languages: list[LanguageTag] = Field([], max_length=30)
    signs_with_initials: bool = False
    expert_credit: str = Field("via {name}", max_length=60)
    needs_approval: bool = False
    needs_alt_text: bool = False
    calendar_id: Id | None = None
    default_team_id: Id | None = None
    close_after_days: int = Field(14, ge=1, le=3650)
    late_limit_minutes: int = Field(60, ge=1, le=43_200)
    keep_days: int | None = Field(None, ge=7, le=36_500)


class BrandChange(In):
    name: Name | None = None
    time_zone: TimeZone | None = None
    languages: list[LanguageTag] | None = Field(None, max_length=30)
    signs_with_initials: bool | None = None
    expert_credit: str | None = Field(None, max_length=60)
    needs_approval: bool | None = None
    needs_alt_text: bool | None = None
    calendar_id: Id | None = None
    default_team_id: Id | None = None
    close_after_days: int | None = Field(None, ge=1, le=3650)
    late_limit_minutes: int | None = Field(None, ge=1, le=43_200)
    keep_days: int | None = Field(None, ge=7, le=36_500)


class TooOldQuery(In):
    days: int = Field(ge=7, le=36_500)


class TooOld(Out):
    conversations: int = Field(description="counted to 10,000")


class Calendar(Out):
    """Business hours. `intervals`: weekday ("0" is Monday) → [["09:00", "12:30"], …];
    `holidays`: ISO dates."""

    id: int
    name: str
    time_zone: str
    intervals: dict[str, list[tuple[str, str]]]
    holidays: list[str]
    version: int


HourMinute = str


class CalendarNew(In):
    name: Name
    time_zone: TimeZone
    intervals: dict[Literal["0", "1", "2", "3", "4", "5", "6"], list[tuple[HourMinute, HourMinute]]]
    holidays: list[str] = Field([], max_length=2000)


class CalendarChange(In):
    name: Name | None = None
    time_zone: TimeZone | None = None
    intervals: dict[Literal["0", "1", "2", "3", "4", "5", "6"], list[tuple[HourMinute, HourMinute]]] | None = None
    holidays: list[str] | None = Field(None, max_length=2000)
