"""Which waits a figure stands for, as a value that can be sent to a page and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.db import dialect
from guichet.errors import Invalid
from guichet.inbox.happened import EndKind
from guichet.models import Account, Brand, Promise, Wait
from guichet.policy import Action, Actor, visible_accounts
from guichet.promises.rules import KINDS

# Ends that are an answer, and ends (with "" for none yet) after which none is known.
ANSWERED = (EndKind.HUMAN_REPLY, EndKind.ANSWERED_ELSEWHERE)
CENSORED = ("", EndKind.CLOSED_UNANSWERED, EndKind.WITHDRAWN)

# What may have become of a promise.
PROMISES = ("kept", "broken", "running")


@dataclass(frozen=True)
class WaitFilter:
    """Empty means no restriction. `since` and `until` are days (both included) in the zone of
    each account's brand; `end_kinds` may hold "" for open waits; `answered_by` 0: nobody. `policy_id`,
    `promise_kind` and `promise` (one of PROMISES): what the wait was promised, and what became of it."""

    account_ids: tuple[int, ...] = ()
    brand_id: int | None = None
    network: str = ""
    since: date | None = None
    until: date | None = None
    end_kinds: tuple[str, ...] = ()
    answered_by: int | None = None
    is_first: bool | None = None
    policy_id: int | None = None
    promise_kind: str = ""
    promise: str = ""


def only_answered(scope: WaitFilter) -> WaitFilter:
    """Of the waits of `scope`, which names its ends, those that ended with an answer."""
    return replace(scope, end_kinds=tuple(k for k in scope.end_kinds if k in ANSWERED))


def only_unanswered(scope: WaitFilter) -> WaitFilter:
    """Of the waits of `scope`, which names its ends, those of which no answer is known."""
    return replace(scope, end_kinds=tuple(k for k in scope.end_kinds if k not in ANSWERED))


def zones_of(session: Session, actor: Actor, scope: WaitFilter) -> dict[int, ZoneInfo]:
    """The accounts that are both asked for and visible, each with its brand's zone."""
    wanted = select(Account.id, Brand.time_zone).join(Brand, Brand.id == Account.brand_id)
    allowed = visible_accounts(actor, Action.STATS_VIEW)
    if allowed is not None:
        wanted = wanted.where(Account.id.in_(sorted(allowed)))
    if scope.account_ids:
        wanted = wanted.where(Account.id.in_(scope.account_ids))
    if scope.brand_id is not None:
        wanted = wanted.where(Account.brand_id == scope.brand_id)
    if scope.network:
        wanted = wanted.where(Account.network == scope.network)
    return {account_id: ZoneInfo(zone) for account_id, zone in session.execute(wanted)}


def last_days(session: Session, actor: Actor, scope: WaitFilter, now: datetime, days: int = 7) -> tuple[date, date]:
    """The first and the last day of a scope; where it names none, so many, today included. Today is
    the latest that it is in a zone of the accounts: who has waited there since midnight belongs to it."""
    zones = set(zones_of(session, actor, scope).values())
    until = scope.until or max((now.astimezone(zone).date() for zone in zones), default=now.date())
    return scope.since or until - timedelta(days=days - 1), until


def matching(session: Session, actor: Actor, scope: WaitFilter) -> list[ColumnElement[bool]]:
    """The WHERE clauses for the waits of `scope` that the actor may see. Raises Invalid."""
    if not set(scope.end_kinds) <= {"", *EndKind}:
        raise Invalid("there is no such end", {"end_kind": say("must be one of {choices}", choices=", ".join(EndKind))})
    where = [_when(scope, zones_of(session, actor, scope))]
    if scope.end_kinds:
        kinds = [k for k in scope.end_kinds if k]
        still_open = Wait.ended_at.is_(None)
        where.append(or_(Wait.end_kind.in_(kinds), still_open) if "" in scope.end_kinds else Wait.end_kind.in_(kinds))
    if scope.answered_by is not None:
        where.append(Wait.answered_by == scope.answered_by if scope.answered_by else Wait.answered_by.is_(None))
    if scope.is_first is not None:
        where.append(Wait.is_first.is_(scope.is_first))
    if scope.policy_id is not None or scope.promise_kind or scope.promise:
        where.append(_promised(session, scope))
    return where


def became_of(session: Session) -> dict[str, ColumnElement[bool]]:
    """For each of PROMISES: whether a promise is that now, by the database's clock. What is open and
    past its deadline is broken; what did not count is none of them."""
    is_over = and_(Promise.due_at.is_not(None), Promise.due_at <= dialect.database_now(session))
    is_open = and_(Promise.ended_at.is_(None), Promise.policy_id.is_not(None))
    return {
        "kept": Promise.is_kept.is_(True),
        "broken": or_(Promise.is_kept.is_(False), and_(is_open, is_over)),
        "running": and_(is_open, not_(is_over)),
    }


def _promised(session: Session, scope: WaitFilter) -> ColumnElement[bool]:
    if scope.promise not in ("", *PROMISES) or scope.promise_kind not in ("", *KINDS):
        raise Invalid(
            "there is no such promise", {"promise": say("must be one of {choices}", choices=", ".join(PROMISES))}
        )
    which = [Promise.wait_id == Wait.id]
    if scope.policy_id is not None:
        which.append(Promise.policy_id == scope.policy_id)
    if scope.promise_kind:
        which.append(Promise.kind == scope.promise_kind)
    fates = became_of(session)
    which.append(fates[scope.promise] if scope.promise else or_(*fates.values()))
    return exists().where(*which)


def _when(scope: WaitFilter, zones: Mapping[int, ZoneInfo]) -> ColumnElement[bool]:
    """Accounts and days: one range of UTC for each zone."""
    by_zone: dict[ZoneInfo, list[int]] = {}
    for account_id, zone in zones.items():
        by_zone.setdefault(zone, []).append(account_id)
    legs = []
    for zone, ids in by_zone.items():
        leg: list[ColumnElement[bool]] = [Wait.account_id.in_(sorted(ids))]
        if scope.since is not None:
            leg.append(Wait.started_at >= _midnight(scope.since, zone))
        if scope.until is not None:
            leg.append(Wait.started_at < _midnight(scope.until + timedelta(days=1), zone))
        legs.append(and_(*leg))
    return or_(*legs) if legs else false()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """When the day begins there; where midnight does not exist, the first moment after it."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
