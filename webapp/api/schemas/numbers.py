"""Figures: how long customers wait, what was answered, what went out late."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Code, Day, Id, In, Moment, Out, PageQuery, PersonBrief, Time
from webapp.api.schemas.inbox import CustomerBrief

EndKindName = Literal[
    "open",
    "human_reply",
    "bot_reply",
    "answered_elsewhere",
    "not_needed",
    "withdrawn",
    "merged",
    "moderated",
    "closed_unanswered",
]

PromiseKindName = Literal["first", "next", "resolution"]
PromiseFateName = Literal["kept", "broken", "running"]


class Percentile(Out):
    """`more_than`: the value is only known to lie beyond `seconds`; null: no data."""

    seconds: float | None
    more_than: bool


class WaitScope(Out):
    """The waits that a figure stands for, as the query of /stats/waits."""

    account_id: list[int]
    brand_id: int | None
    network: str | None
    since: date | None
    until: date | None
    end_kind: list[str]
    answered_by: int | None
    first_only: bool | None
    policy_id: int | None
    promise_kind: str | None
    promise: str | None


class WaitingAccount(Out):
    account: AccountBrief
    waiting: int


class WaitsNow(Out):
    """Who waits now."""

    as_of: Time
    waiting: int
    oldest_since: Time | None
    oldest_conversation_id: int | None
    by_account: list[WaitingAccount]
    waits: WaitScope


class ResponseRow(Out):
    """`key` is the day, the account's id or the person's id ("" for nobody). `censored` still
    wait, gave up, or were closed unanswered: the percentiles count them as longer. `waits` are
    all of the row, `answered_waits` and `censored_waits` those behind these two figures."""

    key: str
    name: str
    started: int
    answered: int
    censored: int
    p50: Percentile
    p90: Percentile
    waits: WaitScope
    answered_waits: WaitScope
    censored_waits: WaitScope


class EndCount(Out):
    end_kind: str
    count: int
    waits: WaitScope


class Responses(Out):
    """First responses. `previous` is the same number of days before."""

    as_of: Time
    by: Literal["day", "account", "agent"]
    since: date
    until: date
    total: ResponseRow
    previous: ResponseRow
    rows: list[ResponseRow]
    ends: list[EndCount]


class ResponsesQuery(In):
    """Days in the zone of each account's brand, both included; default: the last seven."""

    by: Literal["day", "account", "agent"] = "day"
    since: Day | None = None
    until: Day | None = None
    account_id: list[Id] | None = None
    brand_id: Id | None = None
    network: Code | None = None


class WaitsNowQuery(In):
    account_id: list[Id] | None = None
    brand_id: Id | None = None
    network: Code | None = None


class WaitConversation(Out):
    id: int
    customer: CustomerBrief
    account: AccountBrief
    preview: str


class Wait(Out):
    id: int
    conversation: WaitConversation
    started_at: Time
    received_at: Time
    ended_at: Time | None
    end_kind: str | None
    answered_by: PersonBrief | None
    first_touch_at: Time | None
    is_first: bool
    seconds: float


class WaitsQuery(PageQuery):
    """The waits behind a figure. `answered_by` 0: nobody. `end_kind` "open": those that go on."""

    account_id: list[Id] | None = None
    brand_id: Id | None = None
    network: Code | None = None
    since: Day | None = None
    until: Day | None = None
    end_kind: list[EndKindName] | None = None
    answered_by: int | None = Field(None, ge=0, le=2**53 - 1)
    first_only: bool | None = None
    policy_id: Id | None = Field(None, description="promised something by this policy")
    promise_kind: PromiseKindName | None = None
    promise: PromiseFateName | None = Field(None, description="what became of what was promised")


class KeptRow(Out):
    """What a policy promised a brand's customers, and how many promises were kept or broken, or are
    `running`: open and not late. Each with the waits behind it."""

    brand_id: int
    brand: str
    policy_id: int
    policy: str
    kind: PromiseKindName
    kept: int
    broken: int
    running: int
    kept_waits: WaitScope
    broken_waits: WaitScope
    running_waits: WaitScope


class KeptPromises(Out):
    as_of: Time
    since: date
    until: date
    rows: list[KeptRow]


class KeptQuery(In):
    """Days in the zone of each account's brand, both included; default: the last seven."""

    since: Day | None = None
    until: Day | None = None
    account_id: list[Id] | None = None
    brand_id: Id | None = None
    network: Code | None = None


class PublishedRow(Out):
    key: str
    name: str
    published: int
    failed: int
    needs_human: int
    late_p50_ms: int | None
    late_max_ms: int | None


class Publishing(Out):
    as_of: Time
    since: Time
    until: Time
    total: PublishedRow
    rows: list[PublishedRow]


class PublishingQuery(In):
    since: Moment | None = Field(None, description="default: 7 days ago")
    until: Moment | None = None
    account_id: list[Id] | None = None
