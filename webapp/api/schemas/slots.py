"""Slots: an account's week, what is free of it, and taking the next."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Line, Moment, Out, Time
from webapp.api.schemas.publishing import Post


class Slot(Out):
    """A place in the week: `weekday` from 0, Monday; `at` a wall time in the account's zone."""

    weekday: int
    at: str
    label: str


class SlotIn(In):
    weekday: int = Field(ge=0, le=6, description="0 is Monday")
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    label: Annotated[Line, Field(max_length=60)] = ""


class SlotWeek(Out):
    account: AccountBrief
    time_zone: str
    slots: list[Slot]


class SlotWeeks(Out):
    items: list[SlotWeek]


class SlotWeekIn(In):
    """The whole week, in place of what was there. What is scheduled already stays where it is."""

    slots: list[SlotIn] = Field(max_length=200)


class SlotQuery(In):
    account_id: list[Id] | None = Field(None, max_length=200)


class OpeningQuery(In):
    """Two months at most; a week from now where nothing is said."""

    account_id: list[Id] | None = Field(None, max_length=200)
    since: Moment | None = None
    until: Moment | None = None
    free: bool = Field(False, description="only what no post has taken")


class NextQuery(In):
    account_id: list[Id] = Field([], max_length=200)
    together: bool = Field(False, description="one slot that all have in common")
    after: Moment | None = None


class Opening(Out):
    """One moment of an account's slots. `post_id`: what stands there already."""

    account_id: int
    at: Time
    wall_time: str
    time_zone: str
    label: str
    post_id: int | None


class Openings(Out):
    items: list[Opening]


class PostQueue(In):
    """Each account takes its own next free slot; `together`: one that they have in common."""

    together: bool = False
    after: Moment | None = Field(None, description="not before this; now where nothing is said")
    for_approval: bool = False


class Queued(Out):
    """The posts that it became, the one asked for first: one for each time."""

    posts: list[Post]
