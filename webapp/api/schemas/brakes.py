"""The brake: what it stops, what it holds, what becomes of that."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Id, In, Line, Moment, Out, PersonBrief, Time
from webapp.api.schemas.publishing import Delivery


class Brake(Out):
    """`everything`, or of one brand or account. `held`: deliveries that wait for it to be
    lifted; `in_flight`: calls that had begun."""

    id: int | None
    on: bool
    posts: bool
    answers: bool
    spares: bool = Field(description="posts that are marked to go on in a crisis do")
    scope: Literal["everything", "brand", "account"]
    scope_id: int | None
    since: Time | None
    by: PersonBrief | None
    reason: str


class BrakeState(Brake):
    """The widest brake that is on, and all of them."""

    held: int
    in_flight: int
    brakes: list[Brake]


class BrakeQuery(In):
    """Which brake: that on everything, or on one brand or account."""

    scope: Literal["everything", "brand", "account"] = "everything"
    scope_id: Id | None = None


class Stopped(Out):
    """`held`: what must be chosen for when the brake is lifted; `in_flight`: calls that had
    begun. At most 500 of each."""

    held: list[Delivery]
    in_flight: list[Delivery]


class HeldChoice(In):
    delivery_id: Id
    choice: Literal["send", "reschedule", "drop"]
    due_at: Moment | None = None


class BrakeOrder(In):
    """Pull (`on`) or lift. Lifting demands a choice for every held delivery: one for all
    in `held`, or one each in `choices`."""

    on: bool
    posts: bool = True
    answers: bool = False
    spares: bool = False
    scope: Literal["everything", "brand", "account"] = "everything"
    scope_id: Id | None = None
    reason: Line = ""
    held: Literal["send", "drop"] | None = None
    choices: list[HeldChoice] = Field([], max_length=5000)
