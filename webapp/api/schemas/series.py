"""Posts that repeat: a rule, its dates, and the posts that they became."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from webapp.api.schemas.common import Id, In, Line, Out, Time, TimeZone, WallTime
from webapp.api.schemas.publishing import FoldRule, GapRule, PostSchedule

Rule = Annotated[
    Line,
    Field(
        max_length=210,
        description="an RRULE of days (RFC 5545) with COUNT or UNTIL, as FREQ=WEEKLY;BYDAY=TU,TH;COUNT=12",
    ),
]


class RecurrenceIn(In):
    """What a rule would mean, before anything is made of it."""

    rule: Rule
    wall_time: WallTime
    time_zone: TimeZone
    fold: FoldRule = "first"
    gap: GapRule = "later"
    account_id: list[Id] = Field([], max_length=200)


class RecurrenceDate(Out):
    """`wall_time` is what is meant; `shown` what clocks show at that moment: another time
    where they skip it."""

    wall_time: str
    at: Time
    shown: str


class Recurrence(Out):
    """Every date. `repeats_refused`: those of the accounts whose network takes no second
    post of the same words."""

    dates: list[RecurrenceDate]
    repeats_refused: list[int]


class PostRepeat(PostSchedule):
    """The rule counts from this wall time on."""

    rule: Rule
    for_approval: bool = False


class SeriesPost(Out):
    """`is_exception`: it was changed or moved by itself."""

    post_id: int
    wall_time: str | None
    due_at: Time | None
    state: str
    is_exception: bool


class Series(Out):
    id: int
    rule: str
    time_zone: str
    posts: list[SeriesPost]
