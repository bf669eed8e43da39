"""What is answered, at once or later, and what becomes of an answer that waits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Id, In, Out, PersonBrief, Prose, Time, TimeZone, WallTime


class Version(Out):
    """What a message said until it was edited at `at`."""

    text: str
    at: Time


class Later(In):
    """A wall time; `time_zone` null: the brand's."""

    wall_time: WallTime
    time_zone: TimeZone | None = None


class Pending(Out):
    """An answer that waits to go out. `undo`: its author may still take it back; `later`: it
    was planned for a wall time, `until` in UTC; `review`: a colleague must approve it."""

    kind: Literal["undo", "later", "review"]
    until: Time
    wall_time: str | None
    time_zone: str | None
    closes: bool = Field(description="the conversation is closed once it is out")


class Reply(In):
    """`seen_through`: the newest message its author had seen; the answer ends only what
    was read. `message_id`: which message it answers (null: the newest). `undo_seconds`: for how
    long it may be taken back. `later`: when it goes out, if nobody writes before; null: now."""

    text: Prose
    media_ids: list[Id] = Field([], max_length=20)
    seen_through: Id | None = None
    message_id: Id | None = None
    close: bool = False
    undo_seconds: int = Field(0, ge=0, le=30)
    later: Later | None = None


class AnswerReview(Out):
    """Of an answer that goes out only after a colleague approved it. `content_hash` names just these
    words; `may_decide`: whoever asks may."""

    state: Literal["waiting", "granted", "rejected", "void"]
    content_hash: str
    written: str = Field(description="what its author typed, without what is added to it; for who decides")
    by: PersonBrief | None
    at: Time | None
    reason: str
    may_decide: bool


class AnswerApprove(In):
    """`content_hash`: what one read. `text`: what it is to say instead. `reject_others`: the other
    answers that wait here go back to their authors."""

    content_hash: str = Field(min_length=1, max_length=100)
    seen_through: Id
    text: Prose | None = None
    reject_others: bool = False


class AnswerReject(In):
    reason: Prose = Field(min_length=1)


class SendNow(In):
    """`seen_through`: the newest message that one has on screen; the answer ends what was read."""

    seen_through: Id


class Move(In):
    later: Later


class Bounced(Out):
    """What the network had accepted was not delivered."""

    recipient: str
    status: str = Field(description="as the report has it, such as 5.1.1; may be empty")
