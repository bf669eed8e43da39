"""Whose turn it is: due rows in the order that they should go out, shared evenly between
accounts, within what each account's network still allows.

Where a limit is near, answers to customers go first and a little is kept for them; of a
limit that several accounts share, who has had less than their share goes before who has
had more (guichet.metering). What may not go now keeps its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, func, not_, or_, select, true

from guichet.db.dialect import first_of_each, given, kind_of
from guichet.delivery.gates import D
from guichet.delivery.states import KINDS, State
from guichet.metering.rooms import Rooms, read_rooms
from guichet.metering.rules import Bucket
from guichet.models import Account, table_of

_A = table_of(Account)

ACCOUNTS_A_CLAIM = 64


class Waiting(NamedTuple):
    """A due row, as far as its turn depends on it."""

    id: int
    account_id: int
    kind: str
    is_answer: bool


def next_ids(
    connection: Connection, limit: int, now: datetime, skip: Collection[int] = (), *, is_claim: bool = True
) -> list[int]:
    """Ids of up to `limit` due rows, one account after the other in turns; locked for a claim
    where the database locks rows. Accounts in `skip`, and those that a network asked to wait, are passed over."""
    accounts = [a for a in connection.scalars(_waiting_accounts, {"now": now}) if a not in skip][:ACCOUNTS_A_CLAIM]
    if not accounts:
        return []
    share = max(1, -(-limit // len(accounts)))
    rooms = read_rooms(connection, accounts, now, limit, is_claim=is_claim)
    free = [a for a in accounts if a not in rooms]
    columns: dict[int, list[Waiting]] = {a: [] for a in accounts}
    if free:
        asked = {"accounts": [{"id": a} for a in free], "now": now, "share": share}
        for row in connection.execute(_oldest_of_each(kind_of(connection), is_claim), asked):
            columns[row.account_id].append(Waiting(*row))
    for account_id, buckets in rooms.items():
        query = _within(account_id, buckets, now, share)
        found = connection.execute(_locked(query, is_claim)) if query is not None else ()
        columns[account_id] = [Waiting(*row) for row in found]
    turns = (column[n] for n in range(share) for column in columns.values() if n < len(column))
    return [id_ for id_, _ in zip(_with_room(turns, rooms), range(limit), strict=False)]


def is_any_waiting(connection: Connection, now: datetime) -> bool:
    """Whether `next_ids` would find any."""
    if connection.scalar(_waiting_accounts.limit(1), {"now": now}) is None:
        return False
    return bool(next_ids(connection, 1, now, is_claim=False))


def _with_room(turns: Iterator[Waiting], rooms: Rooms) -> Iterator[int]:
    for row in turns:
        buckets = rooms.get(row.account_id, ())
        if all(b.has_room(row.account_id, row.kind, row.is_answer) for b in buckets):
            for bucket in buckets:
                bucket.take(row.account_id, row.kind)
            yield row.id


_waiting_accounts = (
    select(_A.c.id)
    .where(or_(_A.c.parked_until.is_(None), _A.c.parked_until <= bindparam("now", type_=_A.c.parked_until.type)))
    .where(
        select(true())
        .where(D.c.state == State.DUE, D.c.account_id == _A.c.id)
        .where(D.c.not_before <= bindparam("now", type_=D.c.not_before.type), not_(D.c.awaits_film))
        .exists()
    )
    .order_by(func.random())
)


@cache
def _oldest_of_each(dialect: str, is_claim: bool) -> Select[Any]:
    accounts, row = given(dialect, "accounts", [_A.c.id]), D.alias("row")
    walk = (
        select(row.c.id)
        .where(row.c.state == State.DUE, row.c.account_id == accounts.c.id)
        .where(row.c.not_before <= bindparam("now", type_=D.c.not_before.type), not_(row.c.awaits_film))
        .order_by(row.c.not_before, row.c.id)
        .limit(bindparam("share"))
    )
    found = first_of_each(dialect, accounts, _locked(walk, is_claim), D)
    return found.with_only_columns(D.c.id, D.c.account_id, D.c.kind, D.c.is_answer).order_by(D.c.not_before, D.c.id)


def _locked(query: Select[Any], is_claim: bool) -> Select[Any]:
    return query.with_for_update(skip_locked=True) if is_claim else query


def _within(account_id: int, buckets: Sequence[Bucket], now: datetime, share: int) -> Select[Any] | None:
    """The rows of one account that its limits leave room for, answers first; None: there is none."""
    answers, others = (
        [k for k in KINDS if all(b.has_room(account_id, k, is_answer) for b in buckets)] for is_answer in (True, False)
    )
    if not answers and not others:
        return None
    return (
        select(D.c.id, D.c.account_id, D.c.kind, D.c.is_answer)
        .where(D.c.state == State.DUE, D.c.account_id == account_id, D.c.not_before <= now, not_(D.c.awaits_film))
        .where(or_(and_(D.c.is_answer, D.c.kind.in_(answers)), and_(~D.c.is_answer, D.c.kind.in_(others))))
        .order_by(D.c.is_answer.desc(), D.c.not_before, D.c.id)
        .limit(share)
    )
