"""One change of a conversation, whole: the row is locked first, and when the block ends
the events are appended, the owner's share of the wait is split, what was promised is measured
anew, the counters moved and the live streams told. No operation changes a conversation outside of such a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from guichet import live
from guichet.db.keeping import kept
from guichet.inbox import clocks, counts, events, owners
from guichet.inbox.states import State
from guichet.models import Conversation
from guichet.policy import Actor
from guichet.promises import keeping

_HELD = "guichet.inbox.changes"


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
        events.append(
            self.session, self.conversation.id, kind, self.now,
            staff_id=self.actor.staff_id, rule_id=self.rule_id, data=data,
        )  # fmt: skip


def lock(session: Session, conversation: Conversation) -> None:
    """Read the row again and keep others from changing it until the transaction ends.
    (SQLite knows no row locks; there the whole transaction already excludes other writers.)"""
    held: set[int] | None = session.info.get(_HELD)
    if held is not None and conversation.id in held:
        return
    session.flush()
    # Only this row: what a page loaded beside it comes by an outer join, which cannot be locked.
    session.refresh(conversation, with_for_update={"of": Conversation})
    if held is not None:
        held.add(conversation.id)


@contextmanager
def together(session: Session) -> Iterator[None]:
    """Within the block many conversations change in one transaction. Each is locked and read once,
    whatever it then goes through; counters, history and live streams are written at the end. For a
    bounded number of rows, without savepoints (their locks would end with them)."""
    session.info[_HELD] = set[int]()
    try:
        with ExitStack() as stack:
            for gather in (counts.deferred, live.gathered, events.gathered, owners.remembered, kept):
                stack.enter_context(gather(session))
            yield
    finally:
        del session.info[_HELD]


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
    elif _HELD in session.info:
        session.info[_HELD].add(conversation.id)
    place, owner, before = counts.place_of(conversation), owners.owner_of(conversation), conversation.state
    change = Change(session, conversation, actor, now, what)
    yield change
    if conversation.awaits_since is not None and conversation.state != State.WAITING_INTERNAL:
        conversation.awaits, conversation.awaits_staff_id = "", None
        conversation.awaits_since = conversation.remind_at = None
    clocks.keep(conversation, before, now)
    conversation.version += not is_new
    if owners.owner_of(conversation) != owner:
        change.event("owner", team_id=conversation.team_id, staff_id=conversation.assignee_id)
        owners.split(session, conversation, now)
    if keeping.concerns(session, conversation):
        keeping.keep(session, conversation, owners.find_open_wait(session, conversation), now)
    if _HELD not in session.info:
        session.flush()  # counters are touched last
    counts.move(session, place, counts.place_of(conversation))
    told: dict[str, Any] = {"id": conversation.id, "version": conversation.version, "what": change.what}
    live.tell(session, "conversation", now, account_id=conversation.account_id, **told)
    if conversation.topic_id is not None and conversation.assignee_id is not None:
        # An expert sees nothing of the account, and is told of their own in person.
        live.tell(session, "conversation", now, staff_id=conversation.assignee_id, **told)
