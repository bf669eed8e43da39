"""Webhooks that were refused, counted: who forges them, and whether our own keys are at fault.

Nothing of a refused delivery is kept but how many there were, of which kind, at whose address.

    forged       the signature does not hold: a stranger's, or our application's keys are not X's
    misdirected  truly signed, but for an account that is not connected here
    too_large    more bytes than any delivery has
    nobody       at an address of no account (counted under account 0)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.models import Account, RawItem, RefusedDelivery, table_of
from guichet.policy import Action, Actor, require

KINDS = ("forged", "misdirected", "too_large", "nobody")
SHOWN_FOR = timedelta(days=7)
KEPT_FOR = timedelta(days=90)
_REFUSED = table_of(RefusedDelivery)


@dataclass(frozen=True)
class Refused:
    """How many of a kind, in the last SHOWN_FOR, and when the last."""

    kind: str
    n: int
    last_at: datetime


def count(session: Session, actor: Actor, refused: Mapping[tuple[int, str], int], now: datetime) -> None:
    """Add to the day's figures, by account and kind."""
    require(actor, Action.SYSTEM)
    for (account_id, kind), n in sorted(refused.items()):
        row = {"account_id": account_id, "day": _day(now), "kind": kind, "n": n, "last_at": now}
        dialect.upsert(session, _REFUSED, row, "account_id", "day", "kind", add="n")


def list_refused(session: Session, actor: Actor, account: Account, now: datetime) -> Sequence[Refused]:
    """What was refused at the account's address, the most frequent first."""
    require(actor, Action.ACCOUNT_VIEW, account)
    return _list(session, account.id, now)


def list_refused_at_no_account(session: Session, actor: Actor, now: datetime) -> Sequence[Refused]:
    require(actor, Action.SYSTEM)
    return _list(session, 0, now)


def _list(session: Session, account_id: int, now: datetime) -> Sequence[Refused]:
    rows = session.execute(
        select(RefusedDelivery.kind, func.sum(RefusedDelivery.n), func.max(RefusedDelivery.last_at))
        .where(RefusedDelivery.account_id == account_id, RefusedDelivery.day > _day(now - SHOWN_FOR))
        .group_by(RefusedDelivery.kind)
    )
    return sorted((Refused(kind, int(n), at) for kind, n, at in rows), key=lambda one: (-one.n, one.kind))


def list_deaf(session: Session, actor: Actor, now: datetime) -> Sequence[Account]:
    """Accounts at whose address deliveries were forged within a day, and none was taken: as a
    rule it is our own keys that are not the network's any more."""
    require(actor, Action.SYSTEM)
    day = timedelta(days=1)
    forged = select(RefusedDelivery.account_id).where(
        RefusedDelivery.kind == "forged", RefusedDelivery.last_at > now - day
    )
    taken = select(RawItem.account_id).where(RawItem.stream == "webhook", RawItem.received_at > now - day)
    deaf = select(Account).where(Account.id.in_(forged), Account.id.not_in(taken), Account.state == "connected")
    return session.scalars(deaf.order_by(Account.id)).all()


def forget_old(session: Session, actor: Actor, now: datetime) -> None:
    """Called by the tending worker."""
    require(actor, Action.SYSTEM)
    session.execute(delete(RefusedDelivery).where(RefusedDelivery.day < _day(now - KEPT_FOR)))


def _day(now: datetime) -> str:
    return now.date().isoformat()
