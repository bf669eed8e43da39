"""Labels and canned replies: the shared vocabulary."""

from __future__ import annotations

from sqlalchemy import select

from guichet.errors import NotFound
from guichet.inbox import operations as inbox
from guichet.models import CannedReply as CannedRow
from guichet.models import Label as LabelRow
from guichet.policy import Action, require
from guichet.triage import prepared
from webapp.api.briefs import Names
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.inbox import Label, LabelChange, LabelNew
from webapp.api.schemas.prepared import CannedChange, CannedNew, CannedReply
from webapp.asking import Asked, Room

room = Room("vocabulary")


@room.get("/labels", Page[Label])
def list_labels(asked: Asked, query: PageQuery) -> Page[Label]:
    """Every label."""
    require(asked.actor, Action.STAFF_VIEW)
    wanted = select(LabelRow).where(LabelRow.id > after(query.cursor)).order_by(LabelRow.id).limit(query.limit + 1)
    return page_by_id(asked.session.scalars(wanted).all(), query.limit, _label)


@room.post("/labels", Label, scope="manage", status=201)
def add_label(asked: Asked, body: LabelNew) -> Label:
    """A new label."""
    return _label(inbox.create_label(asked.session, asked.actor, name=body.name, colour=body.colour, now=asked.now))


@room.patch("/labels/<int:id>", Label, scope="manage")
def change_label(asked: Asked, path: IdPath, body: LabelChange) -> Label:
    """Rename or recolour it."""
    row = _get_label(asked, path.id)
    name, colour = body.name or row.name, body.colour or row.colour
    return _label(inbox.change_label(asked.session, asked.actor, row, name=name, colour=colour, now=asked.now))


@room.delete("/labels/<int:id>", Done, scope="manage")
def remove_label(asked: Asked, path: IdPath) -> Done:
    """Take it off everything."""
    inbox.delete_label(asked.session, asked.actor, _get_label(asked, path.id), asked.now)
    return Done()


def _get_label(asked: Asked, label_id: int) -> LabelRow:
    row = asked.session.get(LabelRow, label_id)
    if row is None:
        raise NotFound("there is no such label")
    return row


def _label(row: LabelRow) -> Label:
    return Label(id=row.id, name=row.name, colour=row.colour)


@room.get("/canned-replies", Page[CannedReply])
def list_canned_replies(asked: Asked, query: PageQuery) -> Page[CannedReply]:
    """Prepared texts of the brands one sees."""
    rows = prepared.list_canned(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    names = Names(asked.session).load(brands=[r.brand_id for r in rows])
    return page_by_id(rows, query.limit, lambda row: _canned(row, names))


@room.post("/canned-replies", CannedReply, scope="manage", status=201)
def add_canned_reply(asked: Asked, body: CannedNew) -> CannedReply:
    """Prepare a text. Variables: {customer.name}, {agent.name}, {account.name}."""
    row = prepared.add_canned(
        asked.session, asked.actor, title=body.name, text=body.text, shortcut=body.shortcut, language=body.language,
        brand_id=body.brand_id, now=asked.now,
    )  # fmt: skip
    return _canned(row, Names(asked.session))


@room.patch("/canned-replies/<int:id>", CannedReply, scope="manage")
def change_canned_reply(asked: Asked, path: IdPath, body: CannedChange) -> CannedReply:
    """Change a prepared text."""
    changes = body.model_dump(exclude_none=True)
    if "name" in changes:
        changes["title"] = changes.pop("name")
    row = prepared.get_canned(asked.session, asked.actor, path.id)
    return _canned(prepared.change_canned(asked.session, asked.actor, row, changes, asked.now), Names(asked.session))


@room.delete("/canned-replies/<int:id>", Done, scope="manage")
def remove_canned_reply(asked: Asked, path: IdPath) -> Done:
    """Take it away."""
    row = prepared.get_canned(asked.session, asked.actor, path.id)
    prepared.remove_canned(asked.session, asked.actor, row, asked.now)
    return Done()


def _canned(row: CannedRow, names: Names) -> CannedReply:
    return CannedReply(
        id=row.id,
        name=row.title,
        shortcut=row.shortcut,
        text=row.text,
        language=row.language or None,
        brand=names.brand(row.brand_id),
    )
