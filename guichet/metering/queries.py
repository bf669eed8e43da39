"""What is left and what is spent, for people: with where each figure comes from, and nothing
where nothing is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from channels.metering import Quota, cost_of
from guichet.metering import rules
from guichet.metering.rules import owner_of_account, owner_of_app, reserve_of
from guichet.models import Account, Delivery, RateWindow, Spend
from guichet.policy import Action, Actor, require


@dataclass(frozen=True)
class Allowance:
    """One limit of an account's network and what is left of it. `is_heard`: the network said
    so at `seen_at`; else it is the documented limit less what went out from here, which knows
    nothing of what is sent elsewhere. `cost` is what one post takes."""

    quota: Quota
    limit: int
    remaining: int
    reset_at: datetime | None
    is_heard: bool
    seen_at: datetime | None
    cost: int

    @property
    def posts(self) -> int | None:
        """How many posts that is; None where posts take nothing of it."""
        return self.remaining // self.cost if self.cost else None


def list_allowances(
    session: Session, actor: Actor, account: Account, spec: ChannelSpec, now: datetime
) -> list[Allowance]:
    """Every documented limit of the account's network."""
    require(actor, Action.ACCOUNT_VIEW, account)
    owners = {
        False: owner_of_account(account.id),
        True: owner_of_app(account.network, account.base_url, account.is_rehearsal),
    }
    rows = {r.name: r for r in session.scalars(select(RateWindow).where(RateWindow.owner.in_(owners.values())))}
    return [_allowance(session, account, quota, rows.get(quota.name), now) for quota in spec.quotas]


def _allowance(
    session: Session, account: Account, quota: Quota, row: RateWindow | None, now: datetime
) -> Allowance:  # fmt: skip
    cost = quota.cost_of("post")
    if row is None:
        used = _sent(session, account, quota, now)
        return Allowance(quota, quota.limit, max(0, quota.limit - used), None, False, None, cost)
    if row.reset_at <= now:  # it has begun anew, and what went out since has not told yet
        return Allowance(quota, row.quota, row.quota, None, True, row.seen_at, cost)
    return Allowance(quota, row.quota, row.remaining, row.reset_at, True, row.seen_at, cost)


def _sent(session: Session, account: Account, quota: Quota, now: datetime) -> int:
    query = select(Delivery.kind, func.count()).where(Delivery.accepted_at > now - timedelta(seconds=quota.seconds))
    if quota.of_app:
        same = select(Account.id).where(
            Account.network == account.network, Account.base_url == account.base_url,
            Account.is_rehearsal == account.is_rehearsal,
        )  # fmt: skip
        query = query.where(Delivery.account_id.in_(same))
    else:
        query = query.where(Delivery.account_id == account.id)
    return sum(quota.cost_of(kind) * n for kind, n in session.execute(query.group_by(Delivery.kind)))


def posts_wait_until(session: Session, accounts: Sequence[Account], now: datetime) -> dict[int, datetime]:
    """Of the accounts whose posts wait because a limit is used up: until when."""
    owners: dict[str, list[int]] = {}
    for account in accounts:
        owners.setdefault(owner_of_account(account.id), []).append(account.id)
        app = owner_of_app(account.network, account.base_url, account.is_rehearsal)
        owners.setdefault(app, []).append(account.id)
    found: dict[int, datetime] = {}
    open_ = select(RateWindow).where(RateWindow.owner.in_(owners), RateWindow.reset_at > now)
    for row in session.scalars(open_):
        cost = cost_of(row.costs, "post")
        if cost and row.remaining < cost + reserve_of(row.quota):
            for account_id in owners[row.owner]:
                found[account_id] = max(found.get(account_id, row.reset_at), row.reset_at)
    return found


@dataclass(frozen=True)
class Spending:
    """What an account was charged this month, by our count, in millionths. `level` is the last
    mark passed: 0, 80 or 100 per cent; `stopped_until` when posts begin again by themselves."""

    currency: str
    spent: int
    limit: int | None
    level: int
    stopped_until: datetime | None


def spendings(
    session: Session, accounts: Iterable[Account], specs: Mapping[str, ChannelSpec], now: datetime
) -> dict[int, Spending]:
    """Of the accounts whose network charges."""
    charged = {a.id: a for a in accounts if specs[a.network].tariff is not None}
    if not charged:
        return {}
    sums = select(Spend.account_id, func.sum(Spend.micros)).where(
        Spend.account_id.in_(charged), Spend.month == rules.month_of(now)
    )
    spent = {account_id: int(micros) for account_id, micros in session.execute(sums.group_by(Spend.account_id))}
    return {id_: _spending(account, specs[account.network], spent.get(id_, 0), now) for id_, account in charged.items()}


def _spending(account: Account, spec: ChannelSpec, spent: int, now: datetime) -> Spending:
    assert spec.tariff is not None
    stopped = account.spent_until if account.spent_until is not None and account.spent_until > now else None
    level = rules.level_of(spent, account.monthly_limit)
    return Spending(spec.tariff.currency, spent, account.monthly_limit, level, stopped)


def list_spends(session: Session, actor: Actor, account: Account, months: int = 3) -> Sequence[Spend]:
    """What an account was charged, by month and item, newest month first."""
    require(actor, Action.ACCOUNT_VIEW, account)
    newest = (
        select(Spend.month).where(Spend.account_id == account.id).distinct().order_by(Spend.month.desc()).limit(months)
    )
    wanted = select(Spend).where(Spend.account_id == account.id, Spend.month.in_(newest))
    return session.scalars(wanted.order_by(Spend.month.desc(), Spend.micros.desc(), Spend.item)).all()
