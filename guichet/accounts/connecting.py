"""The OAuth dance between its two halves: bound to one person's session, used once,
expiring in minutes, and remembered sealed (ASVS 10.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.accounts import queries, rules
from guichet.db.changing import change_rows
from guichet.errors import NotAllowed
from guichet.models import Account, Brand, ConnectAttempt
from guichet.policy import Action, Actor, require
from guichet.sealing import Sealed, Sealer
from guichet.staff.rules import hash_secret


def require_connect(session: Session, actor: Actor, brand: Brand, now: datetime) -> None:
    """Raises NotAllowed for who may not connect accounts of this brand."""
    if actor.kind != "system" and not queries.may_connect(session, actor, brand.id, now):
        raise NotAllowed(say("you have no right to do this ({action})", action=Action.ACCOUNT_CONNECT))


def begin_attempt(
    session: Session,
    actor: Actor,
    sealer: Sealer,
    *,
    brand: Brand,
    network: str,
    is_rehearsal: bool,
    state: str,
    memory: Mapping[str, str],
    session_id: int,
    account: Account | None,
    now: datetime,
) -> ConnectAttempt:
    """Remember a dance that has begun. `state` is the secret that has to come back;
    `account`: a reconnect."""
    require_connect(session, actor, brand, now)
    if account is not None:
        require(actor, Action.ACCOUNT_MANAGE, account)
    state_hash = hash_secret(state)
    sealed = sealer.seal(memory, f"connect:{state_hash}")
    attempt = ConnectAttempt(
        state_hash=state_hash, staff_id=actor.staff_id, session_id=session_id, brand_id=brand.id,
        account_id=account.id if account else None, network=network, is_rehearsal=is_rehearsal,
        key_id=sealed.key_id, sealed=sealed.data, expires_at=now + rules.ATTEMPT_LIFE,
    )  # fmt: skip
    session.add(attempt)
    session.flush()
    audit.record(session, actor, "account.connect_begin", attempt, now, network=network)
    return attempt


def take_attempt(
    session: Session, actor: Actor, sealer: Sealer, *, state: str, network: str, session_id: int, now: datetime
) -> tuple[ConnectAttempt, dict[str, str]]:
    """The attempt that `state` belongs to, and what was remembered; it cannot be taken again.

    Raises NotAllowed, with one sentence whatever is wrong: unknown, used, expired, begun in
    another browser or for another network."""
    state_hash = hash_secret(state)
    taken = change_rows(
        session,
        update(ConnectAttempt)
        .where(
            ConnectAttempt.state_hash == state_hash,
            ConnectAttempt.network == network,
            ConnectAttempt.staff_id == actor.staff_id,
            ConnectAttempt.session_id == session_id,
            ConnectAttempt.used_at.is_(None),
            ConnectAttempt.expires_at > now,
        )
        .values(used_at=now),
    )
    if not taken:
        raise NotAllowed("this connection was not begun here, or took too long: begin it again", code="bad_state")
    attempt = session.scalars(select(ConnectAttempt).where(ConnectAttempt.state_hash == state_hash)).one()
    return attempt, sealer.open(Sealed(attempt.key_id, attempt.sealed), f"connect:{state_hash}")
