"""What is made at a network before a send, for nobody to see: containers, drafts.

A row says that one is about to be made, and under which key, before it is; and what it is,
before anything else is done. So whoever takes over goes on with it, or asks the network for
it by its key. It belongs to one content of one generation: for another, another is made, and
this one is left, to be discarded where the network keeps such things for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Update, and_, insert, literal_column, not_, select, update

from guichet.delivery.engine import Claimed
from guichet.delivery.gates import D
from guichet.delivery.repeating import Unproved
from guichet.delivery.rules import key_is_usable
from guichet.delivery.states import IN_DOUBT, State
from guichet.instance import is_unconfirmed
from guichet.models import Staged, table_of

_S = table_of(Staged)
LEFT_FOR = timedelta(minutes=10)  # nobody can be at work with it any more


class StagedState(StrEnum):
    """Where something staged stands."""

    BEGUN = "begun"  # about to be made, or made and nobody could write it down
    MADE = "made"
    USED = "used"  # it is what was published
    LEFT = "left"  # of no use any more
    DISCARDED = "discarded"


OPEN = (StagedState.BEGUN, StagedState.MADE)


@dataclass(frozen=True)
class Staging:
    """Something staged, as a worker holds it. `is_again`: somebody began it before."""

    id: int
    key: str
    made: Mapping[str, Any] = field(repr=False)
    is_again: bool


def begin(
    connection: Connection, claimed: Claimed, worker_id: str, key: str, life: timedelta | None, now: datetime
) -> Staging | None:
    """What stands for this content already, as long as its key lives; else the record that
    one is about to be made under `key`. None: the delivery is no longer this worker's. Raises
    Unproved where only the old one might be sent."""
    if not _is_held(connection, claimed, worker_id):
        return None
    row = connection.execute(select(_S).where(_S.c.delivery_id == claimed.id, _S.c.state.in_(OPEN))).one_or_none()
    if row is not None:
        is_same = (row.generation, row.payload_hash) == (claimed.generation, claimed.payload_hash)
        if is_same and key_is_usable(row.key, row.begun_at, life, now):
            return Staging(row.id, row.key, row.made, is_again=True)
        if claimed.is_repeat:
            raise Unproved
        leave(connection, row.id, now)
    made = insert(_S).values(
        delivery_id=claimed.id, generation=claimed.generation, payload_hash=claimed.payload_hash, key=key, made={},
        state=StagedState.BEGUN, begun_at=now,
    )  # fmt: skip
    return Staging(connection.scalar(made.returning(_S.c.id)), key, {}, is_again=False)


def record(
    connection: Connection, staging: Staging, claimed: Claimed, worker_id: str, made: Mapping[str, Any]
) -> bool:  # fmt: skip
    """Write down what was made. False: the delivery is no longer this worker's, and whoever
    has it finds or makes its own."""
    if not _is_held(connection, claimed, worker_id):
        return False
    values = {"made": dict(made), "state": StagedState.MADE}
    written = update(_S).where(_S.c.id == staging.id, _S.c.state.in_(OPEN)).values(**values)
    return connection.execute(written).rowcount == 1


UPLOADS = "uploads"  # the key of what stands for files that a network has and works at
UPLOADS_LIVE = timedelta(hours=12)  # networks forget what nobody used after a day
UPLOADS_WAIT = timedelta(minutes=30)  # longer than that no network works at a film that it can use


@dataclass(frozen=True)
class Uploads:
    """What a network has of a delivery's files, and since when."""

    begun: Mapping[str, Any] = field(repr=False)
    begun_at: datetime


def find_uploads(connection: Connection, claimed: Claimed, now: datetime) -> Uploads | None:
    """What an earlier try uploaded of the same content, if the network may still have it."""
    row = connection.execute(
        select(_S.c.made, _S.c.begun_at).where(
            _S.c.delivery_id == claimed.id, _S.c.state == StagedState.MADE, _S.c.key == UPLOADS,
            _S.c.generation == claimed.generation, _S.c.payload_hash == claimed.payload_hash,
            _S.c.begun_at > now - UPLOADS_LIVE,
        )
    ).one_or_none()  # fmt: skip
    return Uploads(row.made, row.begun_at) if row is not None else None


def keep_uploads(
    connection: Connection, claimed: Claimed, worker_id: str, uploads: Uploads, now: datetime
) -> None:  # fmt: skip
    """Write down what the network has by now, in place of what it had before; nothing where the
    delivery is no longer this worker's."""
    if not _is_held(connection, claimed, worker_id):
        return
    open_ = update(_S).where(_S.c.delivery_id == claimed.id, _S.c.state.in_(OPEN))
    connection.execute(open_.values(state=StagedState.LEFT, ended_at=now))
    connection.execute(
        insert(_S).values(
            delivery_id=claimed.id, generation=claimed.generation, payload_hash=claimed.payload_hash, key=UPLOADS,
            made=dict(uploads.begun), state=StagedState.MADE, begun_at=uploads.begun_at,
        )
    )  # fmt: skip


def leave(connection: Connection, staged_id: int, now: datetime) -> None:
    """It is of no use any more: another is made where one is needed."""
    connection.execute(
        update(_S).where(_S.c.id == staged_id, _S.c.state.in_(OPEN)).values(state=StagedState.LEFT, ended_at=now)
    )


def _is_held(connection: Connection, claimed: Claimed, worker_id: str) -> bool:
    mine = and_(D.c.state == State.CLAIMED, D.c.fence == claimed.fence, D.c.worker_id == worker_id)
    held = select(D.c.id).where(D.c.id == claimed.id, mine).with_for_update()
    return connection.scalar(held) is not None


# ---------------------------------------------------------------- what is left over


@dataclass(frozen=True)
class Leftover:
    """Something staged that nobody will publish."""

    id: int
    account_id: int
    key: str
    made: Mapping[str, Any] = field(repr=False)


def find_leftovers(connection: Connection, now: datetime, limit: int = 50) -> list[Leftover]:
    """What is to be discarded: left for another, or of a delivery that was cancelled; and
    nothing that a delivery in doubt may have made public."""
    connection.execute(_closing(State.PUBLISHED, StagedState.USED, now))
    connection.execute(_closing(State.CANCELLED, StagedState.LEFT, now))
    rows = connection.execute(
        select(_S.c.id, D.c.account_id, _S.c.key, _S.c.made)
        .join(D, D.c.id == _S.c.delivery_id)
        .where(not_(is_unconfirmed()), _S.c.state == literal_column(f"'{StagedState.LEFT}'"))
        .where(D.c.state.not_in((State.CLAIMED, *IN_DOUBT)), D.c.updated_at < now - LEFT_FOR)
        .order_by(_S.c.id)
        .limit(limit)
    )
    return [Leftover(*row) for row in rows]


def _closing(settled: State, becomes: StagedState, now: datetime) -> Update:
    """What is staged for deliveries that ended so."""
    ended = select(D.c.id).where(D.c.id == _S.c.delivery_id, D.c.state == settled).exists()
    return update(_S).where(_S.c.state.in_(OPEN), ended).values(state=becomes, ended_at=now)


def note_discarded(connection: Connection, staged_id: int, now: datetime) -> None:
    connection.execute(update(_S).where(_S.c.id == staged_id).values(state=StagedState.DISCARDED, ended_at=now))
