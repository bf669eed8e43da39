"""Writing down what became of sends, many at once.

The usual case is one statement for all that was published. What is not usual (a row
that somebody took over meanwhile, a remote id that another delivery has) goes row by
row, so that one odd result never costs the others theirs. Only where two name the same remote
id in the same moment the group fails as a whole (IntegrityError): then each is handed in alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from guichet.db.dialect import given, is_found, kind_of, no_way_in
from guichet.delivery.closing import close_posts
from guichet.delivery.followers import has_followers, let_followers_go
from guichet.delivery.gates import D
from guichet.delivery.news import tell_states
from guichet.delivery.operations import take_down
from guichet.delivery.rules import Verdict, lateness_ms
from guichet.delivery.states import IDEMPOTENT, AttemptState, State, sources_of
from guichet.models import Account, Attempt, Delivery, table_of
from guichet.policy import SYSTEM

_A = table_of(Account)
_T = table_of(Attempt)


@dataclass(frozen=True)
class Result:
    """What became of one delivery. `fence` says which claim it belongs to."""

    delivery_id: int
    account_id: int
    fence: int
    kind: str
    due_at: datetime
    verdict: Verdict
    ended_at: datetime
    first_look_at: datetime | None = None
    post_id: int | None = None


# What a result changes, column by column; all of it is given as one parameter.
_OUT = [D.c[name] for name in ("remote_id", "remote_url", "remote_context", "accepted_at", "lateness_ms")]
_NOT_OUT = [D.c[name] for name in ("state", "reason_code", "reason", "not_before", "next_look_at")]
_ENDED = [_T.c[name] for name in ("state", "ended_at", "http_status", "error_code", "error", "evidence")]
_now = bindparam("now", type_=D.c.updated_at.type)


@cache
def _publishing(dialect: str) -> ReturningUpdate[Any]:
    results = given(dialect, "results", [D.c.id, D.c.fence, *_OUT])
    return (
        update(D)
        .where(D.c.id == results.c.id, D.c.fence == results.c.fence)
        .where(no_way_in(dialect, D.c.state) == State.SENDING, ~_is_named(results.c.remote_id))
        .values({c: results.c[c.key] for c in _OUT})
        .values(
            state=State.PUBLISHED, worker_id=None, claimed_at=None, reason_code="", reason="", next_look_at=None,
            updated_at=_now,
        )
        .returning(D.c.id, D.c.withdraw, has_followers().label("has_followers"))
    )  # fmt: skip


def _is_named(remote_id: ColumnElement[str | None]) -> ColumnElement[bool]:
    """Whether another delivery of the account and kind has this remote id."""
    other = D.alias("other")
    same = (other.c.account_id == D.c.account_id, other.c.kind == D.c.kind, other.c.remote_id == remote_id)
    return is_found(select(other.c.id).where(*same, other.c.id != D.c.id).correlate_except(other))


@cache
def _settling(dialect: str) -> Update:
    results = given(dialect, "results", [D.c.id, D.c.fence, *_NOT_OUT])
    return (
        update(D)
        .where(D.c.id == results.c.id, D.c.fence == results.c.fence)
        .where(no_way_in(dialect, D.c.state).in_((State.SENDING, State.CLAIMED)))
        .values({c: results.c[c.key] for c in _NOT_OUT})
        .values(tries=D.c.tries + case((D.c.state == State.CLAIMED, 1), else_=0))  # a start counted itself
        .values(worker_id=None, claimed_at=None, updated_at=_now)
    )


@cache
def _ending(dialect: str) -> Update:
    """Whoever was taken over from while its request was under way may still say when that
    ended, and that it was accepted; all else is left to who looks for it, since the row is theirs."""
    results = given(dialect, "results", [_T.c.delivery_id, _T.c.fence, *_ENDED])
    is_doubted = and_(_T.c.state == AttemptState.UNKNOWN, results.c.state != AttemptState.ACCEPTED)
    return (
        update(_T)
        .where(_T.c.delivery_id == results.c.delivery_id, _T.c.fence == results.c.fence)
        .where(_T.c.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN)))
        .values({c: results.c[c.key] for c in _ENDED if c is not _T.c.state})
        .values(state=case((is_doubted, _T.c.state), else_=results.c.state))
    )


def settle(connection: Connection, results: Sequence[Result], now: datetime) -> None:
    """Write down a group of results. A result that comes after somebody else took the row
    over still counts when it is proof of publication: evidence always wins."""
    dialect = kind_of(connection)
    accepted = [r for r in results if r.verdict.state is State.PUBLISHED]
    others = [r for r in results if r.verdict.state is not State.PUBLISHED]
    leading, withdrawn = _settle_accepted(connection, accepted, now) if accepted else ([], [])
    if others:
        connection.execute(_settling(dialect), {"results": [_other_values(r, now) for r in others], "now": now})
        _withdraw_unless_out(connection, [r.delivery_id for r in others], now)
    connection.execute(_ending(dialect), {"results": [_attempt_values(r) for r in results]})
    _park(connection, results)
    let_followers_go(connection, now, leading)
    _take_down(connection, withdrawn, now)
    close_posts(connection, {r.post_id for r in results if r.post_id is not None}, now)
    tell_states(connection, [r.delivery_id for r in results], now)


def _settle_accepted(
    connection: Connection, results: Sequence[Result], now: datetime
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Returns the ids of those that others wait for, and of those that should not be out: they
    were withdrawn meanwhile. Of what went row by row either may be so."""
    values = {r.delivery_id: _published_values(r) for r in results}
    done = _publish(connection, list(values.values()), now)
    odd = [r for r in results if r.delivery_id not in done]
    for result in odd:
        _settle_one(connection, result, values[result.delivery_id], now)
    doubtful = [r.delivery_id for r in odd]
    leading = [id_ for id_, row in done.items() if row.has_followers]
    withdrawn = [id_ for id_, row in done.items() if row.withdraw]
    return leading + doubtful, withdrawn + doubtful


def _publish(connection: Connection, values: list[dict[str, Any]], now: datetime) -> dict[int, Any]:
    rows = connection.execute(_publishing(kind_of(connection)), {"results": values, "now": now})
    return {row.id: row for row in rows}


def _settle_one(connection: Connection, result: Result, values: dict[str, Any], now: datetime) -> None:
    try:
        with connection.begin_nested():
            if _publish(connection, [values], now):
                return
            overtaken = (
                update(D)
                .where(D.c.id == result.delivery_id, D.c.state.in_(sources_of(State.PUBLISHED)))
                .values({c: values[c.key] for c in _OUT if c.key != "lateness_ms"})
                .values(state=State.PUBLISHED, worker_id=None, reason_code="", reason="", updated_at=now)
            )
            connection.execute(overtaken)
    except IntegrityError:
        reason = "the network gave it an id that another delivery has"
        connection.execute(
            update(D)
            .where(D.c.id == result.delivery_id, D.c.state.in_(sources_of(State.NEEDS_HUMAN)))
            .values(
                state=State.NEEDS_HUMAN, reason_code="remote_id_taken", reason=reason, worker_id=None, updated_at=now
            )
        )


def _published_values(result: Result) -> dict[str, Any]:
    receipt = result.verdict.receipt
    accepted_at = (receipt.accepted_at if receipt else None) or result.ended_at
    names_it = receipt is not None and result.kind not in IDEMPOTENT  # else two edits of one post would collide
    return {
        "id": result.delivery_id,
        "fence": result.fence,
        "remote_id": receipt.remote_id if receipt and names_it else None,
        "remote_url": receipt.url if receipt else "",
        "remote_context": dict(receipt.context) if receipt else {},
        "accepted_at": accepted_at,
        "lateness_ms": lateness_ms(result.due_at, accepted_at),
    }


def _other_values(result: Result, now: datetime) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "id": result.delivery_id,
        "fence": result.fence,
        "state": verdict.state,
        "reason_code": verdict.code,
        "reason": verdict.reason,
        "not_before": verdict.not_before or now,
        "next_look_at": result.first_look_at,
    }


def _attempt_values(result: Result) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "delivery_id": result.delivery_id,
        "fence": result.fence,
        "state": verdict.attempt,
        "ended_at": result.ended_at,
        "http_status": verdict.http_status,
        "error_code": verdict.code,
        "error": verdict.reason,
        "evidence": verdict.evidence,
    }


def _withdraw_unless_out(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """What was withdrawn while it was being sent, and surely did not go out, ends there."""
    connection.execute(
        update(D)
        .where(D.c.id.in_(ids), D.c.withdraw, D.c.state == State.DUE)
        .values(state=State.CANCELLED, updated_at=now)
    )


def _take_down(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Those of `ids` that were withdrawn while they were being sent, and did go out, are deleted."""
    if not ids:
        return
    with Session(bind=connection) as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(ids), Delivery.withdraw)).all():
            take_down(session, SYSTEM, delivery, session.get_one(Account, delivery.account_id), now)
        session.flush()


def _park(connection: Connection, results: Sequence[Result]) -> None:
    """Leave accounts alone for as long as their network asked; never shorter than was known."""
    until = {(r.account_id, r.verdict.parks_app): r.verdict for r in results if r.verdict.park_until is not None}
    for (account_id, parks_app), verdict in until.items():
        connection.execute(
            update(_A)
            .where(_A.c.id.in_(_of_the_same_app(account_id)) if parks_app else _A.c.id == account_id)
            .where(or_(_A.c.parked_until.is_(None), _A.c.parked_until < verdict.park_until))
            .values(parked_until=verdict.park_until, parked_reason=verdict.reason)
        )


def _of_the_same_app(account_id: int) -> Select[tuple[int]]:
    """Accounts on the same server of the same network: our application there is one."""
    one = _A.alias()
    same = [one.c[name] == _A.c[name] for name in ("network", "base_url", "is_rehearsal")]
    return select(_A.c.id).join(one, and_(one.c.id == account_id, *same))


def oldest_due_at(connection: Connection, now: datetime) -> datetime | None:
    """Since when the oldest row waits that should have gone out: the health of the engine."""
    waiting = select(func.min(D.c.not_before)).where(D.c.state.in_((State.DUE, State.CLAIMED)), D.c.not_before <= now)
    overdue = select(func.min(D.c.due_at)).where(D.c.state == State.SCHEDULED, D.c.due_at <= now)
    found = [t for t in (connection.scalar(waiting), connection.scalar(overdue)) if t is not None]
    return min(found, default=None)
