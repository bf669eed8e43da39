"""How much of their networks' limits accounts may still use: asked in the transaction that
claims, so that all workers together take no more than there is.

What is in hand is read from the deliveries themselves: who dies with claimed rows gives
their room back with them. A window that nobody has heard of yet binds nobody; the first
answer tells, and a "no" only costs a wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from channels.metering import cost_of
from guichet.metering.rules import MONEY, Bucket, owner_of_account, owner_of_app, owner_of_money, reserve_of
from guichet.models import Account, Delivery, RateWindow, table_of

_A = table_of(Account)
_D = table_of(Delivery)
_W = table_of(RateWindow)
Rooms = dict[int, list[Bucket]]


def read_rooms(
    connection: Connection, account_ids: Sequence[int], now: datetime, batch: int, *, is_claim: bool = True
) -> Rooms:
    """Of each account the windows that may bind when up to `batch` are claimed; most have none.
    For a claim those windows stay locked until the transaction ends."""
    owners = _owners(connection, account_ids)
    names = {owner for mine in owners.values() for owner in mine}
    wanted = select(_W).where(_W.c.owner.in_(names)).order_by(_W.c.owner, _W.c.name)
    rows = _standing(connection, wanted, now)
    if not rows or not _may_bind(rows, now, batch, _in_hand(connection)):
        return {}
    if is_claim:
        rows = _standing(connection, wanted.with_for_update(), now)
    in_hand = _in_hand(connection)
    buckets = [(row.owner, _bucket(connection, row, now, in_hand)) for row in _may_bind(rows, now, batch, in_hand)]
    found = {account_id: [b for owner, b in buckets if owner in mine] for account_id, mine in owners.items()}
    return {account_id: mine for account_id, mine in found.items() if mine}


def _standing(connection: Connection, wanted: Select[Any], now: datetime) -> list[Any]:
    """Without last month's money, and without money that is gone: there the gate decides, so
    that what may not go is put before a person and does not merely wait."""
    return [r for r in connection.execute(wanted) if r.name != MONEY or (r.reset_at > now and r.remaining > 0)]


def _owners(connection: Connection, account_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Account, application and purse, as windows name them."""
    query = select(_A.c.id, _A.c.network, _A.c.base_url, _A.c.is_rehearsal).where(_A.c.id.in_(account_ids))
    return {
        row.id: (
            owner_of_account(row.id),
            owner_of_app(row.network, row.base_url, row.is_rehearsal),
            owner_of_money(row.id),
        )
        for row in connection.execute(query)
    }


def _in_hand(connection: Connection) -> dict[str, Counter[tuple[int, str]]]:
    """What is claimed or being sent: by owner, how many of each account and kind."""
    query = (
        select(_D.c.account_id, _D.c.kind, func.count())
        .where(_D.c.state.in_(("claimed", "sending")))
        .group_by(_D.c.account_id, _D.c.kind)
    )
    counted = connection.execute(query).all()
    owners = _owners(connection, sorted({row.account_id for row in counted})) if counted else {}
    found: dict[str, Counter[tuple[int, str]]] = {}
    for account_id, kind, count in counted:
        for owner in owners[account_id]:
            found.setdefault(owner, Counter())[account_id, kind] += count
    return found


def _left(row: Any, now: datetime) -> int:
    """A window that is over begins anew, full: the next answer says more."""
    return int(row.remaining if row.reset_at > now else row.quota)


def _taken(row: Any, in_hand: dict[str, Counter[tuple[int, str]]]) -> Counter[int]:
    """What is in hand of a window, by account."""
    taken: Counter[int] = Counter()
    for (account_id, kind), count in in_hand.get(row.owner, Counter()).items():
        taken[account_id] += cost_of(row.costs, kind) * count
    return taken


def _may_bind(
    rows: Sequence[Any], now: datetime, batch: int, in_hand: dict[str, Counter[tuple[int, str]]]
) -> list[Any]:
    return [
        row
        for row in rows
        if _left(row, now) - _taken(row, in_hand).total() < batch * max(row.costs.values()) + _reserve(row, batch)
    ]


def _reserve(row: Any, accounts: int) -> int:
    return 0 if row.name == MONEY else reserve_of(row.quota, accounts)


def _bucket(connection: Connection, row: Any, now: datetime, in_hand: dict[str, Counter[tuple[int, str]]]) -> Bucket:
    taken = _taken(row, in_hand)
    bucket = Bucket(
        left=_left(row, now), quota=row.quota, costs=row.costs, is_money=row.name == MONEY, in_hand=taken.total(),
    )  # fmt: skip
    sharing = _accounts_of(connection, row.owner) if row.owner.startswith("app:") else []
    bucket.reserve = _reserve(row, max(1, len(sharing)))
    if len(sharing) > 1:
        bucket.share = row.quota // len(sharing)
        bucket.used = taken + _sent(connection, row, sharing, now)
    return bucket


def _accounts_of(connection: Connection, owner: str) -> list[int]:
    _, kind, network, base_url = owner.split(":", 3)
    query = select(_A.c.id).where(_A.c.network == network, _A.c.base_url == base_url, _A.c.state == "connected")
    return list(connection.scalars(query.where(_A.c.is_rehearsal == (kind == "rehearsal"))))


def _sent(connection: Connection, row: Any, sharing: Sequence[int], now: datetime) -> Counter[int]:
    """What each account of an application has had of its window so far."""
    if row.reset_at <= now:
        return Counter()
    used = (
        select(_D.c.account_id, _D.c.kind, func.count())
        .where(_D.c.account_id.in_(sharing), _D.c.accepted_at > row.reset_at - timedelta(seconds=row.seconds))
        .group_by(_D.c.account_id, _D.c.kind)
    )
    found: Counter[int] = Counter()
    for account_id, kind, count in connection.execute(used):
        found[account_id] += cost_of(row.costs, kind) * count
    return found
