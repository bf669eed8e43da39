"""Names beside ids: people, accounts, brands, teams, as they stand inside other answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.models import Account, Brand, CustomField, Staff, Team
from webapp.api.schemas.common import AccountBrief, BrandBrief, PersonBrief, TeamBrief

Row = TypeVar("Row", Staff, Account, Brand, Team)
Brief = TypeVar("Brief", PersonBrief, AccountBrief, BrandBrief, TeamBrief)


def person(staff: Staff) -> PersonBrief:
    return PersonBrief(id=staff.id, name=staff.name, initials=staff.initials)


def account(of: Account) -> AccountBrief:
    return AccountBrief(id=of.id, network=of.network, handle=of.handle, name=of.name)


def brand(of: Brand) -> BrandBrief:
    return BrandBrief(id=of.id, name=of.name)


def team(of: Team) -> TeamBrief:
    return TeamBrief(id=of.id, name=of.name)


class Names:
    """Briefs by id, read once per answer. Only for rows that the actor was already allowed
    to see: it asks no right."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._people: dict[int, PersonBrief] = {}
        self._accounts: dict[int, AccountBrief] = {}
        self._brands: dict[int, BrandBrief] = {}
        self._teams: dict[int, TeamBrief] = {}

    def load(
        self,
        *,
        people: Iterable[int | None] = (),
        accounts: Iterable[int | None] = (),
        brands: Iterable[int | None] = (),
        teams: Iterable[int | None] = (),
    ) -> Names:
        """Read what will be asked for, each kind in one query."""
        self._read(Staff, people, self._people, person)
        self._read(Account, accounts, self._accounts, account)
        self._read(Brand, brands, self._brands, brand)
        self._read(Team, teams, self._teams, team)
        return self

    def field(self, field_id: int | None) -> CustomField | None:
        """A custom field; the session keeps what it read."""
        return None if field_id is None else self._session.get(CustomField, field_id)

    def _read(
        self, model: type[Row], ids: Iterable[int | None], into: dict[int, Brief], show: Callable[[Row], Brief]
    ) -> None:
        wanted = {i for i in ids if i} - set(into)
        if wanted:
            rows = self._session.scalars(select(model).where(model.id.in_(sorted(wanted))))
            into.update({row.id: show(row) for row in rows})

    def person(self, staff_id: int | None) -> PersonBrief | None:
        if not staff_id:
            return None
        self.load(people=[staff_id])
        return self._people.get(staff_id)

    def account(self, account_id: int) -> AccountBrief:
        self.load(accounts=[account_id])
        return self._accounts[account_id]

    def account_or_none(self, account_id: int | None) -> AccountBrief | None:
        return self.account(account_id) if account_id else None

    def brand(self, brand_id: int | None) -> BrandBrief | None:
        if not brand_id:
            return None
        self.load(brands=[brand_id])
        return self._brands.get(brand_id)

    def team(self, team_id: int | None) -> TeamBrief | None:
        if not team_id:
            return None
        self.load(teams=[team_id])
        return self._teams.get(team_id)
