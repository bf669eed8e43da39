"""Conversations found by what stands in custom fields, their own or their customer's.

Where few values are meant they are gathered from the index of values; of many, each conversation
of a walk is asked for its own, as of words (guichet.inbox.narrowing).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, and_, case, cast, exists, not_, or_, select, true
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.accounts.queries import in_brands_seen
from guichet.db import dialect
from guichet.errors import Invalid
from guichet.inbox.field_rows import folded
from guichet.inbox.field_rules import Misfit, read_typed, stored, unbounded
from guichet.inbox.fields import definition_of
from guichet.inbox.sought import OfField, Term, asked_of_field, refused
from guichet.models import Account, Conversation, CustomField, FieldValue, Identity
from guichet.policy import Actor

_FEW = 1000  # values, gathered sooner than conversations are asked

COMPARED: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {">=": ge, "<=": le, ">": gt, "<": lt}


def condition_of(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    """What `field:…` means of a conversation. A key may be one of conversations and one of customers:
    either is meant, if the value can be of its kind. Raises Invalid (field q)."""
    asked = asked_of_field(term)
    fields = _named(session, asked.key, _seen(session, actor))
    return or_(
        *(_meets(asked, field, _among(session, field, wanted)) for field, wanted in _fitting(fields, asked, term))
    )


def met(session: Session, asked: Iterable[str], ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Which of these, as rules ask them (`tier=gold`), each of the conversations `ids` meets. What
    nothing can meet any more, since the field changed, is met by none. Rights are the caller's matter."""
    found: dict[int, set[str]] = {}
    for said in asked:
        term = Term("field", said, said=said)
        with suppress(Invalid):
            of = asked_of_field(term)
            fitting = _fitting(_named(session, of.key, true()), of, term)
            meets = or_(*(_meets(of, field, _own(field, wanted)) for field, wanted in fitting))
            for id_ in session.scalars(select(Conversation.id).where(Conversation.id.in_(ids), meets)):
                found.setdefault(id_, set()).add(said)
    return {id_: frozenset(terms) for id_, terms in found.items()}


def refuse_unknown(session: Session, said: str, brand_id: int | None) -> None:
    """Raises Invalid (field q) unless a rule of this brand, or of all, can ask this of fields."""
    term = Term("field", said, said=said)
    of = asked_of_field(term)
    here = true() if brand_id is None else CustomField.brand_id.is_(None) | (CustomField.brand_id == brand_id)
    _fitting(_named(session, of.key, here), of, term)


def holding(field: CustomField, asked: OfField) -> Select[Any]:
    """Ids of the conversations, or customers, in which this stands. Raises Misfit."""
    of = FieldValue
    owner = of.customer_id if field.subject == "customer" else of.conversation_id
    return select(owner).where(of.field_id == field.id, owner.is_not(None), *_stands(field, asked))


class _NotCompared(Exception):
    """Greater and less say nothing of such a value."""


def _seen(session: Session, actor: Actor) -> ColumnElement[bool]:
    return CustomField.brand_id.is_(None) | in_brands_seen(session, actor, CustomField.brand_id)


def _named(session: Session, key: str, here: ColumnElement[bool]) -> Sequence[CustomField]:
    return session.scalars(select(CustomField).where(CustomField.key == key, here).order_by(CustomField.id)).all()


def _fitting(fields: Sequence[CustomField], asked: OfField, term: Term) -> list[tuple[CustomField, Select[Any]]]:
    """The fields that can hold what is asked, each with who holds it. Raises Invalid where none can."""
    if not fields:
        raise refused(say("“{word}”: there is no field with that key that you may see", word=term.said))
    found, wrong = [], []
    for field in fields:
        try:
            found.append((field, holding(field, asked)))
        except Misfit as misfit:
            wrong.append(misfit.why)
        except _NotCompared:
            wrong.append("")
    if found:
        return found
    if not wrong[0]:
        raise refused(say("“{word}” compares, which only numbers and days can be", word=term.said))
    raise refused(say("“{word}”: the value {why}", word=term.said, why=wrong[0]))


def _meets(asked: OfField, field: CustomField, has: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(not_(has), _of_brand(field)) if asked.sign == "=" and not asked.value else has


def _among(session: Session, field: CustomField, wanted: Select[Any]) -> ColumnElement[bool]:
    few = list(session.scalars(wanted.limit(_FEW + 1)))
    if len(few) > _FEW:
        return _own(field, wanted)
    if field.subject == "conversation":
        return dialect.is_one_of(session, Conversation.id, few)
    theirs = select(Identity.id).where(dialect.is_one_of(session, Identity.customer_id, few))
    return dialect.is_one_of(session, Conversation.identity_id, theirs)


def _own(field: CustomField, wanted: Select[Any]) -> ColumnElement[bool]:
    """Asked of each conversation for itself."""
    if field.subject == "conversation":
        return exists(wanted.where(FieldValue.conversation_id == Conversation.id).correlate(Conversation))
    own = wanted.join(Identity, Identity.customer_id == FieldValue.customer_id)
    return exists(own.where(Identity.id == Conversation.identity_id).correlate(Conversation))


def _of_brand(field: CustomField) -> ColumnElement[bool]:
    if field.brand_id is None:
        return Conversation.id.is_not(None)
    return Conversation.account_id.in_(select(Account.id).where(Account.brand_id == field.brand_id))


def _stands(field: CustomField, asked: OfField) -> list[ColumnElement[bool]]:
    if not asked.value:
        return []
    value = read_typed(unbounded(definition_of(field)), asked.value)
    if asked.sign == "=":
        return [FieldValue.folded.in_([folded(row) for row in stored(value)])]
    if field.kind == "date":
        return [COMPARED[asked.sign](FieldValue.folded, stored(value)[0])]
    if not isinstance(value, Decimal):
        raise _NotCompared
    # Asked in a CASE, so that nothing but numbers is ever read as a number.
    number = case((FieldValue.field_id == field.id, cast(FieldValue.folded, Numeric(asdecimal=False))))
    return [COMPARED[asked.sign](number, value)]
