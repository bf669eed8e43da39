"""Values of custom fields as rows: kept, searched for, and taken along where two become one. Rights,
and what may stand in a field, are the caller's matter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from guichet.inbox.words import plain
from guichet.models import Conversation, Customer, FieldValue

_LONGEST_FOLDED = 200  # characters: what an index takes on both databases


def folded(value: str) -> str:
    """A value as it is searched for: signs count, case and accents do not."""
    return " ".join(plain(value).split())[:_LONGEST_FOLDED]


def is_of(subject: Conversation | Customer) -> ColumnElement[bool]:
    if isinstance(subject, Customer):
        return FieldValue.customer_id == subject.id
    return FieldValue.conversation_id == subject.id


def rows_of(session: Session, own: ColumnElement[bool]) -> dict[int, list[str]]:
    """What stands there, by the field's id, each in its order."""
    found: dict[int, list[str]] = defaultdict(list)
    wanted = select(FieldValue.field_id, FieldValue.value).where(own).order_by(FieldValue.field_id, FieldValue.place)
    for field_id, value in session.execute(wanted):
        found[field_id].append(value)
    return dict(found)


def put(session: Session, field_id: int, rows: Sequence[str], subject: Conversation | Customer) -> None:
    """Let these stand in a field in which nothing stands."""
    is_customer = isinstance(subject, Customer)
    for place, value in enumerate(rows):
        session.add(
            FieldValue(
                field_id=field_id, place=place, value=value, folded=folded(value),
                customer_id=subject.id if is_customer else None, conversation_id=None if is_customer else subject.id,
            )
        )  # fmt: skip


def take_over(
    session: Session,
    gone: Conversation | Customer,
    kept: Conversation | Customer,
    only: Collection[int] | None = None,
) -> list[int]:
    """Fill what `kept` lacks (of these fields `only`) with what stands in `gone`, which keeps it; what
    stands in both stays. Returns the fields that were filled in, for `give_back`."""
    has = rows_of(session, is_of(kept))
    filled = {id_: rows for id_, rows in rows_of(session, is_of(gone)).items() if id_ not in has}
    for id_, rows in filled.items():
        if only is None or id_ in only:
            put(session, id_, rows, kept)
    session.flush()
    return sorted(id_ for id_ in filled if only is None or id_ in only)


def give_back(
    session: Session, gone: Conversation | Customer, kept: Conversation | Customer, field_ids: Sequence[int]
) -> list[int]:
    """Take away what `take_over` filled in of these fields, but for what somebody changed since;
    returns what was taken away."""
    theirs, has = rows_of(session, is_of(gone)), rows_of(session, is_of(kept))
    still = [id_ for id_ in field_ids if id_ in theirs and has.get(id_) == theirs[id_]]
    session.execute(delete(FieldValue).where(is_of(kept), FieldValue.field_id.in_(still)))
    return still
