"""What rules may ask of messages, gathered in a few queries whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from guichet.inbox import field_finding
from guichet.inbox.words import fold
from guichet.models import Account, Brand, Calendar, Conversation, Customer, Identity, Message
from guichet.promises import hours
from guichet.triage import contents, counting
from guichet.triage.rules import Fact


def of_messages(
    session: Session, messages: Sequence[Message], asked: Iterable[Mapping[str, Any]], at: datetime | None = None
) -> list[Fact]:
    """One fact for each message, in their order. Hours are judged at the message's own time, or `at`.
    `asked`: the conditions that will be tried; what takes counting is only counted for them."""
    asked = list(asked)
    names = {condition["field"] for condition in asked}
    spans = {(c["operator"], c["value"][1]) for c in asked if c["field"] == "repeated"}
    repeated = counting.repeated(session, messages, spans) if spans else {}
    in_conversation = counting.in_conversation(session, messages) if "conversation_messages" in names else {}
    of_customer = counting.of_customer(session, messages) if "customer_messages" in names else {}
    custom = custom_of(session, {m.conversation_id for m in messages}, asked)
    accounts = _accounts(session, {m.account_id for m in messages})
    people = _people(session, {m.identity_id for m in messages if m.identity_id is not None})
    known = _known(session, messages)
    surfaces: dict[int, tuple[str, str]] = {
        id_: (surface, language)
        for id_, surface, language in session.execute(
            select(Conversation.id, Conversation.surface, Conversation.language).where(
                Conversation.id.in_({m.conversation_id for m in messages})
            )
        )
    }
    facts = []
    for m in messages:
        network, calendar = accounts[m.account_id]
        surface, language = surfaces[m.conversation_id]
        marks, followers = people.get(m.identity_id or 0, (frozenset(), None))
        facts.append(
            Fact(
                words=fold(f"{m.subject} {m.text}"),
                language=m.language or language,
                network=network,
                account_id=m.account_id,
                kind=m.kind,
                surface=surface,
                customer=marks | ({"known"} if m.id in known else frozenset()),
                followers=followers,
                custom=custom.get(m.conversation_id, frozenset()),
                holds=contents.holds(m.text, m.kind),
                repeated=repeated.get(m.id, {}),
                conversation_messages=in_conversation.get(m.id, 1),
                customer_messages=of_customer.get(m.id, 1),
                is_open_hours=hours.is_open(calendar, at or m.remote_at) if calendar else True,
            )
        )
    return facts


def custom_of(session: Session, ids: Collection[int], asked: Iterable[Mapping[str, Any]]) -> dict[int, frozenset[str]]:
    """What these conditions ask of custom fields and each of the conversations meets."""
    terms = {term for condition in asked if condition["field"] == "custom" for term in condition["value"]}
    return field_finding.met(session, sorted(terms), ids)


def _accounts(session: Session, ids: set[int]) -> dict[int, tuple[str, hours.Hours | None]]:
    rows = session.execute(
        select(Account.id, Account.network, Calendar)
        .join(Brand, Brand.id == Account.brand_id)
        .outerjoin(Calendar, Calendar.id == Brand.calendar_id)
        .where(Account.id.in_(ids))
    )
    return {id_: (network, hours.from_row(calendar) if calendar else None) for id_, network, calendar in rows}


def _people(session: Session, ids: set[int]) -> dict[int, tuple[frozenset[str], int | None]]:
    """How each of them is marked, and how many follow them."""
    rows = session.execute(
        select(Identity.id, Identity.followers, Customer.is_vip, Customer.is_blocked)
        .join(Customer, Customer.id == Identity.customer_id)
        .where(Identity.id.in_(ids))
    )
    return {
        id_: (frozenset(name for name, holds in (("vip", vip), ("blocked", blocked)) if holds), followers)
        for id_, followers, vip, blocked in rows
    }


def _known(session: Session, messages: Sequence[Message]) -> set[int]:
    """Those of the messages whose author had written before, in whatever conversation."""
    authors = {m.identity_id for m in messages if m.identity_id is not None}
    rows = session.execute(
        select(Message.identity_id, func.min(Message.id))
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.direction == "in", Conversation.identity_id.in_(authors), Message.identity_id.in_(authors))
        .group_by(Message.identity_id)
    )
    first = {row[0]: row[1] for row in rows}
    return {m.id for m in messages if first.get(m.identity_id, m.id) < m.id}
