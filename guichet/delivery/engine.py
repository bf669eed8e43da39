"""The queue: rows become due, are claimed, and start. Set-based, in Core, because each
of these runs for thousands of rows; the caller (an edge) opens the transaction, groups
and commits.

Nothing here sends. A delivery may be sent when, and only when, `start` has returned its
id and that transaction is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Select,
    bindparam,
    case,
    false,
    insert,
    literal_column,
    not_,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from guichet.db.dialect import given, kind_of, no_way_in
from guichet.delivery.followers import let_followers_go
from guichet.delivery.gates import CLOSED, GATE, OPEN, D, worker_is_alive
from guichet.delivery.news import tell_states
from guichet.delivery.repeating import is_repeating, reopen
from guichet.delivery.sharing import is_any_waiting, next_ids
from guichet.delivery.states import AttemptState, State
from guichet.models import Attempt, table_of

_T = table_of(Attempt)

PROMOTE_BATCH = 500


@dataclass(frozen=True)
class Claimed:
    """One delivery in a worker's hands. `key` and `prepared` are those of an earlier
    attempt of the same generation, with the time that the key was first used."""

    id: int
    kind: str
    account_id: int
    fence: int
    generation: int
    tries: int
    payload: dict[str, Any] = field(repr=False)
    payload_hash: str
    due_at: datetime
    is_answer: bool
    post_id: int | None
    conversation_id: int | None
    target_remote_id: str | None
    key: str = ""
    key_first_used_at: datetime | None = None
    prepared: dict[str, Any] | None = field(default=None, repr=False)
    is_repeat: bool = False  # it may be out: only under the same key is it harmless to send

    @property
    def is_reply(self) -> bool:
        return bool(self.payload.get("reply_to"))


_COLUMNS = [D.c[name] for name in (
    "id", "kind", "account_id", "fence", "generation", "tries", "payload", "payload_hash", "due_at", "is_answer",
    "post_id", "conversation_id", "target_remote_id",
)]  # fmt: skip


# ---------------------------------------------------------------- when its time comes


# Written out, not a parameter: only then can a partial index be known to hold the rows.
_SCHEDULED = D.c.state == literal_column(f"'{State.SCHEDULED}'")


def promote(connection: Connection, now: datetime, limit: int = PROMOTE_BATCH) -> int:
    """Move what is due by `now`, the database's own time, to where it belongs: due, or
    held, or to a person. Returns how many rows moved; as many as `limit`: call again."""
    let_followers_go(connection, now)
    ripe = select(D.c.id).where(_SCHEDULED, D.c.due_at <= now).order_by(D.c.due_at).limit(limit)
    late = select(D.c.id).where(D.c.state == State.DUE, D.c.deadline_at < now).limit(limit)
    ids = list(connection.scalars(ripe.with_for_update(skip_locked=True)))
    moved = _route(connection, State.SCHEDULED, ids, now, when_open=State.DUE)
    overdue = list(connection.scalars(late.with_for_update(skip_locked=True)))
    return len(moved) + len(_route(connection, State.DUE, overdue, now, when_open=None))


def hold_what_is_due(connection: Connection, now: datetime) -> None:
    """Send everything that is due where its gate says, at once and not when it is claimed."""
    while promote(connection, now) >= PROMOTE_BATCH:
        pass
    due = list(connection.scalars(select(D.c.id).where(D.c.state == State.DUE).with_for_update()))
    _route(connection, State.DUE, due, now, when_open=None)


def is_anything_ripe(connection: Connection, now: datetime) -> bool:
    """Whether `promote` has anything to do: asked first, because reading disturbs nobody."""
    before = D.alias("before")
    ripe = [
        select(D.c.id).where(_SCHEDULED, D.c.due_at <= now),
        select(D.c.id).where(D.c.state == State.DUE, D.c.deadline_at < now),
        select(D.c.id)
        .join(before, before.c.id == D.c.predecessor_id)
        .where(D.c.state == State.BLOCKED, before.c.state == State.PUBLISHED),
    ]
    return any(connection.scalar(query.limit(1)) is not None for query in ripe)


def next_due_at(connection: Connection) -> datetime | None:
    """When the next row is due that has not been moved yet; None: nothing is scheduled."""
    found: datetime | None = connection.scalar(select(D.c.due_at).where(_SCHEDULED).order_by(D.c.due_at).limit(1))
    return found


def is_anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a drain would find work."""
    return is_any_waiting(connection, now)


def _named(ids: Sequence[int]) -> list[dict[str, int]]:
    return [{"id": id_} for id_ in ids]


@cache
def _gates_of(dialect: str) -> Select[Any]:
    ids = given(dialect, "ids", [D.c.id])
    return (
        select(D.c.id, GATE).join(ids, ids.c.id == D.c.id).where(no_way_in(dialect, D.c.state) == bindparam("before"))
    )


def _route(
    connection: Connection, before: State, ids: Sequence[int], now: datetime, when_open: State | None
) -> set[int]:  # fmt: skip
    """Move rows that are `before` to where their gate sends them; where it is open, to
    `when_open` (None: they stay). Returns the ids of those that moved."""
    if not ids:
        return set()
    asked = {"ids": _named(ids), "before": before, "now": now}
    found = connection.execute(_gates_of(kind_of(connection)), asked).all()
    by_gate: dict[str, list[int]] = {}
    moved = reopen(connection, [id_ for id_, verdict in found if verdict != OPEN], now)
    for id_, verdict in found:
        if id_ not in moved:
            by_gate.setdefault(verdict, []).append(id_)
    for verdict, group in by_gate.items():
        if verdict == OPEN and when_open is None:
            continue
        closed = CLOSED.get(verdict)
        values = {
            "ids": _named(group), "before": before, "now": now, "after": closed.state if closed else when_open,
            "code": verdict if closed else "", "why": closed.reason if closed else "",
        }  # fmt: skip
        moved.update(connection.scalars(_moving(kind_of(connection)), values))
    tell_states(connection, moved, now)
    return moved


@cache
def _moving(dialect: str) -> ReturningUpdate[Any]:
    ids = given(dialect, "ids", [D.c.id])
    return (
        update(D)
        .where(D.c.id == ids.c.id, no_way_in(dialect, D.c.state) == bindparam("before"))
        .values(
            state=bindparam("after"), reason_code=bindparam("code"), reason=bindparam("why"),
            worker_id=None, claimed_at=None, updated_at=bindparam("now"),
        )
        .returning(D.c.id)
    )  # fmt: skip


# ---------------------------------------------------------------- claiming


def claim(
    connection: Connection, worker_id: str, limit: int, now: datetime, skip_accounts: Collection[int] = ()
) -> list[Claimed]:
    """Take up to `limit` due rows, shared evenly between accounts, in the order that they
    should go out. Accounts that a network asked to wait, or whose limits are used up, are passed
    over. An empty list: nothing that is due may go. Claiming sends nothing; whoever dies with
    claimed rows loses nothing."""
    while ids := next_ids(connection, limit, now, skip_accounts):
        taken = {"ids": _named(ids), "worker": worker_id, "now": now}
        rows = {row.id: row for row in connection.execute(_claiming(kind_of(connection)), taken)}
        moved = _route(connection, State.CLAIMED, list(rows), now, when_open=None)
        still = [i for i in ids if i in rows and i not in moved]
        if still:  # else a gate turned all of them away, and others may stand behind them
            earlier = _earlier_attempts(connection, [i for i in still if rows[i].tries])
            return [_claimed(rows[i], earlier) for i in still]
    return []


@cache
def _claiming(dialect: str) -> ReturningUpdate[Any]:
    ids = given(dialect, "ids", [D.c.id])
    return (
        update(D)
        .where(D.c.id == ids.c.id, no_way_in(dialect, D.c.state) == State.DUE)
        .values(
            state=State.CLAIMED, worker_id=bindparam("worker"), claimed_at=bindparam("now"), fence=D.c.fence + 1,
            updated_at=bindparam("now"),
        )
        .returning(*_COLUMNS)
    )  # fmt: skip


def _earlier_attempts(connection: Connection, ids: Sequence[int]) -> dict[tuple[int, int], list[Any]]:
    if not ids:
        return {}
    found: dict[tuple[int, int], list[Any]] = {}
    for row in connection.execute(select(_T).where(_T.c.delivery_id.in_(ids)).order_by(_T.c.id)):
        found.setdefault((row.delivery_id, row.generation), []).append(row)
    return found


def _claimed(row: Any, earlier: dict[tuple[int, int], list[Any]]) -> Claimed:
    known: dict[str, Any] = {}
    known["is_repeat"] = is_repeating(row.kind, earlier.get((row.id, row.generation), ()))
    attempts = [a for a in earlier.get((row.id, row.generation), ()) if a.idempotency_key]
    if attempts:
        key = attempts[-1].idempotency_key
        first = next(a for a in attempts if a.idempotency_key == key)
        known |= {"key": key, "key_first_used_at": first.started_at, "prepared": attempts[-1].prepared}
    return Claimed(**row._mapping, **known)


# ---------------------------------------------------------------- starting


@dataclass(frozen=True)
class Start:
    """A wish to start: what was claimed, what was prepared for it, and its key."""

    claimed: Claimed
    key: str
    prepared: dict[str, Any] = field(repr=False)


def start(
    connection: Connection, worker_id: str, starts: Sequence[Start], now: datetime, lock_is_held: ColumnElement[bool]
) -> set[int]:  # fmt: skip
    """Start what may start; returns those ids. To be sent only once this is committed.

    `lock_is_held` is the SQL condition that the worker's life lock is held
    (guichet.delivery.life). A row that is refused goes where its gate sends it; one that is
    no longer this worker's stays as it is.
    """
    dialect = kind_of(connection)
    asked = [
        {"id": s.claimed.id, "fence": s.claimed.fence, "payload_hash": s.claimed.payload_hash} for s in starts
    ]  # fmt: skip
    statement = _starting(dialect, lock_is_held)
    granted = set(connection.scalars(statement, {"asked": asked, "worker": worker_id, "now": now}))
    if granted:
        attempts = [_attempt(s, worker_id, now) for s in starts if s.claimed.id in granted]
        connection.execute(_attempting(dialect), {"attempts": attempts})
    if len(granted) < len(asked):
        refused = [s.claimed.id for s in starts if s.claimed.id not in granted]
        mine = select(D.c.id).where(
            D.c.id.in_(refused), D.c.worker_id == worker_id, D.c.state == State.CLAIMED
        )  # fmt: skip
        _route(connection, State.CLAIMED, list(connection.scalars(mine)), now, when_open=State.DUE)
    return granted


@lru_cache(maxsize=8)
def _starting(dialect: str, lock_is_held: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """The starting UPDATE; built once for each lock, asked thousands of times."""
    asked = given(dialect, "asked", [D.c.id, D.c.fence, D.c.payload_hash])
    worker = bindparam("worker", type_=D.c.worker_id.type)
    return (
        update(D)
        .where(
            D.c.id == asked.c.id,
            D.c.fence == asked.c.fence,
            D.c.payload_hash == asked.c.payload_hash,
            no_way_in(dialect, D.c.state) == State.CLAIMED,
            no_way_in(dialect, D.c.worker_id) == worker,
            worker_is_alive(worker),
            case((lock_is_held, true()), else_=false()),  # in a CASE, since a plain `false` would swallow the rest
            not_(D.c.awaits_film),
            GATE == OPEN,
        )
        .values(state=State.SENDING, tries=D.c.tries + 1, updated_at=bindparam("now", type_=D.c.updated_at.type))
        .returning(D.c.id)
    )


_ATTEMPT = [_T.c[name] for name in (
    "delivery_id", "generation", "fence", "worker_id", "idempotency_key", "payload_hash", "prepared", "state",
    "started_at", "error_code", "error", "evidence",
)]  # fmt: skip


@cache
def _attempting(dialect: str) -> Insert:
    attempts = given(dialect, "attempts", _ATTEMPT)
    return insert(_T).from_select([c.key for c in _ATTEMPT], select(*attempts.c))


def _attempt(wish: Start, worker_id: str, now: datetime) -> dict[str, Any]:
    return {
        "delivery_id": wish.claimed.id,
        "generation": wish.claimed.generation,
        "fence": wish.claimed.fence,
        "worker_id": worker_id,
        "idempotency_key": wish.key,
        "payload_hash": wish.claimed.payload_hash,
        "prepared": wish.prepared,
        "state": AttemptState.IN_FLIGHT,
        "started_at": now,
        "error_code": "",
        "error": "",
        "evidence": {},
    }


def hand_back(connection: Connection, worker_id: str, ids: Collection[int], now: datetime) -> int:
    """Return to the queue what is merely claimed."""
    if not ids:
        return 0
    statement = (
        update(D)
        .where(D.c.id.in_(ids), D.c.worker_id == worker_id, D.c.state == State.CLAIMED)
        .values(state=State.DUE, worker_id=None, claimed_at=None, updated_at=now)
    )
    return connection.execute(statement).rowcount
