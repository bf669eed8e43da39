"""Importing custom fields, by what they are of and their key."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal, InvalidOperation

from sqlalchemy import select

from channels.sentences import say
from guichet.configuration.document import Document, FieldPart
from guichet.configuration.steps import Import
from guichet.errors import Invalid
from guichet.inbox import fields
from guichet.inbox.field_rules import Definition
from guichet.models import CustomField

_FIXED = ("kind", "brand_id")


def import_fields(at: Import, document: Document) -> None:
    """What the document does not name stays, after what it names. Kind and brand of what is here stay."""
    here = {(x.subject, x.key): x for x in at.session.scalars(select(CustomField))}
    places: dict[tuple[str, int | None], int] = defaultdict(int)
    for n, part in enumerate(document.fields):
        with at.part(f"fields.{n}"):
            row = here.get((part.subject, part.key))
            wanted = _definition(part, at.id_of("brand", part.brand, "brand"))
            name = " ".join(part.name.split())
            changes = at.differing("field", name, _told(row), _values(name, wanted))
            if row is None:
                row = fields.create_field(at.session, at.actor, wanted, name=name, now=at.now)
            elif moved := [x for x in _FIXED if x in changes]:
                raise Invalid("this field cannot be kept so", {moved[0].removesuffix("_id"): "cannot be changed"})
            if changes or (wanted.is_retired and row.archived_at is None):
                fields.change_field(at.session, at.actor, row, wanted, name=name, now=at.now)
            if not wanted.is_retired:
                places[row.subject, row.brand_id] += 1
                if row.position != places[row.subject, row.brand_id]:
                    fields.place_field(at.session, at.actor, row, places[row.subject, row.brand_id], at.now)


def _values(name: str, of: Definition) -> dict[str, object]:
    choices = [[key, said] for key, said in (of.choices or {}).items()]
    return {
        "name": name, "kind": of.kind, "brand_id": of.brand_id, "mask": of.mask, "least": of.least, "most": of.most,
        "choices": choices, "is_required": of.is_required, "archived": of.is_retired,
    }  # fmt: skip


def _told(row: CustomField | None) -> dict[str, object] | None:
    return None if row is None else _values(row.name, fields.definition_of(row))


def _definition(part: FieldPart, brand_id: int | None) -> Definition:
    return Definition(
        key=part.key, kind=part.kind, subject=part.subject, brand_id=brand_id, mask=part.mask,
        least=_number("least", part.least), most=_number("most", part.most),
        choices={one.key: " ".join(one.name.split()) for one in part.choices} or None,
        is_retired=part.archived, is_required=part.is_required,
    )  # fmt: skip


def _number(name: str, text: str) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation as e:
        raise Invalid("this field cannot be kept so", {name: say("must be a number")}) from e
