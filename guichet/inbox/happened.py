"""What can happen to those who wait in a conversation, as values: what `recount` counts from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EndKind(StrEnum):
    """How a wait ended."""

    HUMAN_REPLY = "human_reply"
    BOT_REPLY = "bot_reply"
    ANSWERED_ELSEWHERE = "answered_elsewhere"
    NOT_NEEDED = "not_needed"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    MODERATED = "moderated"
    CLOSED_UNANSWERED = "closed_unanswered"


@dataclass(frozen=True)
class Said:
    """A customer wrote. `at`: when we took it up; `remote_at`: the network's time;
    `received_at`: when it was handed over. Bounces and spam do not count."""

    at: datetime
    message_id: int
    remote_at: datetime
    received_at: datetime
    counts: bool = True


@dataclass(frozen=True)
class Touched:
    """An automatic acknowledgement was accepted at `accepted_at`."""

    at: datetime
    accepted_at: datetime


@dataclass(frozen=True)
class Answered:
    """The network accepted an answer whose author had seen up to `seen_through`."""

    at: datetime
    message_id: int
    accepted_at: datetime
    seen_through: int
    staff_id: int | None
    kind: EndKind = EndKind.HUMAN_REPLY


@dataclass(frozen=True)
class Echoed:
    """Our account answered in the network's own app, at `remote_at`."""

    at: datetime
    message_id: int
    remote_at: datetime


@dataclass(frozen=True)
class Recognised:
    """What was taken for an echo turned out to be an answer of ours."""

    at: datetime
    echo_id: int
    message_id: int
    staff_id: int | None


@dataclass(frozen=True)
class Deleted:
    """The customer deleted a message."""

    at: datetime
    message_id: int


@dataclass(frozen=True)
class Owned:
    """It has another owner from now on."""

    at: datetime
    team_id: int | None
    staff_id: int | None


@dataclass(frozen=True)
class Finished:
    """A person ended the wait without an answer through us."""

    at: datetime
    kind: EndKind
    staff_id: int | None = None


@dataclass(frozen=True)
class Reopened:
    """A new cycle begins."""

    at: datetime


@dataclass(frozen=True)
class HandedOn:
    """It was merged into another conversation, which goes on waiting."""

    at: datetime


@dataclass(frozen=True)
class TookOver:
    """Another conversation was merged into this one, with who waited there."""

    at: datetime
    waiting: tuple[Said, ...]
    echoes: tuple[Echoed, ...] = ()
    first_touch_at: datetime | None = None


@dataclass(frozen=True)
class Gave:
    """A part of it went to another conversation, with who waited there and the echoes in it."""

    at: datetime
    message_ids: frozenset[int]
    echo_ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Received:
    """A part of another conversation came (back) here: a merge was undone, or that one split."""

    at: datetime
    waiting: tuple[Said, ...]
    echoes: tuple[Echoed, ...] = ()
    first_touch_at: datetime | None = None


@dataclass(frozen=True)
class Resumed:
    """It was closed too early, or `answer_id`, which had ended the wait, came back: these wait on."""

    at: datetime
    waiting: tuple[Said, ...]
    answer_id: int | None = None


Event = (
    Said | Touched | Answered | Echoed | Recognised | Deleted | Owned | Finished | Reopened | HandedOn
    | TookOver | Gave | Received | Resumed
)  # fmt: skip
