"""Timelines held against our rows: how far, what differs, and that somebody has seen it."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.comparing import operations, queries
from guichet.jobs import COMPARE
from guichet.models import Discrepancy as DiscrepancyRow
from webapp.api.briefs import Names
from webapp.api.schemas.common import Done, Empty, IdPath, Page
from webapp.api.schemas.comparing import Discrepancy, DiscrepancyQuery
from webapp.asking import Asked, Room

room = Room("discrepancies")


@room.get("/discrepancies", Page[Discrepancy])
def list_discrepancies(asked: Asked, query: DiscrepancyQuery) -> Page[Discrepancy]:
    """What differs and nobody has said to have seen, oldest first, on the accounts for which one
    decides."""
    rows = queries.list_open(asked.session, asked.actor, query.account_id)
    names = Names(asked.session).load(accounts=[row.account_id for row in rows])
    return Page[Discrepancy](items=[_show(row, names) for row in rows])


@room.post("/discrepancies/<int:id>/seen", Done, scope="publish")
def see_discrepancy(asked: Asked, path: IdPath, body: Empty) -> Done:
    """One has seen it: it leaves the list. Nothing is changed at the network."""
    row = queries.get_discrepancy(asked.session, asked.actor, path.id)
    operations.see(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/accounts/<int:id>/compare", Done, scope="manage")
def compare_account(asked: Asked, path: IdPath, body: Empty) -> Done:
    """Compare its timeline with our rows soon, not only when the day is over."""
    account = accounts.get_account(asked.session, asked.actor, path.id)
    operations.ask_now(asked.session, asked.actor, account, asked.now)
    asked.unit.enqueue(COMPARE, account_id=account.id)
    return Done()


def _show(row: DiscrepancyRow, names: Names) -> Discrepancy:
    return Discrepancy(
        id=row.id,
        account=names.account(row.account_id),
        kind="absence" if row.kind == "absence" else "stranger",
        code=row.code,
        remote_id=row.remote_id,
        url=row.url or None,
        text=row.text,
        via=row.via,
        at=row.at,
        delivery_id=row.delivery_id,
        found_at=row.found_at,
    )
