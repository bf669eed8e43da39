"""One answer to many: what it says, to whom, at which pace, and how it goes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import Id, IdPath, In, Out, PersonBrief, Plain, Prose, Time, Told
from webapp.api.schemas.inbox import ConversationRow

RowState = Literal[
    "ready", "kept_back", "out", "queued", "waiting", "to_approve", "sending", "sent", "needs_you", "failed",
    "called_off", "refused", "stopped",
]  # fmt: skip
ROW_STATES = (
    "ready: it would go; kept_back: `excluded` and `reason` say why not; out: taken out; queued: let go; waiting: "
    "until planned_at; to_approve: a colleague reads it first; needs_you: held back, a person decides; refused: it "
    "was not sent, `reason` says why; stopped: called off with the rest"
)


class BulkReplyNew(In):
    """To these conversations, or to all that a list with these filters shows (of GET /conversations;
    at most 500 either way). `variants`: wordings with variables, dealt out in turn on each account."""

    conversation_ids: list[Id] | None = Field(None, min_length=1, max_length=500)
    filters: Plain | None = None
    variants: list[Prose] = Field([""], min_length=1, max_length=10)
    pace: int = Field(10, ge=1, le=60, description="answers a minute on each account")
    close: bool = False


class BulkReplyChange(In):
    """What is not named stays."""

    variants: list[Prose] | None = Field(None, min_length=1, max_length=10)
    pace: int | None = Field(None, ge=1, le=60)
    close: bool | None = None


class BulkRowChange(In):
    """`text`: its own wording, with variables; null: the variant that it was dealt. `out`: it gets no answer."""

    text: Prose | None = None
    out: bool = False


class BulkRowPath(IdPath):
    row_id: Id = Field()


class BulkSend(In):
    """`version`: of what one looked at. `undo_seconds`: none goes out before."""

    version: int = Field(ge=1)
    undo_seconds: int = Field(0, ge=0, le=30)


class BulkReply(Out):
    """`rows`: how many are in each state. `alike`: by network, how often the very same text would be
    read there. `until`: when the last of those planned goes."""

    id: int
    author: PersonBrief | None
    state: Literal["draft", "running", "stopped"]
    variants: list[str]
    pace: int
    close: bool
    version: int
    total: int
    rows: dict[str, int]
    alike: dict[str, int]
    until: Time | None
    mine: bool
    may_stop: bool
    created_at: Time
    sent_at: Time | None
    stopped_at: Time | None


class BulkRow(Out):
    id: int
    conversation: ConversationRow
    state: RowState = Field(description=ROW_STATES)
    variant: int
    text: str | None
    said: str = Field(description="its variables filled")
    body: str = Field(description="as it would stand there: with whom it names and who signs")
    used: int
    room: int = Field(description="of how much, as the network counts; 0: not known")
    problems: list[Plain] = Field(description="names and figures, as the refusal of an answer has them")
    excluded: str | None
    reason: Told | None
    notes: list[Literal["reviewed", "awaits", "nobody_waits"]]
    planned_at: Time | None
