"""The history of a conversation, appended to in the transaction of what happened. Ids and codes, no text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from guichet.models import ConversationEvent, table_of

_GATHERED = "guichet.inbox.events"


def append(
    session: Session,
    conversation_id: int,
    kind: str,
    now: datetime,
    *,
    staff_id: int | None,
    rule_id: int | None = None,
    data: dict[str, Any],
) -> None:
    """Append an event, after those that were appended before. `data` is JSON-able."""
    row = {
        "conversation_id": conversation_id, "at": now, "kind": kind, "staff_id": staff_id, "rule_id": rule_id,
        "data": data,
    }  # fmt: skip
    if _GATHERED in session.info:
        session.info[_GATHERED].append(row)
    else:
        session.add(ConversationEvent(**row))


@contextmanager
def gathered(session: Session) -> Iterator[None]:
    """Within the block events are written at its end, in one statement. Who reads the history
    inside of it first calls `write`."""
    session.info[_GATHERED] = list[dict[str, Any]]()
    try:
        yield
        write(session)
    finally:
        del session.info[_GATHERED]


def write(session: Session) -> None:
    """Write what was gathered so far."""
    rows: list[dict[str, Any]] = session.info.get(_GATHERED, [])
    session.flush()  # what they belong to
    if rows:
        session.execute(insert(table_of(ConversationEvent)), rows)
        rows.clear()
