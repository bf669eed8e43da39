"""Times of the week at which posts did better, and times put forward for one that is written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Moment, Out, Time, TimeZone, Told

Measure = Literal["reactions", "answers"]


class PartOfWeek(Out):
    """A part of the week in the account's zone: two hours from `hour` on a weekday (0 is Monday).
    Without a weekday: on any day; without an hour: all day. `brought`: what the middle one of its
    posts brought. `better`: how far its posts stand above the others, in standard deviations,
    less where they are few. `usual_time`: when they mostly went out. `said`: the same in words."""

    weekday: int | None
    hour: int | None
    posts: int
    brought: int
    better: float
    stands_out: bool
    usual_time: str
    said: Told


class Times(Out):
    """What an account's own posts say. `measure`: reactions (likes, shares and answers at the age
    of a day or two, as the network told) or answers (that came to us within two days). `usual`:
    what the middle one of all posts brought. `best`: the parts that stand out, the best first;
    `week`: each weekday and two hours with posts."""

    account: AccountBrief
    time_zone: str
    verdict: Literal["thin", "nothing", "found"]
    said: Told
    measure: Measure
    posts: int
    days: int
    needed_posts: int
    needed_days: int
    usual: int
    best: list[PartOfWeek]
    week: list[PartOfWeek]


class SuggestedQuery(In):
    account_id: list[Id] = Field([], max_length=20)
    post_id: Id | None = Field(None, description="the post that is moved: it is in nobody's way")
    not_before: Moment | None = None
    time_zone: TimeZone | None = Field(None, description="in which `wall_time` is told; the first account's else")


class Reason(Out):
    """What speaks for a time on one account."""

    account_id: int
    weekday: int | None
    hour: int | None
    said: Told


class SuggestedTime(Out):
    at: Time
    wall_time: str
    time_zone: str
    reasons: list[Reason]


class Known(Out):
    account_id: int
    verdict: Literal["thin", "nothing", "found"]
    said: Told


class SuggestedTimes(Out):
    """Up to three coming times, the best first; and of each account what its history can say."""

    items: list[SuggestedTime]
    accounts: list[Known]


class PartQuery(In):
    weekday: int | None = Field(None, ge=0, le=6)
    hour: int | None = Field(None, ge=0, le=22, multiple_of=2)


class PastPost(Out):
    """A post behind a figure. `url`: where it stands on its network."""

    post_id: int
    text: str
    url: str | None
    at: Time
    brought: int


class PastPosts(Out):
    """What brought most first, 100 at most; `posts`: how many there are."""

    measure: Measure
    posts: int
    items: list[PastPost]
