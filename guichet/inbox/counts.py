"""The counter rows behind the badges: a `count(*)` grows with the inbox, these do not.

Each change of a conversation moves it from one row to another in the same transaction.
Rows are touched in one order, and last, so that two transactions never wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Insert
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.models import Conversation, ConversationCount, table_of

_DEFERRED = "guichet.inbox.counts"


class Place(NamedTuple):
    """Where a conversation is counted; 0 stands for nobody."""

    account_id: int
    state: str
    team_id: int
    assignee_id: int


def place_of(conversation: Conversation) -> Place | None:
    """Where it is counted now; None once it was merged into another."""
    if conversation.merged_into_id is not None:
        return None
    return Place(conversation.account_id, conversation.state, conversation.team_id or 0, conversation.assignee_id or 0)


def move(session: Session, before: Place | None, after: Place | None) -> None:
    """Count a conversation at `after` instead of `before`."""
    if before == after:
        return
    changes: Counter[Place] = session.info[_DEFERRED] if _DEFERRED in session.info else Counter()
    if before is not None:
        changes[before] -= 1
    if after is not None:
        changes[after] += 1
    if _DEFERRED not in session.info:
        _apply(session, changes)


@contextmanager
def deferred(session: Session) -> Iterator[None]:
    """Within the block, counters are only touched at its end: for transactions that
    change several conversations and must not hold a counter while waiting for the next."""
    if _DEFERRED in session.info:
        yield  # the outer block ends later
        return
    session.info[_DEFERRED] = changes = Counter[Place]()
    try:
        yield
        _apply(session, changes)
    finally:
        del session.info[_DEFERRED]


def _apply(session: Session, changes: Counter[Place]) -> None:
    rows = [{**place._asdict(), "n": n} for place, n in changes.items() if n]
    if rows:
        session.execute(_counting(dialect.kind_of(session.connection())), {"moved": rows})


@cache
def _counting(kind: str) -> Insert:
    def change(old: Any, new: Any) -> tuple[dict[str, Any], None]:
        return {"n": old.n + new.n}, None

    return dialect.upsert_given(
        kind, "moved", table_of(ConversationCount), (*Place._fields, "n"), Place._fields, change
    )
