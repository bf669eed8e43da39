"""What accounts may still do and what they cost, as it is shown; and the monthly limit."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.errors import Invalid
from guichet.metering import operations, queries
from guichet.metering.queries import Allowance
from guichet.metering.queries import Spending as SpendingFacts
from guichet.metering.rules import MICROS
from webapp.api.schemas.accounts import AccountUsage, MonthlyLimit, Quota, Spending, SpendItem
from webapp.api.schemas.common import IdPath
from webapp.asking import Asked, Room

room = Room("usage")


@room.get("/accounts/<int:id>/usage", AccountUsage)
def get_account_usage(asked: Asked, path: IdPath) -> AccountUsage:
    """What is left of its network's limits, and what it was charged in the last months."""
    return _usage(asked, path.id)


@room.put("/accounts/<int:id>/monthly-limit", AccountUsage, scope="manage")
def set_monthly_limit(asked: Asked, path: IdPath, body: MonthlyLimit) -> AccountUsage:
    """Say how much it may cost in a month. At the limit no new post begins; customers are answered."""
    row = accounts.get_account(asked.session, asked.actor, path.id)
    tariff = asked.spec(row.network).tariff
    if tariff is None and body.amount is not None:
        raise Invalid("this network charges nothing", {"amount": "needs no limit"})
    operations.set_monthly_limit(
        asked.session, asked.actor, row, body.amount, tariff.dearest if tariff else 0, asked.now
    )
    asked.session.flush()
    return _usage(asked, path.id)


def _usage(asked: Asked, account_id: int) -> AccountUsage:
    session, actor = asked.session, asked.actor
    row = accounts.get_account(session, actor, account_id)
    spec = asked.spec(row.network)
    spent = queries.spendings(session, [row], {row.network: spec}, asked.now).get(row.id)
    items = queries.list_spends(session, actor, row) if spec.tariff else ()
    return AccountUsage(
        quotas=[show_quota(a) for a in queries.list_allowances(session, actor, row, spec, asked.now)],
        spending=show_spending(spent),
        items=[
            SpendItem(month=s.month, item=s.item, quantity=s.quantity, amount=s.micros / MICROS) for s in items
        ],
        prices=dict(spec.tariff.prices) if spec.tariff else {},
        prices_source=spec.tariff.source if spec.tariff else "",
        prices_as_of=spec.tariff.as_of.isoformat() if spec.tariff else "",
    )  # fmt: skip


def show_quota(allowance: Allowance) -> Quota:
    quota = allowance.quota
    return Quota(
        name=quota.name,
        unit=quota.unit,
        limit=allowance.limit,
        remaining=allowance.remaining,
        seconds=quota.seconds,
        reset_at=allowance.reset_at,
        source="network" if allowance.is_heard else "counted",
        seen_at=allowance.seen_at,
        of_app=quota.of_app,
        posts=allowance.posts,
    )


def show_spending(spending: SpendingFacts | None) -> Spending | None:
    if spending is None:
        return None
    return Spending(
        currency=spending.currency,
        spent=spending.spent / MICROS,
        limit=None if spending.limit is None else spending.limit / MICROS,
        level=spending.level,
        stopped_until=spending.stopped_until,
    )
