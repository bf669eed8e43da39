"""The audit log: who did what to what. Entries are added in the transaction of the act
and sealed in batches by a hash chain; they hold ids and codes, never personal text."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from guichet.models import AuditEntry, AuditSeal
from guichet.policy import Action, Actor, require

_BATCH = 500
# Ids are given out before transactions commit: behind a younger entry an elder one may
# still be about to appear, and would lie outside of every seal.
SETTLED = timedelta(minutes=2)
GENESIS = "0" * 64


def record(session: Session, actor: Actor, action: str, target: Any, now: datetime, **data: Any) -> None:
    """Add an entry. `target` is a model instance (flushed, so that it has an id), a
    (kind, id) pair, or None. `data` must be ids, codes and numbers."""
    kind, target_id = _named(target)
    session.add(
        AuditEntry(
            at=now, actor_kind=actor.kind, actor_id=actor.staff_id, action=action,
            target_kind=kind, target_id=target_id, data=data, ip=actor.ip,
        )
    )  # fmt: skip


def _named(target: Any) -> tuple[str, int | None]:
    if target is None:
        return "", None
    if isinstance(target, tuple):
        return str(target[0]), int(target[1])
    return str(target.__tablename__), getattr(target, "id", None)


def seal(session: Session, actor: Actor, now: datetime, key: tuple[str, bytes]) -> int:
    """Seal what is settled and not sealed yet; returns how many entries. `key` is (id, bytes)."""
    require(actor, Action.SYSTEM)
    sealed = 0
    while True:
        last = session.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()
        after = last.last_id if last else 0
        unsealed = select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id).limit(_BATCH)
        batch = list(takewhile(lambda e: e.at <= now - SETTLED, session.scalars(unsealed)))
        if not batch:
            return sealed
        previous = last.digest if last else GENESIS
        digest = digest_of(previous, batch)
        session.add(
            AuditSeal(
                first_id=batch[0].id, last_id=batch[-1].id, entry_count=len(batch), previous=previous,
                digest=digest, signature=sign(digest, key[1]), key_id=key[0], sealed_at=now,
            )
        )  # fmt: skip
        session.flush()
        sealed += len(batch)


def digest_of(previous: str, entries: Iterable[AuditEntry]) -> str:
    """SHA-256 over the previous digest and every field of the entries, in order."""
    chain = hashlib.sha256(previous.encode())
    for e in entries:
        fields = [
            e.id, e.at.isoformat(), e.actor_kind, e.actor_id, e.action, e.target_kind, e.target_id, e.data, e.ip,
        ]  # fmt: skip
        chain.update(json.dumps(fields, sort_keys=True, separators=(",", ":")).encode())
    return chain.hexdigest()


def sign(digest: str, key: bytes) -> str:
    """HMAC-SHA256 of a head: who can write the rows cannot forge it."""
    return hmac.new(key, b"guichet audit head:" + digest.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Head:
    """The last seal: kept elsewhere, it proves what the log was. `key` is the key's name."""

    number: int
    digest: str
    signature: str
    key: str


def find_head(session: Session) -> Head | None:
    """None where nothing was sealed yet."""
    last = session.scalars(select(AuditSeal).order_by(AuditSeal.id.desc()).limit(1)).first()
    return None if last is None else Head(last.id, last.digest, last.signature, last.key_id)


@dataclass(frozen=True)
class Verdict:
    """`problems` says what does not hold, oldest first; empty means whole."""

    sealed: int
    unsealed: int
    head: str
    problems: Sequence[str]


def verify(session: Session, keys: dict[str, bytes], expected_head: str = "") -> Verdict:
    """Recompute the chain. `expected_head` is a head exported earlier: if it does not
    occur in the chain, the log was cut short or written anew."""
    problems: list[str] = []
    previous, after, sealed, heads = GENESIS, 0, 0, {GENESIS}
    for seal_ in session.scalars(select(AuditSeal).order_by(AuditSeal.id)):
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.id > after, AuditEntry.id <= seal_.last_id).order_by(AuditEntry.id)
        ).all()
        where = f"entries {seal_.first_id}–{seal_.last_id}"
        if seal_.previous != previous:
            problems.append(f"{where}: the chain is broken before them")
        if len(entries) != seal_.entry_count:
            problems.append(f"{where}: {seal_.entry_count} were sealed, {len(entries)} are there")
        elif digest_of(seal_.previous, entries) != seal_.digest:
            problems.append(f"{where}: changed after they were sealed")
        key = keys.get(seal_.key_id)
        if key is None or not hmac.compare_digest(sign(seal_.digest, key), seal_.signature):
            problems.append(f"{where}: the signature does not hold")
        previous, after, sealed = seal_.digest, seal_.last_id, sealed + len(entries)
        heads.add(seal_.digest)
    if expected_head and expected_head not in heads:
        problems.append("the exported head is not in the chain: the log was cut short or written anew")
    unsealed = session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.id > after)) or 0
    return Verdict(sealed, unsealed, previous, problems)
