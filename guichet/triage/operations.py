"""Keeping the rules, trying them on what was said before, and applying them to what comes in.

Refuses a rule that can never be right (a condition on nothing, an action on something
that is not there) with one error for each field. Order of trial is `position`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid
from guichet.inbox import personal
from guichet.models import Account, Brand, Label, Message, Rule, Staff, Team, Topic
from guichet.policy import Action, Actor, require, visible
from guichet.triage import facts, hiding, rules

PREVIEW_MESSAGES = 1000
_PREVIEW_EXAMPLES = 20
_NAME_LENGTH = 120


@dataclass(frozen=True)
class Example:
    """A message that a rule would have matched."""

    message_id: int
    conversation_id: int
    account_id: int
    preview: str
    remote_at: datetime


@dataclass(frozen=True)
class Preview:
    """Of `tried` messages (the newest the actor may see) `matched` would have; some of them."""

    tried: int
    matched: int
    examples: Sequence[Example]


def list_rules(session: Session, actor: Actor) -> Sequence[Rule]:
    """In order of trial."""
    require(actor, Action.RULE_MANAGE)
    return session.scalars(select(Rule).order_by(Rule.position, Rule.id)).all()


def create_rule(
    session: Session,
    actor: Actor,
    *,
    name: str,
    conditions: Sequence[Mapping[str, Any]],
    actions: Sequence[Mapping[str, Any]],
    brand_id: int | None = None,
    stops: bool = False,
    is_on: bool = False,
    now: datetime,
) -> Rule:
    """Add a rule at the end. `conditions` and `actions` as in guichet.triage.rules; `brand_id`
    None: for every brand; `stops`: after it matched no later rule is tried. Raises Invalid
    with fields like `conditions.0.value`. One that hides takes the right to publish wherever it does."""
    require(actor, Action.RULE_MANAGE)
    _check(session, name, conditions, actions, brand_id)
    _require_rights(session, actor, actions, brand_id)
    last = session.scalar(select(func.max(Rule.position))) or 0
    rule = Rule(
        name=name.strip(), position=last + 1, is_on=is_on, brand_id=brand_id, conditions=list(conditions),
        actions=list(actions), stops=stops, created_by=actor.staff_id, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(rule)
    session.flush()
    audit.record(session, actor, "rule.create", rule, now)
    return rule


def change_rule(
    session: Session,
    actor: Actor,
    rule: Rule,
    *,
    name: str,
    conditions: Sequence[Mapping[str, Any]],
    actions: Sequence[Mapping[str, Any]],
    brand_id: int | None = None,
    stops: bool = False,
    now: datetime,
) -> Rule:
    """Replace what a rule says; its place and whether it is on stay. Raises as `create_rule`."""
    require(actor, Action.RULE_MANAGE)
    _check(session, name, conditions, actions, brand_id)
    _require_rights(session, actor, actions, brand_id)
    rule.name, rule.brand_id, rule.stops, rule.updated_at = name.strip(), brand_id, stops, now
    rule.conditions, rule.actions = list(conditions), list(actions)
    session.flush()
    audit.record(session, actor, "rule.change", rule, now)
    return rule


def switch_rule(session: Session, actor: Actor, rule: Rule, *, is_on: bool, now: datetime) -> Rule:
    """On or off. Only what comes in from now on is affected."""
    require(actor, Action.RULE_MANAGE)
    if is_on:
        _require_rights(session, actor, rule.actions, rule.brand_id)
    rule.is_on, rule.updated_at = is_on, now
    session.flush()
    audit.record(session, actor, "rule.switch", rule, now, is_on=is_on)
    return rule


def reorder_rules(session: Session, actor: Actor, ids: Sequence[int], now: datetime) -> Sequence[Rule]:
    """Put the rules in this order. Raises Invalid unless `ids` names every rule exactly once."""
    require(actor, Action.RULE_MANAGE)
    kept = {r.id: r for r in session.scalars(select(Rule).with_for_update())}
    if len(ids) != len(kept) or set(ids) != set(kept):
        raise Invalid("name every rule once", {"ids": "must name every rule exactly once"})
    for position, id_ in enumerate(ids, 1):
        kept[id_].position = position
    session.flush()
    audit.record(session, actor, "rule.reorder", None, now, order=list(ids))
    return [kept[i] for i in ids]


def delete_rule(session: Session, actor: Actor, rule: Rule, now: datetime) -> None:
    require(actor, Action.RULE_MANAGE)
    audit.record(session, actor, "rule.delete", rule, now)
    session.delete(rule)
    session.flush()


def preview_rule(
    session: Session,
    actor: Actor,
    *,
    conditions: Sequence[Mapping[str, Any]],
    brand_id: int | None = None,
    now: datetime,
) -> Preview:
    """What these conditions would have matched among the newest messages of customers that
    the actor may see. Changes nothing. Raises Invalid as `create_rule`."""
    require(actor, Action.RULE_MANAGE)
    fields = rules.problems_of_conditions(conditions)
    if fields:
        raise Invalid("this rule cannot work so", fields)
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
    hits = [
        message
        for message, fact in zip(messages, facts.of_messages(session, messages, conditions), strict=True)
        if rules.holds(conditions, fact)
    ]
    return Preview(len(messages), len(hits), [_example(m) for m in hits[:_PREVIEW_EXAMPLES]])


def _example(message: Message) -> Example:
    return Example(
        message.id, message.conversation_id, message.account_id,
        personal.cover_public(message.text, message.kind)[:200], message.remote_at,
    )  # fmt: skip


def _require_rights(
    session: Session, actor: Actor, actions: Sequence[Mapping[str, Any]], brand_id: int | None
) -> None:  # fmt: skip
    if any(action["kind"] == "hide" for action in actions):
        hiding.require_right(session, actor, brand_id)


def _check(
    session: Session,
    name: str,
    conditions: Sequence[Mapping[str, Any]],
    actions: Sequence[Mapping[str, Any]],
    brand_id: int | None,
) -> None:
    fields = {**rules.problems_of_conditions(conditions), **rules.problems_of_actions(actions)}
    if not 0 < len(name.strip()) <= _NAME_LENGTH:
        fields["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if brand_id is not None and session.get(Brand, brand_id) is None:
        fields["brand_id"] = say("there is no such brand")
    targets = {"label": Label, "team": Team, "assignee": Staff, "topic": Topic}
    for n, action in enumerate(actions):
        model = targets.get(str(action.get("kind")))
        if model is not None and f"actions.{n}.value" not in fields and session.get(model, action["value"]) is None:
            fields[f"actions.{n}.value"] = say("it does not exist")
    if fields:
        raise Invalid("this rule cannot work so", fields)
