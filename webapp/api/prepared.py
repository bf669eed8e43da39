"""Canned replies: what is prepared to be answered."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from guichet.models import Brand
from guichet.models import CannedReply as CannedRow
from guichet.triage import prepared, texts
from webapp.api.briefs import Names
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.prepared import CannedChange, CannedNew, CannedReply
from webapp.asking import Asked, Room

room = Room("prepared")
_MAY_BE_NULL = frozenset({"valid_from", "valid_until"})


@room.get("/canned-replies", Page[CannedReply])
def list_canned_replies(asked: Asked, query: PageQuery) -> Page[CannedReply]:
    """Prepared texts of the brands one sees, those that do not hold today among them."""
    rows = prepared.list_canned(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    names = Names(asked.session).load(brands=[r.brand_id for r in rows])
    return page_by_id(rows, query.limit, lambda row: _show(asked, row, names))


@room.post("/canned-replies", CannedReply, scope="manage", status=201)
def add_canned_reply(asked: Asked, body: CannedNew) -> CannedReply:
    """Prepare a text. Variables: {customer.name}, {customer.first_name}, {customer.handle},
    {agent.name}, {agent.first_name}, {agent.initials}, {account.name}, {account.handle},
    {brand.name}, {network}, {conversation.number}, {conversation.subject}; what stands in their
    place where they are empty: {customer.first_name|there}."""
    given = body.model_dump(exclude={"name"})
    row = prepared.add_canned(asked.session, asked.actor, title=body.name, **given, now=asked.now)
    return _show(asked, row, Names(asked.session))


@room.patch("/canned-replies/<int:id>", CannedReply, scope="manage")
def change_canned_reply(asked: Asked, path: IdPath, body: CannedChange) -> CannedReply:
    """Change a prepared text: what is not named stays."""
    given = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in given.items() if value is not None or name in _MAY_BE_NULL}
    if "name" in changes:
        changes["title"] = changes.pop("name")
    row = prepared.get_canned(asked.session, asked.actor, path.id)
    prepared.change_canned(asked.session, asked.actor, row, changes, asked.now)
    return _show(asked, row, Names(asked.session))


@room.delete("/canned-replies/<int:id>", Done, scope="manage")
def remove_canned_reply(asked: Asked, path: IdPath) -> Done:
    """Take it away."""
    row = prepared.get_canned(asked.session, asked.actor, path.id)
    prepared.remove_canned(asked.session, asked.actor, row, asked.now)
    return Done()


def _show(asked: Asked, row: CannedRow, names: Names) -> CannedReply:
    return CannedReply(
        id=row.id,
        name=row.title,
        shortcut=row.shortcut,
        text=row.text,
        language=row.language or None,
        brand=names.brand(row.brand_id),
        folder=row.folder,
        translations=row.translations,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        standing=texts.standing(row.valid_from, row.valid_until, _today(asked, row)),
    )


def _today(asked: Asked, row: CannedRow) -> date:
    brand = asked.session.get(Brand, row.brand_id) if row.brand_id else None
    return asked.now.astimezone(ZoneInfo(brand.time_zone if brand else "UTC")).date()
