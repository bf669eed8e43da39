"""Thread items and first comments: what waits for another delivery to be out.

They start as `blocked`. When the one before is published, its receipt becomes what they
answer, and they are due at once, though never before their own time. One that failed keeps
them blocked until it is sent again or dropped.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, literal_column, select, update

from channels.contract import Surface, Target
from guichet.db.dialect import given, is_found, kind_of
from guichet.delivery.news import tell_states
from guichet.delivery.payload import frozen_target, payload_hash
from guichet.delivery.states import State
from guichet.models import Account, Delivery, table_of

_D = table_of(Delivery)
_A = table_of(Account)


_before = _D.alias("before")
_ready = (
    select(
        _D.c.id, _D.c.payload, _D.c.due_at, _before.c.remote_id, _before.c.remote_context,
        _before.c.payload.label("before_payload"), _A.c.remote_id.label("own_id"), _A.c.handle,
    )
    .join(_before, _before.c.id == _D.c.predecessor_id)
    .join(_A, _A.c.id == _D.c.account_id)
    .where(_D.c.state == State.BLOCKED, _before.c.state == State.PUBLISHED, _before.c.remote_id.is_not(None))
    .limit(200)
)  # fmt: skip


@cache
def _ready_behind(dialect: str) -> Select[Any]:
    published = given(dialect, "published", [_D.c.id])
    return _ready.join(published, published.c.id == _D.c.predecessor_id)


def has_followers() -> ColumnElement[bool]:
    """Whether something waits for this row of `delivery` to be out; for RETURNING too, where
    SQLite is handed bare names, of which "id" would be the follower's."""
    follower = _D.alias("follower")
    leader = literal_column("delivery.id", _D.c.id.type)
    behind = (follower.c.predecessor_id == leader, follower.c.state == State.BLOCKED)
    return is_found(select(follower.c.id).where(*behind))


def let_followers_go(connection: Connection, now: datetime, published: Collection[int] | None = None) -> int:
    """Unblock what waits for `published` (None: for anything that is published)."""
    if published is None:
        rows = connection.execute(_ready).all()
    elif published:
        behind = {"published": [{"id": id_} for id_ in published]}
        rows = connection.execute(_ready_behind(kind_of(connection)), behind).all()
    else:
        return 0
    for row in rows:
        is_due = row.due_at <= now
        payload = {**row.payload, "reply_to": frozen_target(_own_target(row))}
        connection.execute(
            update(_D)
            .where(_D.c.id == row.id, _D.c.state == State.BLOCKED)
            .values(
                payload=payload,
                payload_hash=payload_hash(payload),
                updated_at=now,
                state=State.DUE if is_due else State.SCHEDULED,
                not_before=now if is_due else row.due_at,
            )
        )
    tell_states(connection, [row.id for row in rows], now)
    return len(rows)


def _own_target(row: Any) -> Target:
    above = row.before_payload.get("reply_to")
    return Target(
        remote_id=row.remote_id,
        author_id=row.own_id,
        author_handle=row.handle,
        thread_root=above["thread_root"] if above else row.remote_id,
        surface=Surface(row.payload["surface"]),
        context=row.remote_context,
    )
