"""Alerts, whom they call, and how that is set up."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webapp.api.schemas.common import (
    AccountBrief,
    BrandBrief,
    Code,
    Id,
    In,
    Name,
    Out,
    PageQuery,
    PersonBrief,
    Time,
    Told,
)

EventName = Literal["near", "broken", "flood", "signed_out", "undecided", "failed"]
HoursName = Literal["always", "open", "closed"]


class AlertEvent(In):
    """`near` takes minutes (before a promise ends), `flood` minutes and count (of messages)."""

    kind: EventName
    minutes: int | None = Field(None, ge=1, le=1440)
    count: int | None = Field(None, ge=2, le=2000)


class AlertStep(In):
    """Whom: staff, team (everybody of it), rota (whose week it is), hook: each with the id of one.
    `minutes` are for somebody to acknowledge before the next step."""

    whom: Code
    value: Id
    ways: list[Code] = Field([], max_length=2)
    minutes: int = Field(ge=1, le=1440)


class AlertPolicy(Out):
    id: int
    brand_id: int
    name: str
    on: bool
    events: list[dict[str, Any]]
    steps: list[dict[str, Any]]
    repeats: int
    hours: HoursName
    updated_at: Time


class AlertPolicyNew(In):
    """`repeats`: how often the steps begin anew while nobody acknowledges. `hours`: raised always,
    or only while the brand is open or closed."""

    brand_id: Id
    name: Name
    on: bool = True
    events: list[AlertEvent] = Field(max_length=6)
    steps: list[AlertStep] = Field(max_length=10)
    repeats: int = Field(0, ge=0, le=20)
    hours: HoursName = "always"


class AlertPolicyChange(In):
    """What is given is changed."""

    brand_id: Id | None = None
    name: Name | None = None
    on: bool | None = None
    events: list[AlertEvent] | None = Field(None, max_length=6)
    steps: list[AlertStep] | None = Field(None, max_length=10)
    repeats: int | None = Field(None, ge=0, le=20)
    hours: HoursName | None = None


class AlertHook(Out):
    """Its secret is shown once, when it is made."""

    id: int
    brand_id: int
    name: str
    url: str
    created_at: Time


class AlertHookNew(In):
    brand_id: Id
    name: Name
    url: str = Field(max_length=2000)


class AlertHookMade(Out):
    """`secret` verifies the header webhook-signature (Standard Webhooks)."""

    hook: AlertHook
    secret: str


class AlertQuery(PageQuery):
    open: bool = False


class Alert(Out):
    """`count`: of how many things it tells. `exhausted`: everybody was called, and nobody is left.
    `calls_me`: it called whoever asks, in the page."""

    id: int
    event: EventName
    count: int
    policy: str
    brand: BrandBrief
    account: AccountBrief
    conversation_id: int | None
    raised_at: Time
    next_at: Time | None
    acknowledged_at: Time | None
    acknowledged_by: PersonBrief | None
    acknowledged_way: str
    ended_at: Time | None
    exhausted: bool
    calls_me: bool
    can_acknowledge: bool


class AlertTry(Out):
    at: Time
    said: Told = Field(description="empty: it was taken")


class AlertCall(Out):
    round: int
    step: int
    way: Literal["page", "email", "hook"]
    staff: PersonBrief | None
    hook: str
    state: Literal["waiting", "sending", "sent", "failed", "skipped", "dropped"]
    said: Told
    tries: list[AlertTry]
    at: Time


class AlertWhole(Out):
    alert: Alert
    calls: list[AlertCall]
