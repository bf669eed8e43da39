"""Rules: conditions → actions, and what they would have done."""

from __future__ import annotations

from typing import Any

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


class Rule(Out):
    """`stops`: no later rule is tried once this one matched."""

    id: int
    name: str
    on: bool
    position: int
    brand_id: int | None
    stops: bool
    conditions: list[dict[str, Any]]
    actions: list[dict[str, Any]]
    updated_at: Time


class RuleNew(In):
    name: Name
    on: bool = False
    brand_id: Id | None = None
    stops: bool = False
    conditions: list[Condition] = Field(max_length=30)
    actions: list[RuleAction] = Field(min_length=1, max_length=20)


class RuleChange(In):
    name: Name | None = None
    on: bool | None = None
    stops: bool | None = None
    conditions: list[Condition] | None = Field(None, max_length=30)
    actions: list[RuleAction] | None = Field(None, min_length=1, max_length=20)


class RulePreviewIn(In):
    """Tried against the last messages that one may see; nothing is changed."""

    brand_id: Id | None = None
    conditions: list[Condition] = Field(max_length=30)


class RuleMatch(Out):
    message_id: int
    conversation_id: int
    text: str
    at: Time


class RulePreview(Out):
    tried: int
    matched: int
    items: list[RuleMatch]


class RuleOrder(In):
    """Every rule once, in the order in which they are tried."""

    ids: list[Id] = Field(max_length=1000)
