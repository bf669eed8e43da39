"""The audit log and dead letters: what happened, and what we could not understand."""

from __future__ import annotations

from sqlalchemy import select

from guichet import jobs
from guichet.errors import NotFound
from guichet.models import AuditEntry as AuditRow
from guichet.models import RawItem
from guichet.policy import Action, require
from guichet.receiving import ingest
from webapp.api.briefs import Names
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import IdPath, Page
from webapp.api.schemas.system import AuditEntry, AuditQuery, DeadLetter
from webapp.asking import Asked, Room

room = Room("system")
_SHOWN = 4000  # characters of an original


@room.get("/audit", Page[AuditEntry], scope="manage")
def list_audit(asked: Asked, query: AuditQuery) -> Page[AuditEntry]:
    """Who did what, newest first."""
    require(asked.actor, Action.AUDIT_VIEW)
    wanted = select(AuditRow)
    start = after(query.cursor)
    for given, clause in (
        (start, AuditRow.id < start),
        (query.action, AuditRow.action == query.action),
        (query.staff_id, AuditRow.actor_id == query.staff_id),
        (query.since, AuditRow.at >= query.since if query.since else None),
        (query.until, AuditRow.at < query.until if query.until else None),
    ):
        if given and clause is not None:
            wanted = wanted.where(clause)
    rows = asked.session.scalars(wanted.order_by(AuditRow.id.desc()).limit(query.limit + 1)).all()
    names = Names(asked.session).load(people=[r.actor_id for r in rows])
    return page_by_id(rows, query.limit, lambda row: _entry(row, names))


def _entry(row: AuditRow, names: Names) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=row.at,
        actor_kind=row.actor_kind,
        actor=names.person(row.actor_id),
        action=row.action,
        target_kind=row.target_kind,
        target_id=row.target_id,
        data=row.data,
        ip=row.ip,
    )


@room.get("/dead-letters", Page[DeadLetter])
def list_dead_letters(asked: Asked) -> Page[DeadLetter]:
    """What networks handed over and five tries did not understand, on accounts one manages;
    the newest hundred."""
    rows = ingest.list_dead_letters(asked.session, asked.actor)
    names = Names(asked.session).load(accounts=[r.account_id for r in rows])
    return Page(items=[_letter(row, names) for row in rows])


@room.post("/dead-letters/<int:id>/replay", DeadLetter, scope="manage")
def replay_dead_letter(asked: Asked, path: IdPath) -> DeadLetter:
    """Try once more to understand it."""
    row = asked.session.get(RawItem, path.id)
    if row is None:
        raise NotFound("there is no such dead letter, or it is not yours to see")
    ingest.replay_dead_letter(asked.session, asked.actor, row, asked.now)
    asked.unit.enqueue(jobs.DIGEST)
    return _letter(row, Names(asked.session))


def _letter(row: RawItem, names: Names) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        account=names.account(row.account_id),
        stream=row.stream,
        received_at=row.received_at,
        tries=row.tries,
        last_error=row.last_error,
        size=len(row.body),
        original=row.body[:_SHOWN].decode("utf-8", "replace").replace("\0", "\ufffd"),
    )
