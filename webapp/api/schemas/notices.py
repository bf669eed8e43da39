"""What people are told of the conversations that they follow."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Id, In, Out, PageQuery, PersonBrief, Time
from webapp.api.schemas.inbox import CustomerBrief


class Notice(Out):
    """What somebody is told. `mention` and `team_mention`: a note calls them; `due_soon` and `late`:
    a step of what was promised names them; `approved`, `rejected`: what a colleague said of their
    answer; `pool_returned`: no expert took it in time, the desk answers it;
    the others: what happened in a conversation that they follow, `count` times since they last looked."""

    id: int
    kind: Literal[
        "mention",
        "team_mention",
        "message",
        "note",
        "answer",
        "closed",
        "held_back",
        "bounced",
        "called_off",
        "due_soon",
        "late",
        "side_answer",
        "side_failed",
        "nothing_came",
        "approved",
        "pool_returned",
        "hiding_stopped",
        "rule",
        "rejected",
    ]
    conversation_id: int
    customer: CustomerBrief
    account: AccountBrief
    message_id: int | None
    text: str = Field(description="what was said, cut short; empty where nothing was")
    by: PersonBrief | None
    count: int
    at: Time
    seen: bool


class NoticeQuery(PageQuery):
    unseen: bool = False


class NoticeCount(Out):
    """`count` stops at 99; `more` says that there are more."""

    count: int
    more: bool


class NoticesSeen(In):
    """`ids` null: all of them."""

    ids: list[Id] | None = Field(max_length=200)
