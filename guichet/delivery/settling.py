"""Writing down what became of sends, many at once.

The usual case is one executemany for all that was published. What is not usual (a row
that somebody took over meanwhile, a remote id that another delivery has) goes row by
row, so that one odd result never costs the others theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from guichet.delivery.followers import let_followers_go
from guichet.delivery.gates import D
from guichet.delivery.news import tell_states
from guichet.delivery.operations import take_down
from guichet.delivery.rules import IDEMPOTENT, Verdict, lateness_ms
from guichet.delivery.states import AttemptState, State, sources_of
from guichet.models import Account, Attempt, Delivery, Post
from guichet.policy import SYSTEM

_A: Table = Account.__table__  # type: ignore[assignment]
_T: Table = Attempt.__table__  # type: ignore[assignment]
_P: Table = Post.__table__  # type: ignore[assignment]


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


_published = (
    update(D)
    .where(D.c.id == bindparam("b_id"), D.c.fence == bindparam("b_fence"), D.c.state == State.SENDING)
    .values({
        column: bindparam(f"b_{column}")
        for column in ("state", "remote_id", "remote_url", "remote_context", "accepted_at", "lateness_ms", "updated_at")
    })
    .values(worker_id=None, claimed_at=None, reason_code="", reason="", next_look_at=None)
)  # fmt: skip
_other = (
    update(D)
    .where(D.c.id == bindparam("b_id"), D.c.fence == bindparam("b_fence"))
    .where(or_(D.c.state == State.SENDING, D.c.state == State.CLAIMED))  # IN does not go with executemany
    .values({
        column: bindparam(f"b_{column}")
        for column in ("state", "reason_code", "reason", "not_before", "next_look_at", "updated_at")
    })
    .values(worker_id=None, claimed_at=None)
)  # fmt: skip
_withdrawn = select(D.c.id).where(D.c.id.in_(bindparam("ids", expanding=True)), D.c.withdraw)
_attempt = (
    update(_T)
    .where(_T.c.delivery_id == bindparam("b_id"), _T.c.fence == bindparam("b_fence"))
    .where(or_(_T.c.state == AttemptState.IN_FLIGHT, _T.c.state == AttemptState.UNKNOWN))
    .values({
        column: bindparam(f"b_{column}")
        for column in ("state", "ended_at", "http_status", "error_code", "error", "evidence")
    })
)  # fmt: skip


def settle(connection: Connection, results: Sequence[Result], now: datetime) -> None:
    """Write down a group of results. A result that comes after somebody else took the row
    over still counts when it is proof of publication: evidence always wins."""
    accepted = [r for r in results if r.verdict.state is State.PUBLISHED]
    others = [r for r in results if r.verdict.state is not State.PUBLISHED]
    if accepted:
        _settle_accepted(connection, accepted, now)
    if others:
        connection.execute(_other, [_other_values(r, now) for r in others])
        _withdraw_unless_out(connection, [r.delivery_id for r in others], now)
    connection.execute(_attempt, [_attempt_values(r) for r in results])
    _park(connection, results)
    let_followers_go(connection, now, [r.delivery_id for r in accepted])
    _take_down_withdrawn(connection, [r.delivery_id for r in accepted], now)
    close_posts(connection, {r.post_id for r in results if r.post_id is not None}, now)
    tell_states(connection, [r.delivery_id for r in results], now)


def _settle_accepted(connection: Connection, results: Sequence[Result], now: datetime) -> None:
    values = [_published_values(r, now) for r in results]
    try:
        with connection.begin_nested():
            if connection.execute(_published, values).rowcount == len(values):
                return
    except IntegrityError:
        pass
    for result, row in zip(results, values, strict=True):
        _settle_one(connection, result, row, now)


def _settle_one(connection: Connection, result: Result, values: dict[str, Any], now: datetime) -> None:
    try:
        with connection.begin_nested():
            if connection.execute(_published, values).rowcount:
                return
            overtaken = (
                update(D)
                .where(D.c.id == result.delivery_id, D.c.state.in_(sources_of(State.PUBLISHED)))
                .values(
                    {c: values[f"b_{c}"] for c in ("state", "remote_id", "remote_url", "accepted_at", "updated_at")}
                )
                .values(remote_context=values["b_remote_context"], worker_id=None, reason_code="", reason="")
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


def _published_values(result: Result, now: datetime) -> dict[str, Any]:
    receipt = result.verdict.receipt
    accepted_at = (receipt.accepted_at if receipt else None) or result.ended_at
    names_it = receipt is not None and result.kind not in IDEMPOTENT  # else two edits of one post would collide
    return {
        "b_id": result.delivery_id,
        "b_fence": result.fence,
        "b_state": State.PUBLISHED,
        "b_remote_id": receipt.remote_id if receipt and names_it else None,
        "b_remote_url": receipt.url if receipt else "",
        "b_remote_context": dict(receipt.context) if receipt else {},
        "b_accepted_at": accepted_at,
        "b_lateness_ms": lateness_ms(result.due_at, accepted_at),
        "b_updated_at": now,
    }


def _other_values(result: Result, now: datetime) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "b_id": result.delivery_id,
        "b_fence": result.fence,
        "b_state": verdict.state,
        "b_reason_code": verdict.code,
        "b_reason": verdict.reason,
        "b_not_before": verdict.not_before or now,
        "b_next_look_at": result.first_look_at,
        "b_updated_at": now,
    }


def _attempt_values(result: Result) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "b_id": result.delivery_id,
        "b_fence": result.fence,
        "b_state": verdict.attempt,
        "b_ended_at": result.ended_at,
        "b_http_status": verdict.http_status,
        "b_error_code": verdict.code,
        "b_error": verdict.reason,
        "b_evidence": verdict.evidence,
    }


def _withdraw_unless_out(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """What was withdrawn while it was being sent, and surely did not go out, ends there."""
    connection.execute(
        update(D)
        .where(D.c.id.in_(ids), D.c.withdraw, D.c.state == State.DUE)
        .values(state=State.CANCELLED, updated_at=now)
    )


def _take_down_withdrawn(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """What was withdrawn while it was being sent, and did go out, is deleted."""
    withdrawn = list(connection.scalars(_withdrawn, {"ids": list(ids)})) if ids else []
    if not withdrawn:
        return
    with Session(bind=connection) as session:
        for delivery in session.scalars(select(Delivery).where(Delivery.id.in_(withdrawn))).all():
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


def close_posts(connection: Connection, post_ids: set[int], now: datetime) -> None:
    """A post is done when each of its deliveries is final, and at least one is published."""
    if not post_ids:
        return
    of_post = D.c.post_id == _P.c.id
    final = (State.PUBLISHED, State.FAILED, State.CANCELLED)
    is_open = select(D.c.id).where(of_post, D.c.state.not_in(final)).exists()
    is_out = select(D.c.id).where(of_post, D.c.state == State.PUBLISHED).exists()
    connection.execute(
        update(_P)
        .where(_P.c.id.in_(post_ids), _P.c.state == "scheduled", ~is_open, is_out)
        .values(state="done", updated_at=now, version=_P.c.version + 1)
    )


def oldest_due_at(connection: Connection, now: datetime) -> datetime | None:
    """Since when the oldest row waits that should have gone out: the health of the engine."""
    waiting = select(func.min(D.c.not_before)).where(D.c.state.in_((State.DUE, State.CLAIMED)), D.c.not_before <= now)
    overdue = select(func.min(D.c.due_at)).where(D.c.state == State.SCHEDULED, D.c.due_at <= now)
    found = [t for t in (connection.scalar(waiting), connection.scalar(overdue)) if t is not None]
    return min(found, default=None)
