"""By when a customer should have an answer: what a brand promised, counted in the hours
that it keeps. A brand that promised nothing has no deadlines, and nothing is shown late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from guichet.models import Account, Brand
from guichet.triage import hours
from guichet.triage.hours import Hours


@dataclass(frozen=True)
class Promise:
    """An answer `within` this much time; of `hours`, or of the whole day where there are none."""

    within: timedelta
    hours: Hours | None = None

    def due(self, since: datetime) -> datetime | None:
        """The moment (UTC) until which who waits `since` should have an answer. None: the
        hours never come to it."""
        return since + self.within if self.hours is None else hours.add_open(self.hours, since, self.within)


def promises_of(session: Session, account_ids: Iterable[int]) -> dict[int, Promise]:
    """The promise of each of these accounts' brands, by account; those without one are not
    in it. Rights are the caller's matter."""
    wanted = (
        select(Account)
        .join(Account.brand)
        .outerjoin(Brand.calendar)
        .where(Account.id.in_(set(account_ids)), Brand.answer_within_minutes.is_not(None))
        .options(contains_eager(Account.brand).contains_eager(Brand.calendar))
    )
    return {account.id: _promise(account.brand) for account in session.scalars(wanted)}


def _promise(brand: Brand) -> Promise:
    kept = hours.from_row(brand.calendar) if brand.calendar else None
    return Promise(timedelta(minutes=brand.answer_within_minutes or 0), kept)
