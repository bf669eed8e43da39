"""Custom fields of conversations and customers: which there are, and what stands in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from guichet.accounts import queries as accounts
from guichet.errors import Invalid
from guichet.inbox import field_values, fields, knowing, thread
from guichet.inbox import operations as inbox
from guichet.inbox.field_rules import Definition
from guichet.models import CustomField as FieldRow
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import IdPath, Page, PageQuery
from webapp.api.schemas.fields import (
    CustomField,
    CustomFieldChange,
    CustomFieldNew,
    FieldChoice,
    FieldValues,
    FilledField,
    FilledFields,
)
from webapp.asking import Asked, Room

room = Room("fields")


@room.get("/fields", Page[CustomField])
def list_fields(asked: Asked, query: PageQuery) -> Page[CustomField]:
    """Those of all brands and of the brands that one sees, archived ones too."""
    rows = fields.list_fields(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    return page_by_id(rows, query.limit, lambda row: _show(asked, row))


@room.post("/fields", CustomField, scope="manage", status=201)
def add_field(asked: Asked, body: CustomFieldNew) -> CustomField:
    """A new field. For who looks after labels, and, of a brand, who manages an account of it."""
    if body.brand_id is not None:
        accounts.get_brand(asked.session, asked.actor, body.brand_id)
    wanted = Definition(
        key=body.key, kind=body.kind, subject=body.subject, brand_id=body.brand_id, mask=body.mask,
        least=_number(body.least), most=_number(body.most), choices=_choices(body.choices),
        is_required=body.required,
    )  # fmt: skip
    return _show(asked, fields.create_field(asked.session, asked.actor, wanted, name=body.name, now=asked.now))


@room.patch("/fields/<int:id>", CustomField, scope="manage")
def change_field(asked: Asked, path: IdPath, body: CustomFieldChange) -> CustomField:
    """Rename it, let it take other values, archive it or offer it again, move it. Values stay."""
    row = fields.get_field(asked.session, asked.actor, path.id)
    given = body.model_dump(exclude_none=True, exclude={"name", "place", "choices", "least", "most"})
    here = fields.definition_of(row)
    wanted = replace(
        here,
        mask=given.get("mask", here.mask),
        least=here.least if body.least is None else _number(body.least),
        most=here.most if body.most is None else _number(body.most),
        choices=here.choices if body.choices is None else _choices(body.choices),
        is_required=given.get("required", here.is_required),
        is_retired=given.get("archived", here.is_retired),
    )
    if body.model_fields_set - {"place"} or body.place is None:
        fields.change_field(asked.session, asked.actor, row, wanted, name=body.name or row.name, now=asked.now)
    if body.place is not None:
        fields.place_field(asked.session, asked.actor, row, body.place, asked.now)
    return _show(asked, row)


@room.put("/conversations/<int:id>/fields", FilledFields, scope="answer")
def fill_in_conversation(asked: Asked, path: IdPath, body: FieldValues) -> FilledFields:
    """Fill in fields of a conversation, all that are named or none."""
    found = thread.get_conversation(asked.session, asked.actor, path.id)
    inbox.fill_in(asked.session, asked.actor, found, values=body.values, now=asked.now)
    return FilledFields(fields=show_filled(field_values.read_fields(asked.session, asked.actor, found)))


@room.put("/customers/<int:id>/fields", FilledFields, scope="answer")
def fill_in_customer(asked: Asked, path: IdPath, body: FieldValues) -> FilledFields:
    """Fill in fields of a customer, all that are named or none."""
    found = knowing.get_home(asked.session, asked.actor, path.id)
    inbox.fill_in_customer(asked.session, asked.actor, found, values=body.values, now=asked.now)
    return FilledFields(fields=show_filled(field_values.read_customer_fields(asked.session, asked.actor, found)))


def show_filled(rows: Sequence[field_values.Filled]) -> list[FilledField]:
    return [FilledField(**_shape(one.field), value=one.value) for one in rows]


def _shape(row: FieldRow) -> dict[str, Any]:
    named = {name: getattr(row, name) for name in ("id", "subject", "key", "name", "kind", "mask", "least", "most")}
    return {**named, "choices": [{"key": k, "name": n} for k, n in row.choices], "required": row.is_required}


def _show(asked: Asked, row: FieldRow) -> CustomField:
    return CustomField(
        **_shape(row), brand_id=row.brand_id, archived=row.archived_at is not None, place=row.position,
        may_change=fields.may_manage(asked.session, asked.actor, row),
    )  # fmt: skip


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _choices(given: Sequence[FieldChoice]) -> dict[str, str] | None:
    named = {one.key: one.name for one in given}
    if len(named) < len(given):
        raise Invalid("this field cannot be kept so", {"choices": "name a key twice"})
    return named or None
