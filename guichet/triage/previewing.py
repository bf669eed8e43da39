"""What a rule would have done, or would do now: looked at before it is switched on. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.errors import Invalid
from guichet.inbox import personal
from guichet.models import Account, Brand, Conversation, Message
from guichet.policy import Action, Actor, require, visible
from guichet.triage import elapsed, facts, moments, rules
from guichet.triage import fields as of_fields
from guichet.triage.moments import ON_A_MESSAGE, When
from guichet.triage.rules import Fact

PREVIEW_MESSAGES = 1000
_PREVIEW_EXAMPLES = 20


@dataclass(frozen=True)
class Example:
    """A message that a rule would have matched; after a time, the last of its conversation."""

    message_id: int
    conversation_id: int
    account_id: int
    preview: str
    remote_at: datetime


@dataclass(frozen=True)
class Preview:
    """Of `tried` messages (the newest the actor may see) `matched` would have; after a time, of the
    conversations whose time has come (the oldest). Some of them."""

    tried: int
    matched: int
    examples: Sequence[Example]


def preview_rule(
    session: Session,
    actor: Actor,
    *,
    conditions: Sequence[Mapping[str, Any]],
    brand_id: int | None = None,
    when: When = ON_A_MESSAGE,
    now: datetime,
) -> Preview:
    """What these conditions would have matched among the newest messages of customers that
    the actor may see, or match now among what lies long enough. Changes nothing. Raises Invalid as
    `create_rule`."""
    require(actor, Action.RULE_MANAGE)
    fields = {
        **moments.problems_of(when.since, when.after_minutes),
        **rules.problems_of_conditions(conditions, in_time=when.is_timed),
    }
    fields = fields or of_fields.problems(session, conditions, (), brand_id)
    if fields:
        raise Invalid("this rule cannot work so", fields)
    if when.is_timed:
        looked = _whose_time_has_come(session, actor, conditions, brand_id, when, now)
    else:
        looked = _newest(session, actor, conditions, brand_id)
    hits = [message for message, fact in looked if rules.holds(conditions, fact)]
    return Preview(len(looked), len(hits), [_example(m) for m in hits[:_PREVIEW_EXAMPLES]])


def _newest(
    session: Session, actor: Actor, conditions: Sequence[Mapping[str, Any]], brand_id: int | None
) -> list[tuple[Message, Fact]]:
    newest = (
        select(Message)
        .where(Message.direction == "in", Message.deleted_at.is_(None))
        .where(visible(actor, Message.account_id, Action.CONVERSATION_VIEW))
        .order_by(Message.id.desc())
        .limit(PREVIEW_MESSAGES)
    )
    if brand_id is not None:
        newest = newest.where(Message.account_id.in_(select(Account.id).where(Account.brand_id == brand_id)))
    messages = session.scalars(newest).all()
    return list(zip(messages, facts.of_messages(session, messages, conditions), strict=True))


def _whose_time_has_come(
    session: Session,
    actor: Actor,
    conditions: Sequence[Mapping[str, Any]],
    brand_id: int | None,
    when: When,
    now: datetime,
) -> list[tuple[Message, Fact]]:
    begun: dict[int, datetime] = {}
    brands = select(Brand) if brand_id is None else select(Brand).where(Brand.id == brand_id)
    column, runs = elapsed.started(when)
    for brand in session.scalars(brands.order_by(Brand.id)).all():
        due_by = elapsed.due_by(when, brand, now)
        if due_by is None:
            continue
        accounts = select(Account.id).where(Account.brand_id == brand.id)
        due = (
            select(Conversation.id, column)
            .where(runs, column <= due_by, Conversation.account_id.in_(accounts))
            .where(Conversation.merged_into_id.is_(None))
            .where(visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW))
            .order_by(column, Conversation.id)
            .limit(PREVIEW_MESSAGES)
        )
        begun.update({row[0]: row[1] for row in session.execute(due)})
    oldest = sorted(begun, key=lambda id_: (begun[id_], id_))[:PREVIEW_MESSAGES]
    looked = elapsed.gather(session, oldest, conditions, now)
    return [(one.message, one.fact) for one in sorted(looked, key=lambda one: begun[one.conversation.id])]


def _example(message: Message) -> Example:
    return Example(
        message.id, message.conversation_id, message.account_id,
        personal.cover_public(message.text, message.kind)[:200], message.remote_at,
    )  # fmt: skip
