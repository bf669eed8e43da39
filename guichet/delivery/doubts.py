"""Deliveries of unknown outcome: taking one up to look for it, and writing down what was
seen. The looking itself is the edge's (workers/reconcile.py); nothing here reads a network.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from channels.contract import Inbound, Receipt
from channels.sentences import say
from guichet.delivery.closing import close_posts
from guichet.delivery.followers import let_followers_go
from guichet.delivery.gates import D
from guichet.delivery.news import tell_states
from guichet.delivery.operations import take_down
from guichet.delivery.rules import LOOK_LEASE, Doubt, Verdict, lateness_ms
from guichet.delivery.states import IDEMPOTENT, AttemptState, State, sources_of
from guichet.models import Account, Attempt, Delivery, Look, table_of
from guichet.policy import SYSTEM

_T = table_of(Attempt)
_K = table_of(Look)
_A = table_of(Account)

_DOUBTED = (State.UNKNOWN, State.RECONCILING)
_OF_ATTEMPT = [_T.c[name] for name in ("idempotency_key", "prepared", "started_at", "ended_at", "error_code")]
_COMPANY = timedelta(days=1)  # how long before a send others of the account still count
_ECHO_MARGIN = timedelta(minutes=2)  # clocks differ; an echo from before the send is none
_ECHO_ARRIVES = timedelta(minutes=7)  # our longest call, the latest acceptance after it, and clocks


@dataclass(frozen=True)
class Case:
    """A delivery in doubt with its open attempt, and what was seen so far."""

    delivery_id: int
    account_id: int
    attempt_id: int
    kind: str
    payload: dict[str, Any] = field(repr=False)
    prepared: dict[str, Any] = field(repr=False)
    key: str
    started_at: datetime
    due_at: datetime
    post_id: int | None
    is_answer: bool
    doubt: Doubt


def take_cases(connection: Connection, worker_id: str, now: datetime, limit: int = 20) -> list[Case]:
    """Take up doubts whose time to look has come; nobody else takes them while this worker
    lives, or for longer than a look can last."""
    ripe = (
        select(D.c.id)
        .where(D.c.state.in_(_DOUBTED), or_(D.c.next_look_at.is_(None), D.c.next_look_at <= now))
        .order_by(D.c.next_look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(connection.scalars(ripe))
    if not ids:
        return []
    connection.execute(
        update(D)
        .where(D.c.id.in_(ids))
        .values(state=State.RECONCILING, worker_id=worker_id, next_look_at=now + LOOK_LEASE, updated_at=now)
    )
    rows = connection.execute(
        select(D, _T.c.id.label("attempt_id"), *_OF_ATTEMPT, _A.c.settings)
        .join(_T, and_(_T.c.delivery_id == D.c.id, _T.c.state == AttemptState.UNKNOWN))
        .join(_A, _A.c.id == D.c.account_id)
        .where(D.c.id.in_(ids))
    ).all()
    return [_case(connection, row) for row in rows]


def _case(connection: Connection, row: Any) -> Case:
    looks = connection.execute(
        select(_K.c.at, _K.c.result, _K.c.evidence).where(_K.c.attempt_id == row.attempt_id).order_by(_K.c.id)
    ).all()
    first_used = connection.scalar(
        select(_T.c.started_at)
        .where(_T.c.delivery_id == row.id, _T.c.idempotency_key == row.idempotency_key)
        .order_by(_T.c.id)
        .limit(1)
    )
    duplicates = select(func.count()).where(_T.c.delivery_id == row.id, _T.c.error_code == "duplicate")
    failed = 0
    for look in reversed(looks):
        if look.result not in ("error", "undecided"):  # "near" is something seen
            break
        failed += 1
    doubt = Doubt(
        ended_at=row.ended_at or row.updated_at,
        withdraw=row.withdraw,
        absences=[look.at for look in looks if look.result == "absent" and look.evidence.get("counts")],
        failed_looks=failed,
        key=row.idempotency_key,
        first_used_at=first_used,
        settings=row.settings,
        times_called_duplicate=(connection.scalar(duplicates) or 0) if row.error_code == "duplicate" else 0,
    )
    return Case(
        row.id, row.account_id, row.attempt_id, row.kind, row.payload, row.prepared, row.idempotency_key,
        row.started_at, row.due_at, row.post_id, row.is_answer, doubt,
    )  # fmt: skip


def known_ids(connection: Connection, case: Case) -> frozenset[str]:
    """Remote ids of the account that belong to other deliveries: never the answer. Those
    accepted long before the send are left out; a look does not read that far back."""
    rows = connection.scalars(
        select(D.c.remote_id).where(
            D.c.account_id == case.account_id, D.c.id != case.delivery_id, D.c.remote_id.is_not(None),
            D.c.accepted_at > case.started_at - _COMPANY,
        )
    )  # fmt: skip
    return frozenset(str(r) for r in rows)


def unplaced(connection: Connection, case: Case) -> list[dict[str, Any]]:
    """Payloads of other deliveries of the account that may stand there too, and where nobody
    knows: begun about then, under whatever end, and without a remote id."""
    begun = exists().where(_T.c.delivery_id == D.c.id, _T.c.started_at > case.started_at - _COMPANY)
    rows = connection.scalars(
        select(D.c.payload)
        .where(D.c.account_id == case.account_id, D.c.id != case.delivery_id, D.c.remote_id.is_(None), begun)
        .where(D.c.kind.not_in(IDEMPOTENT))
        .order_by(D.c.id)
    )
    return list(rows)


def record_look(
    connection: Connection, case: Case, result: str, verdict: Verdict, now: datetime, counts: bool = False
) -> bool:  # fmt: skip
    """Write down a look (found, absent, near, undecided, error) and what follows from it. False:
    the delivery had been settled by other evidence meanwhile, which stands."""
    evidence = {**verdict.evidence, "counts": counts} if result == "absent" else verdict.evidence
    connection.execute(insert(_K).values(attempt_id=case.attempt_id, at=now, result=result, evidence=evidence))
    receipt = verdict.receipt
    if verdict.state is State.PUBLISHED and receipt is not None:
        if not _belongs_elsewhere(connection, case, receipt.remote_id):
            return _bind(connection, case.delivery_id, receipt, now)
        reason = say("what was found there belongs to another delivery")
        verdict = Verdict(
            State.NEEDS_HUMAN, AttemptState.UNKNOWN, "remote_id_taken", reason, evidence=verdict.evidence
        )  # fmt: skip
    changes: dict[str, Any] = {
        "state": verdict.state, "worker_id": None, "updated_at": now,
        "reason_code": verdict.code, "reason": verdict.reason,
        "next_look_at": verdict.not_before if verdict.state is State.RECONCILING else None,
    }  # fmt: skip
    if verdict.state is State.DUE:
        changes["not_before"] = verdict.not_before or now
        if verdict.code == "proved_absent":
            changes["generation"] = D.c.generation + 1  # a key is never used across a proof
            changes["reason_code"] = ""
    moved = connection.execute(
        update(D).where(D.c.id == case.delivery_id, D.c.state == State.RECONCILING).values(**changes)
    ).rowcount
    if not moved:
        return False
    connection.execute(update(_T).where(_T.c.id == case.attempt_id).values(state=verdict.attempt))
    if verdict.state is not State.RECONCILING:
        tell_states(connection, [case.delivery_id], now)
        close_posts(connection, {case.post_id} if case.post_id else set(), now)
    return True


def _belongs_elsewhere(connection: Connection, case: Case, remote_id: str) -> bool:
    return (
        connection.scalar(
            select(D.c.id).where(
                D.c.account_id == case.account_id, D.c.remote_id == remote_id, D.c.kind == case.kind,
                D.c.id != case.delivery_id,
            )
        )
        is not None
    )  # fmt: skip


def _bind(connection: Connection, delivery_id: int, receipt: Receipt, now: datetime) -> bool:
    """What was doubted is published: this is it."""
    row = connection.execute(
        select(D.c.due_at, D.c.post_id, _T.c.id.label("attempt_id"), _T.c.started_at)
        .outerjoin(_T, and_(_T.c.delivery_id == D.c.id, _T.c.state == AttemptState.UNKNOWN))
        .where(D.c.id == delivery_id)
    ).one()
    accepted_at = receipt.accepted_at or row.started_at or now
    bound = connection.execute(
        update(D)
        .where(D.c.id == delivery_id, D.c.state.in_(sources_of(State.PUBLISHED)))
        .values(
            state=State.PUBLISHED, remote_id=receipt.remote_id, remote_url=receipt.url,
            remote_context=dict(receipt.context), accepted_at=accepted_at,
            lateness_ms=lateness_ms(row.due_at, accepted_at), reason_code="", reason="", next_look_at=None,
            worker_id=None, updated_at=now,
        )
    ).rowcount  # fmt: skip
    if not bound:
        return False
    if row.attempt_id is not None:
        connection.execute(update(_T).where(_T.c.id == row.attempt_id).values(state=AttemptState.ACCEPTED))
    let_followers_go(connection, now, [delivery_id])
    close_posts(connection, {row.post_id} if row.post_id else set(), now)
    tell_states(connection, [delivery_id], now)
    return True


# ---------------------------------------------------------------- echoes


def match_echo(session: Session, account_id: int, inbound: Inbound, now: datetime) -> Delivery | None:
    """The delivery that an echo of our own account is, if it is one: by its remote id, or
    the only one in doubt with the same words, in the same place, begun shortly before it. One
    that was in doubt is published by it; one that was withdrawn meanwhile is then taken down.
    Where a look has seen several that it may be, words prove nothing: a person decides."""
    known = session.scalars(
        select(Delivery).where(Delivery.account_id == account_id, Delivery.remote_id == inbound.remote_id)
    ).first()
    if known is not None:
        return known
    doubted = (State.SENDING, State.UNKNOWN, State.RECONCILING, State.NEEDS_HUMAN)
    rows = session.execute(
        select(Delivery, Attempt.state)
        .join(Attempt, Attempt.delivery_id == Delivery.id)
        .where(Delivery.account_id == account_id, Delivery.state.in_(doubted))
        .where(Attempt.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN)))
        .where(Attempt.started_at <= inbound.remote_at + _ECHO_MARGIN)
        .where(Attempt.started_at >= inbound.remote_at - _ECHO_ARRIVES)
        .where(~exists().where(_K.c.attempt_id == Attempt.id, _K.c.result == "near"))
        .where(Delivery.kind.not_in(IDEMPOTENT))
    ).all()
    same = [(d, state) for d, state in rows if _says_the_same(d.payload, inbound)]
    if len(same) != 1:
        return None
    delivery, attempt_state = same[0]
    if attempt_state == AttemptState.UNKNOWN:  # in flight, its own answer is about to tell
        session.flush()
        receipt = Receipt(inbound.remote_id, inbound.url, inbound.remote_at, dict(inbound.context))
        _bind(session.connection(), delivery.id, receipt, now)
        session.refresh(delivery)
        if delivery.withdraw:
            take_down(session, SYSTEM, delivery, session.get_one(Account, account_id), now)
    return delivery


def _says_the_same(payload: dict[str, Any], inbound: Inbound) -> bool:
    target = payload.get("reply_to")
    if inbound.in_reply_to and inbound.in_reply_to != (target["remote_id"] if target else ""):
        return False
    return _words(payload["text"]) == _words(inbound.text)


def _words(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def open_doubts(connection: Connection, now: datetime) -> Sequence[int]:
    """Doubts that could be looked at now."""
    ripe = select(D.c.id).where(
        D.c.state.in_(_DOUBTED), or_(D.c.next_look_at.is_(None), D.c.next_look_at <= now)
    )  # fmt: skip
    return list(connection.scalars(ripe.limit(1)))
