"""Importing who there is and where: hours, people, teams, brands, accounts, grants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from channels.sentences import say
from guichet.accounts import operations
from guichet.accounts.registering import register_account
from guichet.configuration.document import AccountPart, BrandPart, CalendarPart, Document, StaffPart
from guichet.configuration.steps import Import, Step, columns
from guichet.errors import Invalid
from guichet.inbox.operations import return_to_queue
from guichet.metering.operations import set_monthly_limit
from guichet.metering.rules import micros_of
from guichet.models import Account, Brand, Calendar, Grant, Staff, Team
from guichet.publishing.openings import WeekSlot, good_week
from guichet.publishing.policies import find_policy, set_policy
from guichet.publishing.slots import set_slots, weeks_of
from guichet.staff import operations as staffing
from guichet.staff.rules import fold_email


def import_calendars(at: Import, document: Document) -> None:
    """Business hours by name."""
    here = {c.name: c for c in at.session.scalars(select(Calendar))}
    for n, part in enumerate(document.calendars):
        with at.part(f"calendars.{n}"):
            row, values = here.get(part.name), _calendar(part)
            changes = at.differing("calendar", part.name, columns(row, values), values)
            if row is None:
                row = operations.add_calendar(at.session, at.actor, **values, now=at.now)
            elif changes:
                operations.change_calendar(at.session, at.actor, row, changes, at.now)
            at.know("calendar", part.name, row.id)


def _calendar(part: CalendarPart) -> dict[str, Any]:
    spans = {day: sorted(list(span) for span in spans) for day, spans in part.intervals.items()}
    return {
        "name": part.name, "time_zone": part.time_zone, "intervals": spans, "holidays": sorted(set(part.holidays)),
    }  # fmt: skip


def import_staff(at: Import, document: Document) -> None:
    """People by address. A new one has no password."""
    here = {s.email: s for s in at.session.scalars(select(Staff))}
    for n, part in enumerate(document.staff):
        with at.part(f"staff.{n}"):
            email = fold_email(part.email)
            row, values = here.get(email), _person(part)
            changes = at.differing("staff", email, _as_person(row, values), values)
            if row is None:
                row = staffing.add_staff(
                    at.session, at.actor, email=email, name=part.name, role=part.role.value, initials=part.initials,
                    locale=part.locale, time_zone=part.time_zone, now=at.now,
                )  # fmt: skip
                changes = {k: v for k, v in values.items() if (_as_person(row, values) or {})[k] != v}
            _change_person(at, row, changes)
            at.know("staff", email, row.id)


def _person(part: StaffPart) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": part.name, "role": part.role.value, "skills": list(part.skills), "languages": list(part.languages),
        "capacity": part.capacity, "answers_reviewed": part.answers_reviewed, "disabled": part.disabled,
    }  # fmt: skip
    return {**values, "initials": part.initials} if part.initials else values


def _as_person(row: Staff | None, wanted: dict[str, Any]) -> dict[str, Any] | None:
    if row is None:
        return None
    held = {k: getattr(row, k) for k in wanted if k != "disabled"}
    return {**held, "disabled": row.disabled_at is not None}


def _change_person(at: Import, row: Staff, changes: dict[str, Any]) -> None:
    disabled = changes.get("disabled")
    more = {k: v for k, v in changes.items() if k != "disabled"}
    if disabled is False:
        staffing.enable_staff(at.session, at.actor, row, at.now)
    if more:
        staffing.change_staff(at.session, at.actor, row, more, at.now)
    if disabled is True:
        staffing.disable_staff(at.session, at.actor, row, at.now)
        return_to_queue(at.session, at.actor, row, at.now)


_SHARING = {"assignment", "queue_order", "hourly_cap"}


def import_teams(at: Import, document: Document) -> None:
    """Teams by name, with their people; who is disabled counts in no team."""
    here = {t.name: t for t in at.session.scalars(select(Team))}
    for n, part in enumerate(document.teams):
        with at.part(f"teams.{n}"):
            leads = at.ids_of("staff", part.leads, "leads")
            members = sorted({*at.ids_of("staff", part.members, "members"), *leads})
            shared = part.model_dump(include=_SHARING)
            wanted = {**shared, "member_ids": members, "lead_ids": leads}
            row = here.get(part.name)
            changes = at.differing("team", part.name, _as_team(row), wanted)
            if row is None:
                row = staffing.add_team(
                    at.session, at.actor, name=part.name, **shared, member_ids=members, lead_ids=leads, now=at.now
                )  # fmt: skip
            elif changes:
                staffing.change_team(
                    at.session, at.actor, row, **shared, member_ids=members, lead_ids=leads, now=at.now
                )  # fmt: skip
            at.know("team", part.name, row.id)


def _as_team(row: Team | None) -> dict[str, Any] | None:
    if row is None:
        return None
    working = [m for m in row.members if m.staff.disabled_at is None]
    return {
        **{name: getattr(row, name) for name in _SHARING},
        "member_ids": sorted(m.staff_id for m in working),
        "lead_ids": sorted(m.staff_id for m in working if m.is_lead),
    }


def import_brands(at: Import, document: Document) -> None:
    """Brands by name, with all that is set for them."""
    here = {b.name: b for b in at.session.scalars(select(Brand))}
    for n, part in enumerate(document.brands):
        with at.part(f"brands.{n}"):
            row, values = here.get(part.name), _brand(at, part)
            changes = at.differing("brand", part.name, columns(row, values), values)
            if row is None:
                row = operations.add_brand(at.session, at.actor, values, at.now)
            elif changes:
                operations.change_brand(at.session, at.actor, row, changes, at.now)
            at.know("brand", part.name, row.id)


def _brand(at: Import, part: BrandPart) -> dict[str, Any]:
    return {
        **part.model_dump(exclude={"calendar", "default_team"}),
        "calendar_id": at.id_of("calendar", part.calendar, "calendar"),
        "default_team_id": at.id_of("team", part.default_team, "default_team"),
    }


def import_accounts(at: Import, document: Document) -> None:
    """Accounts by what they are at their network; a new one waits to be connected. Names and
    handles are the network's to say."""
    here = {(a.network, a.base_url, a.remote_id): a for a in at.session.scalars(select(Account))}
    for n, part in enumerate(document.accounts):
        with at.part(f"accounts.{n}"):
            if part.network not in at.networks:
                known = ", ".join(at.networks)
                raise Invalid("no network is called that", {"network": say("must be among {choices}", choices=known)})
            row = here.get((part.network, part.base_url, part.remote_id))
            brand_id = at.numbers.id_of("brand", part.brand, "brand")
            asked = {"min_gap_minutes", "duplicate_days", "clash_policy", "compares"}
            asked_for = part.model_dump(include=asked, exclude_none=True)
            values = {"brand_id": brand_id, "time_zone": part.time_zone, **asked_for}
            said = {**values, **_rules_of(part)}
            changes = at.differing("account", part.key, columns(row, said), said)
            if row is None:
                row = register_account(
                    at.session, at.actor, at.session.get_one(Brand, brand_id), network=part.network,
                    base_url=part.base_url, remote_id=part.remote_id, handle=part.handle, name=part.name,
                    time_zone=part.time_zone, is_rehearsal=part.rehearsal, now=at.now,
                )  # fmt: skip
                operations.change_account(at.session, at.actor, row, asked_for, at.now)
            elif moved := {k: v for k, v in changes.items() if k in values}:
                operations.change_account(at.session, at.actor, row, moved, at.now)
            at.know("account", part.key, row.id)
            _set_rules(at, row, part)


def _rules_of(part: AccountPart) -> dict[str, Any]:
    """What it says of approval and money, as it stands in a row."""
    said: dict[str, Any] = {} if part.approval is None else {"approval": part.approval}
    if "monthly_limit" in part.model_fields_set:
        said["monthly_limit"] = None if part.monthly_limit is None else micros_of(part.monthly_limit)
    return said


def _set_rules(at: Import, row: Account, part: AccountPart) -> None:
    said = _rules_of(part)
    if said.get("approval", row.approval) != row.approval:
        brand = at.session.get_one(Brand, row.brand_id)
        policy = find_policy(at.session, brand.id)
        set_policy(at.session, at.actor, brand, policy, {row.id: said["approval"]}, at.now)
    if said.get("monthly_limit", row.monthly_limit) != row.monthly_limit:
        dearest = at.networks[part.network]
        if dearest is None and part.monthly_limit is not None:
            raise Invalid("this network charges nothing", {"monthly_limit": "needs no limit"})
        set_monthly_limit(at.session, at.actor, row, part.monthly_limit, dearest or 0, at.now)


def import_slots(at: Import, document: Document) -> None:
    """The week of each account that names one, in place of what it had."""
    named = [(n, part, part.slots) for n, part in enumerate(document.accounts) if part.slots is not None]
    for n, part, week in named:
        with at.part(f"accounts.{n}"):
            account = at.session.get_one(Account, at.numbers.id_of("account", part.key))
            wanted = good_week([WeekSlot(s.weekday, s.at, s.label) for s in week])
            here = weeks_of(at.session, at.actor, [account.id]).get(account.id, [])
            if here != wanted:
                at.steps.append(Step("slots", part.key, "change" if here else "create", ("slots",) if here else ()))
                set_slots(at.session, at.actor, account, wanted, at.now)


def import_grants(at: Import, document: Document) -> None:
    """Grants by holder and scope."""
    here = {(g.staff_id, g.team_id, g.account_id, g.brand_id): g for g in at.session.scalars(select(Grant))}
    for n, part in enumerate(document.grants):
        with at.part(f"grants.{n}"):
            staff_id = at.id_of("staff", part.staff, "staff")
            team_id = at.id_of("team", part.team, "team")
            account_id = at.id_of("account", part.account, "account")
            brand_id = at.id_of("brand", part.brand, "brand")
            row = here.get((staff_id, team_id, account_id, brand_id))
            values = {"role": part.role.value, "ends_at": part.ends_at}
            name = f"{part.staff or part.team} on {part.account or part.brand}"
            if at.differing("grant", name, columns(row, values), values) or row is None:
                get = at.session.get
                staffing.give_grant(
                    at.session, at.actor, role=part.role.value, ends_at=part.ends_at, now=at.now,
                    staff=get(Staff, staff_id) if staff_id else None, team=get(Team, team_id) if team_id else None,
                    account=get(Account, account_id) if account_id else None,
                    brand=get(Brand, brand_id) if brand_id else None,
                )  # fmt: skip
