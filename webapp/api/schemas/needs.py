"""What needs a person."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webapp.api.schemas.common import AccountBrief, Out, PersonBrief, Time, Told
from webapp.api.schemas.publishing import DeliveryDetail


class Doubt(Out):
    """Something that needs a person. `choices` are what can be done about it."""

    id: str
    kind: Literal[
        "unknown_delivery",
        "stopped_delivery",
        "failed_delivery",
        "orphaned_schedule",
        "awaiting_approval",
        "answer_to_approve",
        "sent_unapproved",
        "mention",
        "dead_letter",
        "account",
        "held",
        "stranger",
        "absence",
    ]
    title: str
    text: Told
    since: Time
    delivery: DeliveryDetail | None
    about: str | None = Field(description="how what it likes, hides or takes down begins; it says nothing itself")
    account: AccountBrief | None
    accounts: list[AccountBrief] = Field(description="those that an approval is asked for")
    due_at: Time | None = Field(description="when what waits for approval goes out")
    post_id: int | None
    post_version: int | None = Field(description="what waits for approval, as it is shown here; approve this one")
    dead_letter_id: int | None
    discrepancy_id: int | None
    person: PersonBrief | None = Field(description="whose work it is, or in whose right it was to go out")
    evidence: list[dict[str, Any]]
    choices: list[
        Literal["link", "resend", "drop", "retry", "take_over", "replay", "reconnect", "approve", "reject", "seen"]
    ]


class NeedsYou(Out):
    """`counts` by kind are complete; `items` are the oldest of them."""

    total: int
    counts: dict[str, int]
    items: list[Doubt]
