"""How long customers wait. Every figure says which waits it stands for: its `waits` given
to `list_waits` opens exactly those.

All figures come from waits (DESIGN of the inbox: guichet/inbox/waits.py). Who still waits,
gave up or was closed unanswered counts as censored, so that a backlog never flatters. A wait
belongs to the day it started, in its brand's time zone. Days are limited to a year at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox import cursors, personal
from guichet.inbox.cursors import Cursor
from guichet.models import Account, Conversation, Identity, Staff, Wait
from guichet.policy import Actor
from guichet.stats import km
from guichet.stats.scope import ANSWERED, CENSORED, WaitFilter, matching, zones_of

LONGEST = timedelta(days=366)
BY = ("day", "account", "agent", "total")


@dataclass(frozen=True)
class Quantile:
    """Seconds; `is_more_than`: the true figure lies beyond what is known. None: no data."""

    seconds: float | None
    is_more_than: bool = False


@dataclass(frozen=True)
class Responses:
    """First responses of one day, account, agent, or in total. `key` is an ISO date or an id
    as text ("" for nobody, or the total); `started` counts the waits, `answered` those of them
    that were, `censored` those that still wait, gave up or were closed unanswered."""

    key: str
    label: str
    started: int
    answered: int
    censored: int
    p50: Quantile
    p90: Quantile
    waits: WaitFilter


@dataclass(frozen=True)
class Waiting:
    """Who waits at `as_of`: how many, since when the oldest, and on which account how many."""

    as_of: datetime
    count: int
    oldest_started_at: datetime | None
    oldest_conversation_id: int | None
    by_account: Mapping[int, int]
    waits: WaitFilter


@dataclass(frozen=True)
class EndCount:
    """How many waits ended so ("" still open)."""

    end_kind: str
    count: int
    waits: WaitFilter


@dataclass(frozen=True)
class WaitRow:
    """One wait as the page behind a figure shows it. `seconds` is how long, so far or in all."""

    id: int
    conversation_id: int
    account_id: int
    customer_name: str
    preview: str
    cycle: int
    is_first: bool
    started_at: datetime
    received_at: datetime
    ended_at: datetime | None
    end_kind: str
    answered_by: int | None
    answered_by_name: str
    first_touch_at: datetime | None
    seconds: float


@dataclass(frozen=True)
class WaitPage:
    items: Sequence[WaitRow] = field(default_factory=list)
    next_cursor: str = ""


def waiting_now(session: Session, actor: Actor, scope: WaitFilter, now: datetime) -> Waiting:
    """Everybody who waits, whenever it began (the scope's days do not count here)."""
    open_ = replace(scope, since=None, until=None, end_kinds=("",), is_first=None)
    where = matching(session, actor, open_)
    counted = session.execute(
        select(Wait.account_id, func.count(), func.min(Wait.started_at)).where(*where).group_by(Wait.account_id)
    ).all()
    oldest = session.execute(
        select(Wait.started_at, Wait.conversation_id).where(*where).order_by(Wait.started_at, Wait.id).limit(1)
    ).first()
    return Waiting(
        as_of=now,
        count=sum(n for _, n, _ in counted),
        oldest_started_at=oldest[0] if oldest else None,
        oldest_conversation_id=oldest[1] if oldest else None,
        by_account={account_id: n for account_id, n, _ in counted},
        waits=open_,
    )


def first_responses(
    session: Session, actor: Actor, scope: WaitFilter, *, by: str = "day", now: datetime
) -> list[Responses]:
    """p50 and p90 of the first response of each cycle, by "day", "account", "agent" or "total".

    Customers' time by day, account and in total (the network's clock); agents' time by agent
    (from when we had it). An agent's row has what they answered; the row "" what nobody has.
    Raises Invalid (fields by, since, until).
    """
    if by not in BY:
        raise Invalid("there is no such grouping", {"by": say("must be one of {choices}", choices=", ".join(BY))})
    scope = replace(bounded(scope), is_first=True, end_kinds=scope.end_kinds or (*ANSWERED, *CENSORED))
    accounts = zones_of(session, actor, scope)
    groups: dict[str, list[km.Spell]] = {}
    columns = (Wait.account_id, Wait.started_at, Wait.received_at, Wait.ended_at, Wait.end_kind, Wait.answered_by)
    for row in session.execute(select(*columns).where(*matching(session, actor, scope))):
        begun = row.received_at if by == "agent" else row.started_at
        seconds = max(0.0, ((row.ended_at or now) - begun).total_seconds())
        spell = km.Spell(seconds, ended=(row.end_kind or "") in ANSWERED)
        groups.setdefault(_key(by, row, accounts), []).append(spell)
    if by == "total":
        groups.setdefault("", [])
    labels = _labels(session, by, groups)
    return [_responses(key, labels.get(key, key), groups[key], scope, by) for key in sorted(groups, key=_in_order)]


def end_kinds(session: Session, actor: Actor, scope: WaitFilter, now: datetime) -> list[EndCount]:
    """How the waits that started in these days ended, the open ones as ""."""
    scope = bounded(scope)
    rows = session.execute(
        select(Wait.end_kind, func.count()).where(*matching(session, actor, scope)).group_by(Wait.end_kind)
    )
    found = sorted(((kind or "", n) for kind, n in rows), key=lambda x: (-x[1], x[0]))
    return [EndCount(kind, n, replace(scope, end_kinds=(kind,))) for kind, n in found]


def list_waits(
    session: Session, actor: Actor, scope: WaitFilter, *, after: str = "", limit: int = 50, now: datetime
) -> WaitPage:
    """The waits behind a figure, those that started last first. Raises Invalid for a bad cursor."""
    limit = max(1, min(limit, 200))
    wanted = (
        select(
            Wait,
            Conversation.preview,
            Conversation.surface,
            Identity.name.label("customer_name"),
            Identity.handle,
            Staff.name.label("staff_name"),
        )
        .join(Conversation, Conversation.id == Wait.conversation_id)
        .join(Identity, Identity.id == Conversation.identity_id)
        .outerjoin(Staff, Staff.id == Wait.answered_by)
        .where(*matching(session, actor, scope))
    )
    if after:
        edge = cursors.read(after, "waits")
        wanted = wanted.where(
            (Wait.started_at < edge.at) | ((Wait.started_at == edge.at) & (Wait.id < edge.id))
        )  # fmt: skip
    found = session.execute(wanted.order_by(Wait.started_at.desc(), Wait.id.desc()).limit(limit + 1)).all()
    page = found[:limit]
    last = page[-1].Wait if page else None
    return WaitPage(
        [_wait_row(row, now) for row in page],
        cursors.write(Cursor("waits", last.started_at, last.id)) if last and len(found) > limit else "",
    )


def bounded(scope: WaitFilter) -> WaitFilter:
    """Raises Invalid unless the scope names its days, in order, a year at most."""
    if scope.since is None or scope.until is None:
        raise Invalid("say which days", {"since": "is needed", "until": "is needed"})
    if not timedelta(0) <= scope.until - scope.since <= LONGEST:
        raise Invalid("these days make no sense", {"until": "must be at or after since, within a year"})
    return scope


def _key(by: str, row: Any, zones: Mapping[int, ZoneInfo]) -> str:
    if by == "day":
        return str(row.started_at.astimezone(zones[row.account_id]).date())
    if by == "account":
        return str(row.account_id)
    if by == "agent":
        return str(row.answered_by or "")
    return ""


def _responses(key: str, label: str, spells: Sequence[km.Spell], scope: WaitFilter, by: str) -> Responses:
    answered = sum(s.ended for s in spells)
    p50, p90 = (Quantile(*km.quantile(spells, q)) for q in (0.5, 0.9))
    waits = scope
    if by == "day":
        waits = replace(scope, since=date.fromisoformat(key), until=date.fromisoformat(key))
    elif by == "account":
        waits = replace(scope, account_ids=(int(key),))
    elif by == "agent":
        waits = replace(scope, answered_by=int(key or 0))
    return Responses(key, label, len(spells), answered, len(spells) - answered, p50, p90, waits)


def _labels(session: Session, by: str, keys: Iterable[str]) -> dict[str, str]:
    models: dict[str, type[Account] | type[Staff]] = {"account": Account, "agent": Staff}
    model = models.get(by)
    if model is None:
        return {}
    ids = [int(k) for k in keys if k.isdecimal()]
    return {str(i): name for i, name in session.execute(select(model.id, model.name).where(model.id.in_(ids)))}


def _in_order(key: str) -> tuple[int, str]:
    return (len(key), key) if key.isdecimal() else (0, key)


def _wait_row(row: Any, now: datetime) -> WaitRow:
    wait: Wait = row.Wait
    return WaitRow(
        id=wait.id,
        conversation_id=wait.conversation_id,
        account_id=wait.account_id,
        customer_name=row.customer_name or row.handle,
        preview=personal.cover(row.preview) if row.surface == "public" else row.preview,
        cycle=wait.cycle,
        is_first=wait.is_first,
        started_at=wait.started_at,
        received_at=wait.received_at,
        ended_at=wait.ended_at,
        end_kind=wait.end_kind or "",
        answered_by=wait.answered_by,
        answered_by_name=row.staff_name or "",
        first_touch_at=wait.first_touch_at,
        seconds=max(0.0, ((wait.ended_at or now) - wait.started_at).total_seconds()),
    )
