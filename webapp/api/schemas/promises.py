"""What is promised to whom, and what happens when it comes near."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webapp.api.schemas.common import Code, Id, In, Name, Out, Time
from webapp.api.schemas.triage import Condition


class PromiseAction(In):
    """tell_assignee, tell_leads (of its team): without a value; tell_staff, tell_team, team: an id;
    priority: 0 to 3, and never lowered."""

    kind: Code
    value: int | None = None


class PromiseStep(In):
    """Done once when `percent` of the time promised for an answer, or to settle it, has passed
    (100: when the promise is broken)."""

    of: Literal["answer", "resolution"] = "answer"
    percent: int = Field(ge=1, le=300)
    actions: list[PromiseAction] = Field(min_length=1, max_length=10)


class PromisePolicy(Out):
    """Minutes are of the brand's hours, or of the whole day where it `runs_always`; null: not
    promised. `next_minutes` is for an answer to whoever had one already, `resolution_minutes` until
    it is settled; that clock stands still while it is the customer's turn."""

    id: int
    name: str
    on: bool
    position: int
    brand_id: int | None
    conditions: list[dict[str, Any]]
    first_minutes: int | None
    next_minutes: int | None
    resolution_minutes: int | None
    runs_always: bool
    steps: list[dict[str, Any]]
    version: int
    updated_at: Time


class PromisePolicyNew(In):
    name: Name
    on: bool = True
    brand_id: Id | None = None
    conditions: list[Condition] = Field([], max_length=50)
    first_minutes: int | None = None
    next_minutes: int | None = None
    resolution_minutes: int | None = None
    runs_always: bool = False
    steps: list[PromiseStep] = Field([], max_length=10)


class PromisePolicyChange(In):
    """What is given is changed; brand_id and the minutes may be null."""

    name: Name | None = None
    on: bool | None = None
    brand_id: Id | None = None
    conditions: list[Condition] | None = Field(None, max_length=50)
    first_minutes: int | None = None
    next_minutes: int | None = None
    resolution_minutes: int | None = None
    runs_always: bool | None = None
    steps: list[PromiseStep] | None = Field(None, max_length=10)


class PromiseOrder(In):
    """Every promise once, in the order in which they are tried."""

    ids: list[Id] = Field(max_length=1000)


class PromisePreviewIn(In):
    """`policy_id`: in the place of that one; null: before all others."""

    policy_id: Id | None = None
    brand_id: Id | None = None
    conditions: list[Condition] = Field([], max_length=50)
    first_minutes: int | None = None
    next_minutes: int | None = None
    resolution_minutes: int | None = None
    runs_always: bool = False


class PromiseMatch(Out):
    conversation_id: int
    text: str
    since: Time
    due_at: Time | None


class PromisePreview(Out):
    """Of `tried` who wait now, as far as one may see them, `matched` would fall under it and `late`
    of them have no answer in time already; `items` are those due first."""

    tried: int
    matched: int
    late: int
    items: list[PromiseMatch]
