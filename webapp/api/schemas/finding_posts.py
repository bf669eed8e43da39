"""Which posts a list, a calendar or a table of them is about."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Id, In, Moment, Out, PageQuery, Time, Words
from webapp.api.schemas.publishing import PostState


class PostFilter(In):
    """Which posts. `state`: draft, awaiting_approval, scheduled, published, cancelled; or
    failed, held, needs_human for what stands so on some account."""

    brand_id: Id | None = None
    account_id: list[Id] | None = None
    author_id: Id | None = None
    import_id: Id | None = Field(None, description="brought in with this table")
    label_id: list[Id] | None = Field(None, description="with any of these labels")
    campaign_id: list[Id] | None = Field(None, description="of any of these campaigns")
    state: list[str] | None = None
    since: Moment | None = Field(None, description="due at or after")
    until: Moment | None = Field(None, description="due before")
    q: Words | None = None
    order: Literal["latest", "soonest"] = Field("latest", description="by due time; soonest: those without one last")


class PostQuery(PostFilter, PageQuery):
    """A page of posts."""


class PostExport(PostFilter):
    """Posts as a table."""

    form: Literal["csv", "xlsx"] = "csv"


class CalendarQuery(PostFilter):
    """Posts of a time, at most a year of it."""

    since: Moment
    until: Moment


class CalendarEntry(Out):
    """A post as a calendar shows it: `text` are its first words, `account_ids` those of its
    accounts that you see; `may_move`: you may give it another time."""

    id: int
    brand_id: int
    author_id: int
    text: str
    state: PostState
    due_at: Time
    time_zone: str
    account_ids: list[int]
    tag_ids: list[int]
    may_move: bool


class CalendarEntries(Out):
    """Earliest first. `complete`: these are all; else narrow the time."""

    items: list[CalendarEntry]
    complete: bool
