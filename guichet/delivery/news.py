"""Telling of many deliveries at once: the live events of a whole group in one statement."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Insert, bindparam, insert, literal, select

from guichet.db.dialect import given, json_object, kind_of
from guichet.models import Delivery, LiveEvent, table_of

_D = table_of(Delivery)
_L = table_of(LiveEvent)


def tell_states(connection: Connection, ids: Collection[int], now: datetime) -> None:
    """Tell where these deliveries stand now."""
    if ids:
        connection.execute(_telling(kind_of(connection)), {"ids": [{"id": i} for i in ids], "now": now})


@cache
def _telling(dialect: str) -> Insert:
    ids = given(dialect, "ids", [_D.c.id])
    data = json_object(
        dialect, id=_D.c.id, state=_D.c.state, post_id=_D.c.post_id, conversation_id=_D.c.conversation_id
    )
    events = (
        select(literal("delivery"), bindparam("now", type_=_L.c.at.type), _D.c.account_id, data)
        .join(ids, ids.c.id == _D.c.id)
        .order_by(_D.c.id)
    )
    return insert(_L).from_select(["kind", "at", "account_id", "data"], events)
