"""Custom fields: which there are of conversations and of customers, of one brand or of all.

Who makes a brand's labels makes its fields. What a field is of, its key and its kind stay as they
are made: values were given for them. A field that is no longer wanted is archived: it is offered and
asked for no more, and its values stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.accounts.queries import brands_seen, in_brands_seen, may_sort, sees_every_brand
from guichet.errors import Conflict, Invalid, NotFound
from guichet.inbox.field_rules import Definition, problems
from guichet.models import CustomField, FieldValue
from guichet.policy import Action, Actor, require

MOST_FIELDS = 100  # not archived, of conversations and as many of customers


def list_fields(session: Session, actor: Actor, *, after: int = 0, limit: int = 200) -> Sequence[CustomField]:
    """Those of all brands and of the brands that the actor sees, archived ones too, by id."""
    require(actor, Action.STAFF_VIEW)
    seen = CustomField.brand_id.is_(None) | in_brands_seen(session, actor, CustomField.brand_id)
    wanted = select(CustomField).where(CustomField.id > after, seen).order_by(CustomField.id).limit(limit)
    return session.scalars(wanted).all()


def get_field(session: Session, actor: Actor, field_id: int) -> CustomField:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    require(actor, Action.STAFF_VIEW)
    row = session.get(CustomField, field_id)
    is_hidden = row is not None and row.brand_id is not None and not sees_every_brand(actor)
    if row is None or (is_hidden and row.brand_id not in brands_seen(session, actor)):
        raise NotFound("there is no such field, or it is not yours to see")
    return row


def create_field(session: Session, actor: Actor, wanted: Definition, *, name: str, now: datetime) -> CustomField:
    """A new field, after the others. Raises Invalid (fields name, key, kind, …), Conflict `exists`."""
    _require_managing(session, actor, wanted.brand_id)
    name = _checked(name, wanted)
    same = select(CustomField.id).where(CustomField.subject == wanted.subject, CustomField.key == wanted.key)
    if session.scalars(same).first() is not None:
        raise Conflict(say("there is a field with the key “{key}” already", key=wanted.key), code="exists")
    _refuse_too_many(session, wanted.subject)
    last = select(func.max(CustomField.position)).where(_beside(wanted.subject, wanted.brand_id))
    row = CustomField(
        brand_id=wanted.brand_id, subject=wanted.subject, key=wanted.key, kind=wanted.kind,
        position=(session.scalar(last) or 0) + 1, created_at=now,
    )  # fmt: skip
    _put(row, name, wanted)
    session.add(row)
    session.flush()
    audit.record(session, actor, "custom_field.create", row, now)
    return row


def change_field(
    session: Session, actor: Actor, row: CustomField, wanted: Definition, *, name: str, now: datetime
) -> None:
    """Let it be called so and take such values; what was given before stays. A choice that was made
    somewhere cannot be taken away. Raises Invalid, Conflict `in_use`."""
    _require_managing(session, actor, row.brand_id)
    fixed = definition_of(row)
    wanted = replace(wanted, key=fixed.key, kind=fixed.kind, subject=fixed.subject, brand_id=fixed.brand_id)
    name = _checked(name, wanted)
    gone = set(fixed.choices or {}) - set(wanted.choices or {})
    if gone:
        held = select(FieldValue.value).where(FieldValue.field_id == row.id, FieldValue.value.in_(gone)).limit(1)
        used = session.scalars(held).first()
        if used is not None:
            kept = (fixed.choices or {})[used]
            raise Conflict(say("“{name}” was chosen somewhere: it cannot be taken away", name=kept), code="in_use")
    if row.archived_at is not None and not wanted.is_retired:
        _refuse_too_many(session, row.subject)
    _put(row, name, wanted)
    if not wanted.is_retired:
        row.archived_at = None
    elif row.archived_at is None:
        row.archived_at = now
    session.flush()
    audit.record(session, actor, "custom_field.change", row, now)


def place_field(session: Session, actor: Actor, row: CustomField, place: int, now: datetime) -> None:
    """Put it at this place, from 1, among what is offered of its brand and subject; beyond the last is
    last. Those of all brands stand before those of one."""
    _require_managing(session, actor, row.brand_id)
    others = in_order(session.scalars(select(CustomField).where(_beside(row.subject, row.brand_id))).all())
    offered = [one for one in others if one.archived_at is None and one.id != row.id]
    offered.insert(max(place, 1) - 1, row)
    for n, one in enumerate(offered, 1):
        if one.position != n:
            one.position = n
    session.flush()
    audit.record(session, actor, "custom_field.place", row, now, place=row.position)


def may_manage(session: Session, actor: Actor, row: CustomField) -> bool:
    """Whether the actor changes this field."""
    return may_sort(session, actor, row.brand_id)


def in_order(rows: Sequence[CustomField]) -> list[CustomField]:
    """Those of all brands first."""
    return sorted(rows, key=lambda one: (one.brand_id or 0, one.position, one.id))


def definition_of(row: CustomField) -> Definition:
    """The row as the rules take it."""
    return Definition(
        key=row.key, kind=row.kind, subject=row.subject, brand_id=row.brand_id, mask=row.mask,
        least=Decimal(row.least) if row.least else None, most=Decimal(row.most) if row.most else None,
        choices=dict(row.choices) if row.choices else None,
        is_retired=row.archived_at is not None, is_required=row.is_required,
    )  # fmt: skip


def _beside(subject: str, brand_id: int | None) -> ColumnElement[bool]:
    return and_(CustomField.subject == subject, CustomField.brand_id.is_not_distinct_from(brand_id))


def _put(row: CustomField, name: str, wanted: Definition) -> None:
    row.name, row.mask, row.is_required = name, wanted.mask, wanted.is_required
    row.least, row.most = ("" if bound is None else format(bound, "f") for bound in (wanted.least, wanted.most))
    row.choices = [[key, " ".join(said.split())] for key, said in (wanted.choices or {}).items()]


def _checked(name: str, wanted: Definition) -> str:
    wrong = problems(name, wanted)
    if wrong:
        raise Invalid("this field cannot be kept so", wrong)
    return " ".join(name.split())


def _refuse_too_many(session: Session, subject: str) -> None:
    offered = select(func.count()).where(CustomField.subject == subject, CustomField.archived_at.is_(None))
    if (session.scalar(offered) or 0) >= MOST_FIELDS:
        raise Invalid("there are too many fields", {"key": say("at most {most} fields", most=MOST_FIELDS)})


def _require_managing(session: Session, actor: Actor, brand_id: int | None) -> None:
    if not may_sort(session, actor, brand_id):
        require(actor, Action.LABEL_MANAGE)
