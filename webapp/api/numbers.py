"""Figures. Each comes with the scope that opens the waits behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from guichet.stats import promises, publishing, queries
from guichet.stats.queries import Responses as Figures
from guichet.stats.scope import PROMISES, WaitFilter, last_days, only_answered, only_unanswered
from webapp.api.around import customers_of
from webapp.api.briefs import Names
from webapp.api.schemas.common import Page
from webapp.api.schemas.inbox import CustomerBrief
from webapp.api.schemas.numbers import (
    EndCount,
    KeptPromises,
    KeptQuery,
    KeptRow,
    Percentile,
    PublishedRow,
    Publishing,
    PublishingQuery,
    ResponseRow,
    Responses,
    ResponsesQuery,
    Wait,
    WaitConversation,
    WaitingAccount,
    WaitScope,
    WaitsNow,
    WaitsNowQuery,
    WaitsQuery,
)
from webapp.asking import Asked, Room

room = Room("numbers")
_WEEK = timedelta(days=7)


@room.get("/stats/waiting", WaitsNow)
def get_waiting(asked: Asked, query: WaitsNowQuery) -> WaitsNow:
    """Who waits now, and since when the oldest."""
    found = queries.waiting_now(asked.session, asked.actor, _scope(query), asked.now)
    names = Names(asked.session).load(accounts=found.by_account)
    return WaitsNow(
        as_of=found.as_of,
        waiting=found.count,
        oldest_since=found.oldest_started_at,
        oldest_conversation_id=found.oldest_conversation_id,
        by_account=[WaitingAccount(account=names.account(a), waiting=n) for a, n in sorted(found.by_account.items())],
        waits=_show_scope(found.waits),
    )


@room.get("/stats/waits", Page[Wait])
def list_waits(asked: Asked, query: WaitsQuery) -> Page[Wait]:
    """The waits behind a figure, latest first."""
    kinds = tuple("" if kind == "open" else kind for kind in query.end_kind or ())
    scope = replace(
        _scope(query), since=query.since, until=query.until, end_kinds=kinds, answered_by=query.answered_by,
        is_first=query.first_only or None, policy_id=query.policy_id, promise_kind=query.promise_kind or "",
        promise=query.promise or "",
    )  # fmt: skip
    page = queries.list_waits(
        asked.session, asked.actor, scope, after=query.cursor or "", limit=query.limit, now=asked.now
    )
    names = Names(asked.session).load(
        accounts=[r.account_id for r in page.items], people=[r.answered_by for r in page.items]
    )
    people = customers_of(asked.session, [r.conversation_id for r in page.items])
    items = [_wait(row, names, people[row.conversation_id]) for row in page.items]
    return Page(items=items, next_cursor=page.next_cursor or None)


def _wait(row: queries.WaitRow, names: Names, customer: CustomerBrief) -> Wait:
    return Wait(
        id=row.id,
        conversation=WaitConversation(
            id=row.conversation_id, customer=customer, account=names.account(row.account_id), preview=row.preview
        ),
        started_at=row.started_at,
        received_at=row.received_at,
        ended_at=row.ended_at,
        end_kind=row.end_kind or None,
        answered_by=names.person(row.answered_by),
        first_touch_at=row.first_touch_at,
        is_first=row.is_first,
        seconds=row.seconds,
    )


@room.get("/stats/responses", Responses)
def get_responses(asked: Asked, query: ResponsesQuery) -> Responses:
    """How long customers waited for the first response: median and 90th percentile."""
    session, actor, now = asked.session, asked.actor, asked.now
    scope, since, until = _period(asked, query)
    days = until - since + timedelta(days=1)
    before = replace(scope, since=since - days, until=until - days)
    return Responses(
        as_of=now,
        by=query.by,
        since=since,
        until=until,
        total=_row(queries.first_responses(session, actor, scope, by="total", now=now)[0]),
        previous=_row(queries.first_responses(session, actor, before, by="total", now=now)[0]),
        rows=[_row(r) for r in queries.first_responses(session, actor, scope, by=query.by, now=now)],
        ends=[
            EndCount(end_kind=e.end_kind or "open", count=e.count, waits=_show_scope(e.waits))
            for e in queries.end_kinds(session, actor, scope, now)
        ],
    )


@room.get("/stats/promises", KeptPromises)
def get_promises(asked: Asked, query: KeptQuery) -> KeptPromises:
    """How many promises were kept and broken, by brand and policy."""
    scope, since, until = _period(asked, query)
    rows = promises.kept_promises(asked.session, asked.actor, scope)
    return KeptPromises(as_of=asked.now, since=since, until=until, rows=[_kept(row) for row in rows])


def _kept(row: promises.Kept) -> KeptRow:
    kept, broken, running = (_show_scope(row.waits_that(name)) for name in PROMISES)
    return KeptRow(
        brand_id=row.brand_id, brand=row.brand, policy_id=row.policy_id, policy=row.policy, kind=row.kind,
        kept=row.kept, broken=row.broken, running=row.running,
        kept_waits=kept, broken_waits=broken, running_waits=running,
    )  # fmt: skip


@room.get("/stats/publishing", Publishing)
def get_publishing(asked: Asked, query: PublishingQuery) -> Publishing:
    """What went out by account, and how late."""
    until = query.until or asked.now
    since = query.since or until - _WEEK
    rows = publishing.published(
        asked.session, asked.actor, since=since, until=until, account_ids=tuple(query.account_id or ())
    )
    names = Names(asked.session).load(accounts=[r.account_id for r in rows])
    shown = [_published(str(r.account_id), names.account(r.account_id or 0).name, r) for r in rows]
    total = _published("", "", publishing.total_of(rows))
    return Publishing(as_of=asked.now, since=since, until=until, total=total, rows=shown)


def _published(key: str, name: str, row: publishing.Published) -> PublishedRow:
    return PublishedRow(
        key=key, name=name, published=row.published, failed=row.failed, needs_human=row.needs_human,
        late_p50_ms=row.late_p50_ms, late_max_ms=row.late_max_ms,
    )  # fmt: skip


def _scope(query: WaitsNowQuery | WaitsQuery | ResponsesQuery | KeptQuery) -> WaitFilter:
    return WaitFilter(account_ids=tuple(query.account_id or ()), brand_id=query.brand_id, network=query.network or "")


def _period(asked: Asked, query: ResponsesQuery | KeptQuery) -> tuple[WaitFilter, date, date]:
    scope = replace(_scope(query), since=query.since, until=query.until)
    since, until = last_days(asked.session, asked.actor, scope, asked.now)
    return replace(scope, since=since, until=until), since, until


def _show_scope(scope: WaitFilter) -> WaitScope:
    return WaitScope(
        account_id=list(scope.account_ids),
        brand_id=scope.brand_id,
        network=scope.network or None,
        since=scope.since,
        until=scope.until,
        end_kind=[kind or "open" for kind in scope.end_kinds],
        answered_by=scope.answered_by,
        first_only=scope.is_first,
        policy_id=scope.policy_id,
        promise_kind=scope.promise_kind or None,
        promise=scope.promise or None,
    )


def _row(figures: Figures) -> ResponseRow:
    return ResponseRow(
        key=figures.key,
        name=figures.label,
        started=figures.started,
        answered=figures.answered,
        censored=figures.censored,
        p50=Percentile(seconds=figures.p50.seconds, more_than=figures.p50.is_more_than),
        p90=Percentile(seconds=figures.p90.seconds, more_than=figures.p90.is_more_than),
        waits=_show_scope(figures.waits),
        answered_waits=_show_scope(only_answered(figures.waits)),
        censored_waits=_show_scope(only_unanswered(figures.waits)),
    )
