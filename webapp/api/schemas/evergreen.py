"""Evergreen queues: posts that go out again and again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, BrandBrief, Day, Id, In, Line, Out, Prose, Time
from webapp.api.schemas.slots import SlotIn

Ordering = Literal["listed", "shuffled"]
MonthDay = Annotated[str, Field(pattern=r"^((0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))?$")]


class OwnSlot(Out):
    weekday: int
    at: str


class EvergreenQueue(Out):
    """A queue of a brand. It fills the accounts' slots of this `label` ("": all of them) or, where
    it has a `week`, those. `missed`: slots that passed while nobody filled them, the last time."""

    id: int
    brand: BrandBrief
    name: str
    accounts: list[AccountBrief]
    label: str
    week: list[OwnSlot]
    ordering: Ordering
    rest_days: int
    horizon_days: int
    is_paused: bool
    items: int
    planned: int
    missed: int
    missed_at: Time | None
    may_decide: bool
    may_add: bool


class EvergreenQueues(Out):
    items: list[EvergreenQueue]


class EvergreenQuery(In):
    brand_id: Id | None = None


class EvergreenQueueNew(In):
    brand_id: Id
    name: Annotated[Line, Field(max_length=60)]
    account_ids: list[Id] = Field(min_length=1, max_length=200)
    label: Annotated[Line, Field(max_length=60)] = ""
    week: list[SlotIn] = Field([], max_length=200, description="slots of its own, instead of the accounts’")
    ordering: Ordering = "listed"
    rest_days: int = Field(30, ge=0, le=366, description="before the same post returns to the same account")
    horizon_days: int = Field(7, ge=1, le=60, description="how far ahead it plans")
    is_paused: bool = False


class EvergreenQueueChange(In):
    """What is not named stays."""

    name: Annotated[Line, Field(max_length=60)] | None = None
    account_ids: list[Id] | None = Field(None, min_length=1, max_length=200)
    label: Annotated[Line, Field(max_length=60)] | None = None
    week: list[SlotIn] | None = Field(None, max_length=200)
    ordering: Ordering | None = None
    rest_days: int | None = Field(None, ge=0, le=366)
    horizon_days: int | None = Field(None, ge=1, le=60)
    is_paused: bool | None = None


class EvergreenLimits(In):
    """When a post may go out. A season is two days of the year ("11-15"), or none (""); what is
    null has no bound."""

    is_paused: bool = False
    season_from: MonthDay = ""
    season_to: MonthDay = ""
    last_day: Day | None = None
    most_times: int | None = Field(None, ge=1, le=10_000)


class EvergreenItemNew(EvergreenLimits):
    """`post_id`: a draft moves into the queue, of anything else a copy does."""

    post_id: Id


class EvergreenOrder(In):
    item_ids: list[Id] = Field(max_length=500)


class WordingIn(In):
    text: Prose


class Wording(Out):
    post_id: int
    text: str
    version: int


class EvergreenReason(Out):
    """Why a post would not have the next turn on these accounts: paused, ended, used_up,
    out_of_season, waits_for_approval, sent_back, resting, no_right, same_words, too_close, or the
    code of what refused it when it was planned. `until`: when that ends."""

    name: str
    account_ids: list[int]
    until: Time | None


class EvergreenItem(Out):
    id: int
    wordings: list[Wording]
    account_ids: list[int]
    is_paused: bool
    season_from: str
    season_to: str
    last_day: date | None
    most_times: int | None
    times: int
    last_at: Time | None
    next_at: Time | None
    reasons: list[EvergreenReason]
    needs_wordings: int
    may_change: bool


class PassedOver(Out):
    item_id: int
    why: str


class EvergreenPlanned(Out):
    """An occurrence: a post of its own. `passed`: whose turn it was before, and why it was not taken."""

    post_id: int
    item_id: int
    text: str
    account_ids: list[int]
    due_at: Time
    wall_time: str
    time_zone: str
    state: str
    is_exception: bool
    passed: list[PassedOver]


class EvergreenPlace(Out):
    """A slot that nothing has taken. `item_id` null: it stays empty, and `passed` says why."""

    at: Time
    wall_time: str
    time_zone: str
    account_ids: list[int]
    item_id: int | None
    passed: list[PassedOver]


class EvergreenView(Out):
    queue: EvergreenQueue
    items: list[EvergreenItem]
    planned: list[EvergreenPlanned]
    places: list[EvergreenPlace]
