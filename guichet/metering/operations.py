"""Writing down what was counted, and minding the monthly limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, and_, func, or_, select, update
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.db.dialect import kind_of, upsert_given
from guichet.errors import Invalid
from guichet.metering import rules
from guichet.metering.meter import Taken
from guichet.metering.rules import Heard
from guichet.models import Account, PollCursor, RateWindow, Spend, table_of
from guichet.policy import SYSTEM, Action, Actor, require

_W = table_of(RateWindow)
_S = table_of(Spend)
_WINDOW = ("owner", "name", "quota", "remaining", "seconds", "costs", "reset_at", "seen_at")
_SPEND = ("account_id", "month", "item", "currency", "quantity", "micros")
MOST = 1_000_000  # of a monthly limit, in the network's currency


def record(connection: Connection, taken: Taken, now: datetime) -> None:
    """Write down what a meter gathered. By our own processes, in any transaction that writes."""
    keep_windows(connection, taken.windows.values())
    if not taken.charges:
        return
    month = rules.month_of(now)
    spent: dict[tuple[int, str, str], list[int]] = {}
    for charge, count in taken.charges.items():
        sums = spent.setdefault((charge.account_id, charge.item, charge.currency), [0, 0])
        sums[0] += count
        sums[1] += count * charge.price
    rows = [
        dict(zip(_SPEND, (account, month, item, currency, *sums), strict=True))
        for (account, item, currency), sums in spent.items()
    ]
    connection.execute(_spending(kind_of(connection)), {"spent": rows})
    _mind_limits(connection, {charge.account_id for charge in taken.charges}, now)


def keep_windows(connection: Connection, heard: Iterable[Heard]) -> None:
    """Keep what networks said of their limits; of the same window the lower figure stays."""
    rows = [asdict(one) for one in heard]
    if rows:
        connection.execute(_keeping(kind_of(connection)), {"heard": rows})


@cache
def _keeping(dialect: str) -> Insert:
    def change(old: Any, new: Any) -> tuple[dict[str, Any], Any]:
        values = {name: new[name] for name in _WINDOW if name not in ("owner", "name")}
        same_and_lower = and_(new.reset_at == old.reset_at, new.remaining <= old.remaining)
        return values, or_(new.reset_at > old.reset_at, same_and_lower)

    return upsert_given(dialect, "heard", _W, _WINDOW, ("owner", "name"), change)


@cache
def _spending(dialect: str) -> Insert:
    def change(old: Any, new: Any) -> tuple[dict[str, Any], Any]:
        return {name: old[name] + new[name] for name in ("quantity", "micros")}, None

    return upsert_given(dialect, "spent", _S, _SPEND, ("account_id", "month", "item", "currency"), change)


# ---------------------------------------------------------------- monthly limits


def set_monthly_limit(
    session: Session, actor: Actor, account: Account, amount: float | None, dearest: float, now: datetime
) -> None:
    """Say how much an account may cost in a month, in its network's currency; None: no limit.
    `dearest` is the most that one post may cost there. What is spent stays spent: a lower limit
    may be reached at once, a higher one lets what follows go out again. Raises Invalid."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    if amount is not None and not 0 <= amount <= MOST:
        raise Invalid("this limit cannot be kept", {"monthly_limit": "must be from 0 to 1,000,000"})
    account.monthly_limit = None if amount is None else rules.micros_of(amount)
    session.flush()
    window = session.get(RateWindow, (rules.owner_of_money(account.id), rules.MONEY))
    if window is not None:
        session.delete(window)
        session.flush()
    if account.monthly_limit is None:
        account.spent_until = None
    else:
        _mind(session, account, spent_in(session, account.id, now), rules.micros_of(dearest), now)
    if account.spent_until is None:  # what was left unread meanwhile is read now
        streams = update(PollCursor).where(PollCursor.account_id == account.id, PollCursor.next_poll_at > now)
        session.execute(streams.values(next_poll_at=now))
    audit.record(session, actor, "account.monthly_limit", account, now, micros=account.monthly_limit)
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def spent_in(session: Session, account_id: int, now: datetime) -> int:
    """What an account was charged this month, in millionths."""
    total = select(func.sum(Spend.micros)).where(Spend.account_id == account_id, Spend.month == rules.month_of(now))
    return int(session.scalar(total) or 0)


def _mind_limits(connection: Connection, account_ids: set[int], now: datetime) -> None:
    limited = select(Account).where(Account.id.in_(account_ids), Account.monthly_limit.is_not(None))
    with Session(bind=connection, expire_on_commit=False) as session:
        for account in sorted(session.scalars(limited), key=lambda a: rules.owner_of_money(a.id)):
            window = session.get(RateWindow, (rules.owner_of_money(account.id), rules.MONEY))
            dearest = int(window.costs["post"]) if window else 0
            _mind(session, account, spent_in(session, account.id, now), dearest, now)
        session.flush()


def _mind(session: Session, account: Account, spent: int, dearest: int, now: datetime) -> None:
    """Bring the window of money in step with what is spent, and say so where a mark is passed."""
    limit = account.monthly_limit or 0
    end = rules.next_month(now)
    owner = rules.owner_of_money(account.id)
    window = session.get(RateWindow, (owner, rules.MONEY))
    before = limit - window.remaining if window is not None and window.reset_at == end else 0
    if window is None:
        window = RateWindow(owner=owner, name=rules.MONEY, costs={"post": dearest}, seconds=31 * 86_400)
        session.add(window)
    window.quota, window.remaining, window.reset_at, window.seen_at = limit, limit - spent, end, now
    account.spent_until = end if spent >= limit else None
    level = rules.level_of(spent, limit)
    if level > rules.level_of(before, limit):
        audit.record(session, SYSTEM, "account.spending", account, now, percent=level)
        live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)
