"""Notices by mail."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import In, Out, Time, Told

SubjectName = Literal["assigned", "mentioned", "due", "answers", "asked", "approvals", "posts", "followed"]
RhythmName = Literal["off", "soon", "hourly", "daily"]


class LastMail(Out):
    """`unclear`: nobody knows whether it arrived; it is not sent again."""

    state: Literal["sent", "failed", "unclear"]
    said: Told
    at: Time


class NoticeMails(Out):
    """`ready`: the installation has a mail server. `daily_at` is a wall time where one is."""

    choices: dict[SubjectName, RhythmName]
    daily_at: str
    ready: bool
    last: LastMail | None


class NoticeMailsChange(In):
    """What is not named is off. `soon`: at once, while no page of Guichet is open."""

    choices: dict[SubjectName, RhythmName]
    daily_at: str = Field("08:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
