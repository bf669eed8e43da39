"""Conversations found by what stands in custom fields, their own or their customer's.

Where few values are meant they are gathered from the index of values; of many, each conversation
of a walk is asked for its own, as of words (guichet.inbox.narrowing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Numeric, Select, and_, case, cast, exists, not_, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.accounts.queries import in_brands_seen
from guichet.db import dialect
from guichet.inbox.field_rows import folded
from guichet.inbox.field_rules import Misfit, Value, read, stored
from guichet.inbox.fields import definition_of
from guichet.inbox.sought import OfField, Term, asked_of_field, refused
from guichet.inbox.words import fold
from guichet.models import Account, Conversation, CustomField, FieldValue, Identity
from guichet.policy import Actor

_FEW = 1000  # values, gathered sooner than conversations are asked

_COMPARED: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_YES_NO = {
    "yes": True,
    "oui": True,
    "true": True,
    "vrai": True,
    "no": False,
    "non": False,
    "false": False,
    "faux": False,
}


def condition_of(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    """What `field:…` means of a conversation. A key may be one of conversations and one of customers:
    either is meant, if the value can be of its kind. Raises Invalid (field q)."""
    asked = asked_of_field(term)
    fields = _named(session, actor, asked.key)
    if not fields:
        raise refused(say("“{word}”: there is no field with that key that you may see", word=term.said))
    found, wrong = [], []
    for field in fields:
        try:
            found.append(_meets(session, field, asked))
        except Misfit as misfit:
            wrong.append(misfit.why)
        except _NotCompared:
            wrong.append("")
    if found:
        return or_(*found)
    if not wrong[0]:
        raise refused(say("“{word}” compares, which only numbers and days can be", word=term.said))
    raise refused(say("“{word}”: the value {why}", word=term.said, why=wrong[0]))


def holding(field: CustomField, asked: OfField) -> Select[Any]:
    """Ids of the conversations, or customers, in which this stands. Raises Misfit."""
    of = FieldValue
    owner = of.customer_id if field.subject == "customer" else of.conversation_id
    return select(owner).where(of.field_id == field.id, owner.is_not(None), *_stands(field, asked))


class _NotCompared(Exception):
    """Greater and less say nothing of such a value."""


def _named(session: Session, actor: Actor, key: str) -> Sequence[CustomField]:
    seen = CustomField.brand_id.is_(None) | in_brands_seen(session, actor, CustomField.brand_id)
    return session.scalars(select(CustomField).where(CustomField.key == key, seen).order_by(CustomField.id)).all()


def _meets(session: Session, field: CustomField, asked: OfField) -> ColumnElement[bool]:
    has = _has(session, field, holding(field, asked))
    if asked.sign == "=" and not asked.value:
        return and_(not_(has), _of_brand(field))
    return has


def _has(session: Session, field: CustomField, wanted: Select[Any]) -> ColumnElement[bool]:
    is_customers = field.subject == "customer"
    few = list(session.scalars(wanted.limit(_FEW + 1)))
    if len(few) <= _FEW:
        if not is_customers:
            return dialect.is_one_of(session, Conversation.id, few)
        theirs = select(Identity.id).where(dialect.is_one_of(session, Identity.customer_id, few))
        return dialect.is_one_of(session, Conversation.identity_id, theirs)
    if not is_customers:
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
    value = _value(field, asked.value)
    if asked.sign == "=":
        return [FieldValue.folded.in_([folded(row) for row in stored(value)])]
    if field.kind == "date":
        return [_COMPARED[asked.sign](FieldValue.folded, stored(value)[0])]
    if not isinstance(value, Decimal):
        raise _NotCompared
    # Asked in a CASE, so that nothing but numbers is ever read as a number.
    number = case((FieldValue.field_id == field.id, cast(FieldValue.folded, Numeric(asdecimal=False))))
    return [_COMPARED[asked.sign](number, value)]


def _value(field: CustomField, typed: str) -> Value:
    """A value of the field's kind. Bounds and a form do not count: what stands there may be older."""
    given: Any = typed
    if field.kind == "yes_no":
        given = _YES_NO.get(fold(typed), typed)
    elif field.kind in ("choice", "choices"):
        key = next((key for key, name in field.choices if fold(typed) in (fold(key), fold(name))), typed)
        given = key if field.kind == "choice" else [key]
    value = read(replace(definition_of(field), mask="", least=None, most=None), given)
    if value is None:
        raise Misfit(say("must be a text"))
    return value
