"""Figures: how long customers wait, what was answered, what went out late."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Out, PageQuery, PersonBrief, Time
from webapp.api.schemas.inbox import CustomerBrief


class Percentile(Out):
    """`more_than`: the value is only known to lie beyond `seconds`."""

    seconds: float | None
    more_than: bool


class WaitingAccount(Out):
    account: AccountBrief
    waiting: int
    oldest_since: Time | None


class WaitsNow(Out):
    """Who waits now."""

    as_of: Time
    waiting: int
    oldest_since: Time | None
    by_account: list[WaitingAccount]


class ResponseRow(Out):
    """`key` is the day, the account's id or the person's id. `still_waiting` and
    `closed_unanswered` are counted in the percentiles as censored."""

    key: str
    name: str
    count: int
    still_waiting: int
    closed_unanswered: int
    p50: Percentile
    p90: Percentile


class Responses(Out):
    as_of: Time
    by: Literal["day", "account", "agent"]
    since: Time
    until: Time
    total: ResponseRow
    previous: ResponseRow | None
    rows: list[ResponseRow]


class ResponsesQuery(In):
    by: Literal["day", "account", "agent"] = "day"
    since: Time | None = Field(None, description="default: 7 days ago")
    until: Time | None = None
    account_id: list[Id] | None = None
    brand_id: Id | None = None
    first_only: bool = Field(True, description="first responses only; else every customer turn")


class WaitConversation(Out):
    id: int
    customer: CustomerBrief
    account: AccountBrief
    preview: str


class Wait(Out):
    id: int
    conversation: WaitConversation
    started_at: Time
    ended_at: Time | None
    end_kind: str | None
    answered_by: PersonBrief | None
    seconds: float


class WaitsQuery(PageQuery):
    """The waits behind a figure."""

    open: bool | None = Field(None, description="only those that still wait")
    since: Time | None = None
    until: Time | None = None
    account_id: list[Id] | None = None
    answered_by: Id | None = None
    end_kind: str | None = Field(None, max_length=40)
    first_only: bool = False


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
    since: Time | None = Field(None, description="default: 7 days ago")
    until: Time | None = None
    account_id: list[Id] | None = None
