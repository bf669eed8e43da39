"""Telling of many deliveries at once: the live events of a whole group in two statements."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, Table, bindparam, insert, select

from guichet.models import Delivery, LiveEvent

_D: Table = Delivery.__table__  # type: ignore[assignment]
_L: Table = LiveEvent.__table__  # type: ignore[assignment]


_states_of = select(_D.c.id, _D.c.state, _D.c.account_id, _D.c.post_id, _D.c.conversation_id).where(
    _D.c.id.in_(bindparam("ids", expanding=True))
)


def tell_states(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Tell where these deliveries stand now."""
    if not ids:
        return
    rows = connection.execute(_states_of, {"ids": list(ids)})
    events = [
        {
            "kind": "delivery",
            "at": now,
            "account_id": account_id,
            "data": {"id": id_, "state": state, "post_id": post_id, "conversation_id": conversation_id},
        }
        for id_, state, account_id, post_id, conversation_id in rows
    ]
    if events:
        connection.execute(insert(_L), events)
