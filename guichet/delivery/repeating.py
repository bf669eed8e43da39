"""What may be out already, and is about to be sent once more because its network knows its
key: that is harmless under this key only, and proves nothing.

So it may go nowhere else. Where it may not be sent any more (a brake, a right that is gone,
a key that has ended, somebody who withdraws it) it is in doubt again, and looked for until
its absence is proved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from guichet.delivery.gates import D
from guichet.delivery.news import tell_states
from guichet.delivery.states import IDEMPOTENT, AttemptState, State
from guichet.models import Attempt, table_of

_T = table_of(Attempt)
_WAITING = (State.DUE, State.CLAIMED)


class Unproved(Exception):
    """It cannot be repeated any more, and nobody knows whether it is out."""


def is_repeating(kind: str, attempts: Iterable[Any]) -> bool:
    """Whether one of the attempts of a generation may have been accepted."""
    return kind not in IDEMPOTENT and any(a.state == AttemptState.MOOT for a in attempts)


def reopen(connection: Connection, ids: Collection[int], now: datetime) -> set[int]:
    """Put those of `ids` in doubt again that may be out; returns which. All their attempts
    were of one content: the first stands for them, and ended when the last did."""
    if not ids:
        return set()
    mine = and_(_T.c.delivery_id == D.c.id, _T.c.generation == D.c.generation, _T.c.state == AttemptState.MOOT)
    found = connection.execute(
        select(D.c.id, func.min(_T.c.id).label("first"), func.max(_T.c.ended_at).label("ended_at"))
        .join(_T, mine)
        .where(D.c.id.in_(ids), D.c.state.in_(_WAITING), D.c.kind.not_in(IDEMPOTENT))
        .group_by(D.c.id)
    ).all()
    for row in found:
        connection.execute(
            update(D)
            .where(D.c.id == row.id, D.c.state.in_(_WAITING))
            .values(
                state=State.UNKNOWN, worker_id=None, claimed_at=None, next_look_at=now, updated_at=now,
                reason_code="", reason="",
            )
        )  # fmt: skip
        connection.execute(
            update(_T).where(_T.c.id == row.first).values(state=AttemptState.UNKNOWN, ended_at=row.ended_at)
        )
    tell_states(connection, [row.id for row in found], now)
    return {row.id for row in found}
