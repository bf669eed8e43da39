"""The brake: what it stops, what it holds, what becomes of that."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Line, Moment, Out, PersonBrief, Time
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


class HeldGroup(Out):
    """What is held on one account, posts or answers, and about equally late: up to an hour, up to a
    day, or longer. Complete."""

    account: AccountBrief
    answers: bool
    lateness: Literal["hour", "day", "longer"]
    first_due_at: Time
    last_due_at: Time
    count: int


class Stopped(Out):
    """`held`: what must be chosen for when the brake is lifted; `in_flight`: calls that had
    begun. At most 500 of each; `groups` tell all that is held."""

    held: list[Delivery]
    groups: list[HeldGroup]
    in_flight: list[Delivery]


class HeldChoice(In):
    delivery_id: Id
    choice: Literal["send", "reschedule", "drop"]
    due_at: Moment | None = None


class HeldGroupChoice(In):
    """One choice for all that is held on an account and was due from `since` to `until`. A new time
    (`due_at`) is that of what was due at `since`; the others keep their distance to it."""

    account_id: Id
    answers: bool = False
    since: Moment
    until: Moment
    choice: Literal["send", "reschedule", "drop"]
    due_at: Moment | None = None


class BrakeOrder(In):
    """Pull (`on`) or lift. Lifting demands a choice for every held delivery: its own in
    `choices`, that of a group in `groups`, or one for all others in `held`."""

    on: bool
    posts: bool = True
    answers: bool = False
    spares: bool = False
    scope: Literal["everything", "brand", "account"] = "everything"
    scope_id: Id | None = None
    reason: Line = ""
    held: Literal["send", "drop"] | None = None
    choices: list[HeldChoice] = Field([], max_length=5000)
    groups: list[HeldGroupChoice] = Field([], max_length=1000)
