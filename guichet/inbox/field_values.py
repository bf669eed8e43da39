"""What stands in custom fields of a conversation or a customer: read, given, taken away, and asked for
before a person closes.

Nothing here reaches a network. The row of the conversation, or of the customer, is locked first, so
that of two who fill in the same field the later one wins whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, true
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.accounts.queries import in_brands_seen
from guichet.errors import Conflict, Invalid
from guichet.inbox import uniting
from guichet.inbox.changes import Change, changing
from guichet.inbox.field_rows import is_of, put, rows_of
from guichet.inbox.field_rules import Misfit, is_code, lacking, read, read_typed, shown, stored
from guichet.inbox.fields import definition_of, in_order
from guichet.models import Account, Conversation, Customer, CustomField, FieldValue, Identity
from guichet.policy import Action, Actor, require, visible


@dataclass(frozen=True)
class Filled:
    """A field with what stands in it; `rows` empty: nothing."""

    field: CustomField
    rows: Sequence[str]

    @property
    def value(self) -> str | bool | list[str] | None:
        return shown(self.field.kind, self.rows)


# ---------------------------------------------------------------- reading


def read_fields(session: Session, actor: Actor, conversation: Conversation) -> list[Filled]:
    """What can be filled in of this conversation, with what stands there, in order."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    return _filled(session, "conversation", _of_brand(session, conversation), is_of(conversation))


def read_customer_fields(session: Session, actor: Actor, customer: Customer) -> list[Filled]:
    """What can be filled in of this customer, as far as the actor sees its brand, in order. The right
    to see the customer is the caller's matter."""
    seen = CustomField.brand_id.is_(None) | in_brands_seen(session, actor, CustomField.brand_id)
    return _filled(session, "customer", seen, is_of(customer))


def lacking_of(session: Session, conversations: Sequence[Conversation]) -> dict[int, list[CustomField]]:
    """The fields that must be filled in before each of these is closed and are not; by the
    conversation's id. Most have none, which takes one query. Rights are the caller's matter."""
    asked = select(CustomField).where(CustomField.is_required, CustomField.archived_at.is_(None))
    fields = in_order(session.scalars(asked).all())
    if not fields or not conversations:
        return {}
    ids = [c.id for c in conversations]
    around = session.execute(
        select(Conversation.id, Account.brand_id, Identity.customer_id)
        .join(Account, Account.id == Conversation.account_id)
        .join(Identity, Identity.id == Conversation.identity_id)
        .where(Conversation.id.in_(ids))
    ).all()
    held: dict[tuple[str, int | None], set[int]] = defaultdict(set)
    of = FieldValue
    customers = {customer_id for _, _, customer_id in around}
    values = select(of.field_id, of.conversation_id, of.customer_id).where(
        of.field_id.in_([f.id for f in fields]), or_(of.conversation_id.in_(ids), of.customer_id.in_(customers))
    )
    for field_id, conversation_id, customer_id in session.execute(values):
        at = ("conversation", conversation_id) if conversation_id is not None else ("customer", customer_id)
        held[at].add(field_id)
    found = {}
    for id_, brand_id, customer_id in around:
        its: list[CustomField] = []
        for subject, subject_id in (("conversation", id_), ("customer", customer_id)):
            rows = {f.key: f for f in fields if f.subject == subject}
            has = [f.key for f in rows.values() if f.id in held[subject, subject_id]]
            empty = lacking([definition_of(f) for f in rows.values()], has, brand_id=brand_id)
            its += [rows[one.key] for one in empty]
        if its:
            found[id_] = its
    return found


def refuse_lacking(session: Session, actor: Actor, conversation: Conversation) -> None:
    """Keeps a person from closing a conversation in which something must still be filled in. What the
    house does by itself, and what was decided before, is not kept. Raises Conflict `fields_lacking`."""
    if actor.staff_id is None:
        return
    found = lacking_of(session, [conversation]).get(conversation.id)
    if found:
        raise Conflict(
            sentence_of(found), code="fields_lacking",
            fields=[{"id": f.id, "key": f.key, "name": f.name, "subject": f.subject} for f in found],
        )  # fmt: skip


def sentence_of(fields: Sequence[CustomField]) -> str:
    """What a person is told of these."""
    return say("to be filled in before it is closed: {names}", names=", ".join(f.name for f in fields))


# ---------------------------------------------------------------- giving and taking away


def fill_in(
    session: Session, actor: Actor, conversation: Conversation, *, values: Mapping[str, Any], now: datetime
) -> Conversation:
    """Give fields of a conversation these values, by key; None takes one away. All of them or none.
    Raises Invalid, which names each key whose value does not do."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now, "fields") as change:
        fields = _offered(session, "conversation", _of_brand(session, conversation))
        changed = _write(session, fields, values, conversation)
        for field, rows in changed:
            tell_history(change, field, rows)
        if changed:
            ids = [field.id for field, _ in changed]
            audit.record(session, actor, "conversation.fields", conversation, now, fields=ids)
    return conversation


def fill_empty(change: Change, said: str) -> None:
    """What a rule fills in, such as `reason=lost`, within `changing`: only where nothing stands, and where
    the conversation has such a field that can hold it; otherwise nothing."""
    session, conversation = change.session, change.conversation
    key, _, typed = said.partition("=")
    named = CustomField.key == key.strip().casefold()
    for field in _offered(session, "conversation", and_(named, _of_brand(session, conversation))):
        own = rows_of(session, is_of(conversation))
        with suppress(Misfit):
            rows = stored(read_typed(definition_of(field), typed.strip()))
            if field.id not in own:
                put(session, field.id, rows, conversation)
                tell_history(change, field, rows)
    session.flush()


def refuse_unfit(session: Session, said: str, brand_id: int | None) -> None:
    """Raises Invalid (field value) unless a rule of this brand, or of all, can fill this in."""
    key, sign, typed = said.partition("=")
    here = CustomField.brand_id.is_(None) | (CustomField.brand_id == brand_id)
    named = and_(CustomField.key == key.strip().casefold(), true() if brand_id is None else here)
    fields = _offered(session, "conversation", named)
    if not fields or not sign:
        raise Invalid(
            "this cannot be filled in so",
            {"value": say("must be a field of conversations and a value, such as tier=gold")},
        )
    for field in fields:
        try:
            read_typed(definition_of(field), typed.strip())
        except Misfit as misfit:
            raise Invalid("this cannot be filled in so", {"value": misfit.why}) from None


def fill_in_customer(
    session: Session, actor: Actor, customer: Customer, *, values: Mapping[str, Any], now: datetime
) -> Customer:
    """Give fields of a customer these values, as `fill_in`. Needs the right to answer on an account
    that they wrote to, and for a brand's field on one of the brand."""
    uniting.require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    session.flush()
    session.refresh(customer, with_for_update={"of": Customer})
    answers = select(Account.brand_id).where(visible(actor, Account.id, Action.CONVERSATION_ANSWER))
    mine = or_(CustomField.brand_id.is_(None), CustomField.brand_id.in_(answers))
    changed = _write(session, _offered(session, "customer", mine), values, customer)
    if changed:
        audit.record(session, actor, "customer.fields", customer, now, fields=[field.id for field, _ in changed])
        own = select(Identity.id).where(Identity.customer_id == customer.id)
        accounts = select(Conversation.account_id).where(Conversation.identity_id.in_(own))
        for account_id in session.scalars(
            accounts.group_by(Conversation.account_id).order_by(func.min(Conversation.id))
        ):
            live.tell(session, "conversation", now, account_id=account_id, what="customer")
    return customer


def tell_history(change: Change, field: CustomField, rows: Sequence[str]) -> None:
    """A line in the conversation's history, which holds codes and no free text."""
    if not rows:
        change.event("field", field_id=field.id, does="cleared")
    elif is_code(definition_of(field)):
        change.event("field", field_id=field.id, does="set", to=list(rows))
    else:
        change.event("field", field_id=field.id, does="set")


# ---------------------------------------------------------------- inside


def _of_brand(session: Session, conversation: Conversation) -> ColumnElement[bool]:
    account = session.get_one(Account, conversation.account_id)
    return or_(CustomField.brand_id.is_(None), CustomField.brand_id == account.brand_id)


def _offered(session: Session, subject: str, of: ColumnElement[bool]) -> list[CustomField]:
    offered = select(CustomField).where(CustomField.subject == subject, CustomField.archived_at.is_(None), of)
    return in_order(session.scalars(offered).all())


def _filled(session: Session, subject: str, of: ColumnElement[bool], own: ColumnElement[bool]) -> list[Filled]:
    fields = _offered(session, subject, of)
    rows = rows_of(session, own) if fields else {}
    return [Filled(field, rows.get(field.id, [])) for field in fields]


def _write(
    session: Session, fields: Iterable[CustomField], values: Mapping[str, Any], subject: Conversation | Customer
) -> list[tuple[CustomField, list[str]]]:
    """The fields that hold something else now, with what they hold."""
    by_key = {field.key: field for field in fields}
    wrong: dict[str, str] = {}
    wanted: dict[str, list[str]] = {}
    for key, given in values.items():
        if key not in by_key:
            wrong[f"values.{key}"] = say("there is no such field here")
            continue
        try:
            value = read(definition_of(by_key[key]), given)
        except Misfit as misfit:
            wrong[f"values.{key}"] = misfit.why
        else:
            wanted[key] = [] if value is None else stored(value)
    if wrong:
        raise Invalid("this cannot be filled in so", wrong)
    has = rows_of(session, is_of(subject))
    changed = []
    for key, rows in wanted.items():
        field = by_key[key]
        if rows != has.get(field.id, []):
            session.execute(delete(FieldValue).where(is_of(subject), FieldValue.field_id == field.id))
            put(session, field.id, rows, subject)
            changed.append((field, rows))
    session.flush()
    return changed
