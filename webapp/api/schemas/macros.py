"""Macros: several actions under one name, and what they do in a conversation."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from webapp.api.schemas.common import BrandBrief, Id, In, Name, Out, TeamBrief, Time, Told
from webapp.api.schemas.inbox import ConversationRow, Draft

MacroKind = Literal["reply", "note", "label", "unlabel", "priority", "team", "assignee", "topic", "status", "snooze"]
ACTIONS = (
    "carried out in this order. value: reply and note: a text with variables; label, unlabel, team: an id; "
    "assignee: an id, 0: whoever applies it; priority: 0 to 3; status: open, waiting_internal, answered, not_needed, "
    "spam; snooze: hours, 0: until the customer writes"
)


class MacroAction(In):
    kind: MacroKind
    value: int | str


class MacroNew(In):
    """`own`: only for oneself. Else for a team, a brand or, with neither, for everybody."""

    name: Name
    actions: list[MacroAction] = Field(max_length=20, description=ACTIONS)
    own: bool = True
    team_id: Id | None = None
    brand_id: Id | None = None


class MacroChange(In):
    """What is not named stays."""

    name: Name | None = None
    actions: list[MacroAction] | None = Field(None, max_length=20, description=ACTIONS)


class MacroOrder(In):
    """Those named, in the order that they are to have in their places."""

    ids: list[Id] = Field(max_length=1000)


class MacroActionOut(Out):
    kind: MacroKind
    value: int | str


class Macro(Out):
    id: int
    name: str
    own: bool
    team: TeamBrief | None
    brand: BrandBrief | None
    actions: list[MacroActionOut]
    may_change: bool
    updated_at: Time


class MacroTarget(In):
    """In which conversations, at most 100 at once."""

    conversation_ids: list[Id] = Field(min_length=1, max_length=100)


class MacroStep(Out):
    """One action in one conversation. `text`: of a reply or note, its variables filled."""

    kind: MacroKind
    value: int | str
    effect: Literal["changes", "none", "refused"]
    reason: Told | None
    text: str | None


class MacroTrial(Out):
    conversation_id: int
    steps: list[MacroStep]


class MacroPreview(Out):
    items: list[MacroTrial]


class MacroResult(Out):
    """`event_id` undoes it; null: nothing was done, because it was refused (`reason`) or
    changes nothing."""

    conversation_id: int
    event_id: int | None
    reason: Told | None
    conversation: ConversationRow | None
    draft: Draft | None = Field(description="what stands in one's box there now")


class MacroResults(Out):
    items: list[MacroResult]


class MacroUndo(In):
    conversation_id: Id
    event_id: Id


class MacroUndone(Out):
    """`kept`: what cannot be undone."""

    conversation: ConversationRow
    draft: Draft | None
    kept: list[Literal["note"]]
