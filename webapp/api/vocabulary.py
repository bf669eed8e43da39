"""Labels: the shared vocabulary."""

from __future__ import annotations

from sqlalchemy import select

from guichet.errors import NotFound
from guichet.inbox import operations as inbox
from guichet.models import Label as LabelRow
from guichet.policy import Action, require
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.inbox import Label, LabelChange, LabelNew
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
