"""One change of a conversation, whole: the row is locked first, and when the block ends
the events are appended, the owner's share of the wait is split, what was promised is measured
anew, the counters moved and the live streams told. No operation changes a conversation outside of such a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from guichet import live
from guichet.inbox import counts, owners
from guichet.models import Conversation, ConversationEvent
from guichet.policy import Actor
from guichet.promises import keeping


@dataclass
class Change:
    """What an operation says of its change. `what` tells the live streams what to look at."""

    session: Session
    conversation: Conversation
    actor: Actor
    now: datetime
    what: str = "state"
    rule_id: int | None = None

    def event(self, kind: str, **data: Any) -> None:
        """Append to the conversation's history, in the order of the calls. `data` is JSON-able;
        ids and codes, no text."""
        self.session.add(
            ConversationEvent(
                conversation_id=self.conversation.id, at=self.now, kind=kind,
                staff_id=self.actor.staff_id, rule_id=self.rule_id, data=data,
            )
        )  # fmt: skip


def lock(session: Session, conversation: Conversation) -> None:
    """Read the row again and keep others from changing it until the transaction ends.
    (SQLite knows no row locks; there the whole transaction already excludes other writers.)"""
    session.flush()
    # Only this row: what a page loaded beside it comes by an outer join, which cannot be locked.
    session.refresh(conversation, with_for_update={"of": Conversation})


@contextmanager
def changing(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    now: datetime,
    what: str = "state",
    *,
    is_new: bool = False,
) -> Iterator[Change]:
    """The block in which `conversation` is changed. `is_new`: it was made in this transaction, so
    that there is nobody to keep from it."""
    if not is_new:
        lock(session, conversation)
    place, owner = counts.place_of(conversation), owners.owner_of(conversation)
    change = Change(session, conversation, actor, now, what)
    conversation.version += 1
    yield change
    if owners.owner_of(conversation) != owner:
        change.event("owner", team_id=conversation.team_id, staff_id=conversation.assignee_id)
        owners.split(session, conversation, now)
    if keeping.concerns(session, conversation):
        keeping.keep(session, conversation, owners.find_open_wait(session, conversation), now)
    session.flush()
    counts.move(session, place, counts.place_of(conversation))
    live.tell(
        session, "conversation", now, account_id=conversation.account_id, id=conversation.id,
        version=conversation.version, what=change.what,
    )  # fmt: skip
