"""Reading accounts, brands and calendars: only what the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import QueryableAttribute, Session, joinedload

from guichet.accounts.rules import REFRESH_AHEAD, is_ending, needs_refresh, sign_in_ends
from guichet.errors import NotFound
from guichet.models import Account, Brand, Calendar, Credential, Delivery, Grant, PollCursor, RawItem, TeamMember
from guichet.policy import AccountRole, Action, Actor, can, require, visible, visible_accounts


def list_accounts(
    session: Session,
    actor: Actor,
    *,
    brand_id: int | None = None,
    network: str | None = None,
    after: int = 0,
    limit: int = 200,
) -> Sequence[Account]:
    """Accounts by id, with their brands."""
    query = (
        select(Account)
        .where(visible(actor, Account.id), Account.id > after)
        .options(joinedload(Account.brand))
        .order_by(Account.id)
        .limit(limit)
    )
    if brand_id is not None:
        query = query.where(Account.brand_id == brand_id)
    if network is not None:
        query = query.where(Account.network == network)
    return session.scalars(query).all()


def get_account(session: Session, actor: Actor, account_id: int) -> Account:
    """Raises NotFound, also for one that the actor may not see."""
    require(actor, Action.ACCOUNT_VIEW, account_id)
    account = session.get(Account, account_id, options=[joinedload(Account.brand)])
    if account is None:
        raise NotFound("there is no such account, or it is not yours to see")
    return account


def list_brands(session: Session, actor: Actor, *, after: int = 0, limit: int = 200) -> Sequence[Brand]:
    """Brands by id: all for administrators, else those of the accounts one sees and those
    one was granted (a brand may have no account yet)."""
    query = select(Brand).where(Brand.id > after).order_by(Brand.id).limit(limit)
    if not sees_every_brand(actor):
        query = query.where(Brand.id.in_(brands_seen(session, actor)))
    return session.scalars(query).all()


def sees_every_brand(actor: Actor) -> bool:
    """Whether no brand is hidden from the actor."""
    return actor.sees_every_account and visible_accounts(actor) is None


def brands_seen(session: Session, actor: Actor) -> set[int]:
    """Ids of the brands an ordinary actor knows of."""
    if visible_accounts(actor) == frozenset() and actor.scopes is not None:
        return set()
    seen = set(session.scalars(select(Account.brand_id).where(visible(actor, Account.id))))
    teams = select(TeamMember.team_id).where(TeamMember.staff_id == actor.staff_id)
    own = (Grant.staff_id == actor.staff_id) | Grant.team_id.in_(teams)
    return seen | set(session.scalars(select(Grant.brand_id).where(own, Grant.brand_id.is_not(None))))


def in_brands_seen(session: Session, actor: Actor, brand_id: QueryableAttribute[Any]) -> ColumnElement[bool]:
    """Whether a column names a brand that the actor sees."""
    return brand_id.is_not(None) if sees_every_brand(actor) else brand_id.in_(brands_seen(session, actor))


def get_brand(session: Session, actor: Actor, brand_id: int) -> Brand:
    """Raises NotFound, also for one that the actor may not see."""
    brand = session.get(Brand, brand_id)
    if brand is None or not (sees_every_brand(actor) or brand_id in brands_seen(session, actor)):
        raise NotFound("there is no such brand, or it is not yours to see")
    return brand


def may_sort(session: Session, actor: Actor, brand_id: int | None) -> bool:
    """Whether the actor makes what a brand sorts and words its work with, such as campaigns and fields:
    who looks after labels everywhere, and who manages one of the brand's accounts. None: for all brands."""
    if can(actor, Action.LABEL_MANAGE):
        return True
    mine = select(Account.id).where(Account.brand_id == brand_id, visible(actor, Account.id, Action.ACCOUNT_MANAGE))
    return brand_id is not None and session.scalar(mine.limit(1)) is not None


def may_connect(session: Session, actor: Actor, brand_id: int, now: datetime) -> bool:
    """Whether the actor may connect accounts of a brand: administrators, and who is a
    manager of the brand or of one of its accounts."""
    if can(actor, Action.ACCOUNT_CONNECT):
        return True
    if actor.scopes is not None and "manage" not in actor.scopes:
        return False
    teams = select(TeamMember.team_id).where(TeamMember.staff_id == actor.staff_id)
    accounts = select(Account.id).where(Account.brand_id == brand_id)
    held = select(func.count()).where(
        (Grant.staff_id == actor.staff_id) | Grant.team_id.in_(teams),
        Grant.role == AccountRole.MANAGER,
        (Grant.brand_id == brand_id) | Grant.account_id.in_(accounts),
        Grant.ends_at.is_(None) | (Grant.ends_at > now),
    )
    return bool(session.scalar(held))


def list_calendars(session: Session, actor: Actor, *, after: int = 0, limit: int = 200) -> Sequence[Calendar]:
    """Business hours, by id; no secret to anybody who works here."""
    require(actor, Action.STAFF_VIEW)
    return session.scalars(select(Calendar).where(Calendar.id > after).order_by(Calendar.id).limit(limit)).all()


def get_calendar(session: Session, actor: Actor, calendar_id: int) -> Calendar:
    """Raises NotFound."""
    require(actor, Action.STAFF_VIEW)
    calendar = session.get(Calendar, calendar_id)
    if calendar is None:
        raise NotFound("there are no such business hours")
    return calendar


def streams_of(session: Session, actor: Actor, account: Account) -> Sequence[PollCursor]:
    """How far each stream of an account has been read."""
    require(actor, Action.ACCOUNT_VIEW, account)
    return session.scalars(
        select(PollCursor).where(PollCursor.account_id == account.id).order_by(PollCursor.stream)
    ).all()


def last_read(session: Session, account_ids: Sequence[int]) -> dict[int, datetime]:
    """When each account was last read."""
    rows = session.execute(
        select(PollCursor.account_id, func.max(PollCursor.polled_at))
        .where(PollCursor.account_id.in_(account_ids), PollCursor.polled_at.is_not(None))
        .group_by(PollCursor.account_id)
    )
    return {account_id: at for account_id, at in rows if at is not None}


def last_sent(session: Session, account_ids: Sequence[int]) -> dict[int, datetime]:
    """When a network last accepted something of each account."""
    rows = session.execute(
        select(Delivery.account_id, func.max(Delivery.accepted_at))
        .where(Delivery.account_id.in_(account_ids), Delivery.accepted_at.is_not(None))
        .group_by(Delivery.account_id)
    )
    return {account_id: at for account_id, at in rows if at is not None}


@dataclass(frozen=True)
class SignIn:
    """How long an account's sign-in holds. `expires_at` is the end of what is held now, which
    as a rule renews itself; `ends_at` when a person must have connected it anew, if ever, and
    `is_ending` whether that is near; `is_refused`: the network refused a renewal."""

    expires_at: datetime | None
    ends_at: datetime | None
    is_ending: bool
    is_refused: bool


def sign_ins(session: Session, account_ids: Sequence[int], now: datetime) -> dict[int, SignIn]:
    """Of the accounts that have secrets."""
    found = {}
    for row in session.scalars(select(Credential).where(Credential.account_id.in_(account_ids))):
        ends_at = sign_in_ends(
            row.expires_at, renews=row.renews, refresh_ends_at=row.refresh_ends_at, refused_at=row.refused_at
        )
        found[row.account_id] = SignIn(
            row.expires_at, ends_at, is_ending(ends_at, now), row.refused_at is not None
        )  # fmt: skip
    return found


def kept_at(session: Session, account_id: int) -> datetime | None:
    """Since when the account's secrets are those that they are: to be asked before a call whose
    failure is to be noted. None: there are none."""
    return session.scalar(select(Credential.refreshed_at).where(Credential.account_id == account_id))


def count_items(session: Session, actor: Actor, account: Account, state: str) -> int:
    """Raw items of an account in a state (waiting, dead)."""
    require(actor, Action.ACCOUNT_VIEW, account)
    counted = select(func.count()).where(RawItem.account_id == account.id, RawItem.state == state)
    return session.scalar(counted) or 0


def find_due_refreshes(session: Session, actor: Actor, now: datetime) -> Sequence[Credential]:
    """Credentials that end soon and that nobody is renewing. For the tending worker."""
    require(actor, Action.SYSTEM)
    found = session.scalars(
        select(Credential)
        .join(Account, Account.id == Credential.account_id)
        .where(Account.state == "connected", Credential.expires_at < now + REFRESH_AHEAD, Credential.renews)
        .where(Credential.refresh_claimed_until.is_(None) | (Credential.refresh_claimed_until < now))
        .order_by(Credential.expires_at)
    )
    return [one for one in found if needs_refresh(one.expires_at, one.refreshed_at, now)]
