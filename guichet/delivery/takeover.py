"""Taking over from workers that are gone.

A worker is gone when its life lock is free, and only then: silence proves nothing, for a
frozen process may wake up and send. What it had merely claimed goes back to the queue;
what it had started may be out, and is looked for.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select, update

from channels.sentences import say
from guichet.delivery.gates import D
from guichet.delivery.news import tell_states
from guichet.delivery.states import AttemptState, State
from guichet.models import Attempt, Worker, table_of

_T = table_of(Attempt)
_W = table_of(Worker)


def take_over(connection: Connection, worker_id: str, now: datetime) -> tuple[int, int]:
    """Take all rows of a worker whose lock is free (the caller holds that lock for the
    length of this transaction). Returns how many were merely claimed, and how many started."""
    connection.execute(update(_W).where(_W.c.id == worker_id, _W.c.ended_at.is_(None)).values(ended_at=now))
    return recover(connection, worker_id, now)


def recover(
    connection: Connection, worker_id: str, now: datetime, in_hand: Collection[int] = ()
) -> tuple[int, int]:  # fmt: skip
    """Settle the rows of a worker that nobody is at work on: all but those `in_hand`."""
    mine = and_(D.c.worker_id == worker_id, D.c.id.not_in(in_hand)) if in_hand else D.c.worker_id == worker_id
    claimed = list(
        connection.scalars(
            update(D)
            .where(mine, D.c.state == State.CLAIMED)
            .values(state=State.DUE, worker_id=None, claimed_at=None, updated_at=now)
            .returning(D.c.id)
        )
    )
    started = list(
        connection.scalars(
            update(D)
            .where(mine, D.c.state == State.SENDING)
            .values(
                state=State.UNKNOWN, worker_id=None, next_look_at=now, updated_at=now,
                reason_code="worker_gone", reason=say("the worker ended while it was sending"),
            )
            .returning(D.c.id)
        )
    )  # fmt: skip
    if started:
        connection.execute(
            update(_T)
            .where(_T.c.delivery_id.in_(started), _T.c.state == AttemptState.IN_FLIGHT)
            .values(state=AttemptState.UNKNOWN, ended_at=now, error_code="worker_gone")
        )
    connection.execute(  # what it was looking for, others look for
        update(D).where(mine, D.c.state == State.RECONCILING).values(worker_id=None, next_look_at=now)
    )
    tell_states(connection, [*claimed, *started], now)
    return len(claimed), len(started)


def suspects(connection: Connection) -> list[tuple[str, int]]:
    """Workers that hold rows or have not ended: (id, lock key), to have their locks tried."""
    holding = select(D.c.worker_id).where(D.c.state.in_((State.CLAIMED, State.SENDING)))
    rows = connection.execute(
        select(_W.c.id, _W.c.lock_key).where(or_(_W.c.ended_at.is_(None), _W.c.id.in_(holding))).order_by(_W.c.id)
    )
    return [(row.id, row.lock_key) for row in rows]
