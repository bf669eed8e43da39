"""Rules: conditions → actions, and what they would have done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from webapp.api.schemas.common import Code, Id, In, Name, Out, Time


class Condition(In):
    """`value` is a text, a number, or a list of them, as the field wants it."""

    field: Code
    operator: Code
    value: str | int | bool | list[str] | list[int] | None = None


class RuleAction(In):
    kind: Code
    value: str | int | bool | None = None


Since = Literal["", "waiting", "customer", "answer", "unassigned", "put_off", "created"]
Minutes = Annotated[int, Field(ge=5, le=366 * 24 * 60)]


class Rule(Out):
    """`stops`: no later rule is tried once this one matched. `since`: what `after_minutes` are counted
    from (`in_hours`: of the brand's business hours only); "": it acts on each message."""

    id: int
    name: str
    on: bool
    position: int
    brand_id: int | None
    stops: bool
    since: Since
    after_minutes: int | None
    in_hours: bool
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    updated_at: Time


class RuleNew(In):
    name: Name
    on: bool = False
    brand_id: Id | None = None
    stops: bool = False
    since: Since = ""
    after_minutes: Minutes | None = None
    in_hours: bool = False
    conditions: list[Condition] = Field(max_length=30)
    actions: list[RuleAction] = Field(min_length=1, max_length=20)


class RuleChange(In):
    name: Name | None = None
    on: bool | None = None
    stops: bool | None = None
    since: Since | None = None
    after_minutes: Minutes | None = None
    in_hours: bool | None = None
    conditions: list[Condition] | None = Field(None, max_length=30)
    actions: list[RuleAction] | None = Field(None, min_length=1, max_length=20)


class RulePreviewIn(In):
    """Tried against the last messages that one may see, or after a time on the conversations whose
    time has come; nothing is changed."""

    brand_id: Id | None = None
    since: Since = ""
    after_minutes: Minutes | None = None
    in_hours: bool = False
    conditions: list[Condition] = Field(max_length=30)


class RuleMatch(Out):
    message_id: int
    conversation_id: int
    text: str
    at: Time


class RulePreview(Out):
    """`tried`: messages, or conversations whose time has come (a thousand at most)."""

    tried: int
    matched: int
    items: list[RuleMatch]


class RuleOrder(In):
    """Every rule once, in the order in which they are tried."""

    ids: list[Id] = Field(max_length=1000)
