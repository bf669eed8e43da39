"""Keeping the rules, trying them on what was said before, and applying them to what comes in.

Refuses a rule that can never be right (a condition on nothing, an action on something
that is not there) with one error for each field. Order of trial is `position`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid
from guichet.models import Brand, Label, Rule, RuleFiring, RuleWalk, Staff, Team, Topic
from guichet.policy import Action, Actor, require
from guichet.triage import fields as of_fields
from guichet.triage import hiding, moments, rules
from guichet.triage.moments import ON_A_MESSAGE, When

_NAME_LENGTH = 120


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
    when: When = ON_A_MESSAGE,
    now: datetime,
) -> Rule:
    """Add a rule at the end. `conditions` and `actions` as in guichet.triage.rules; `brand_id`
    None: for every brand; `stops`: after it matched no later rule is tried (of those that act after
    a time: none that counts from the same). Raises Invalid with fields like `conditions.0.value`.
    One that hides takes the right to publish wherever it does."""
    require(actor, Action.RULE_MANAGE)
    _check(session, name, conditions, actions, brand_id, when)
    _require_rights(session, actor, actions, brand_id)
    last = session.scalar(select(func.max(Rule.position))) or 0
    rule = Rule(
        name=name.strip(), position=last + 1, is_on=is_on, brand_id=brand_id, conditions=list(conditions),
        actions=list(actions), stops=stops, since=when.since, after_minutes=when.after_minutes,
        in_hours=when.in_hours and when.is_timed, created_by=actor.staff_id, created_at=now, updated_at=now,
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
    when: When = ON_A_MESSAGE,
    now: datetime,
) -> Rule:
    """Replace what a rule says; its place and whether it is on stay. Raises as `create_rule`."""
    require(actor, Action.RULE_MANAGE)
    _check(session, name, conditions, actions, brand_id, when)
    _require_rights(session, actor, actions, brand_id)
    rule.since, rule.after_minutes, rule.in_hours = when.since, when.after_minutes, when.in_hours and when.is_timed
    rule.name, rule.brand_id, rule.stops, rule.updated_at = name.strip(), brand_id, stops, now
    rule.conditions, rule.actions = list(conditions), list(actions)
    session.flush()
    audit.record(session, actor, "rule.change", rule, now)
    return rule


def switch_rule(session: Session, actor: Actor, rule: Rule, *, is_on: bool, now: datetime) -> Rule:
    """On or off. On a message: only what comes in from now on is affected. After a time: whatever
    waits, also since before."""
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
    for row in (RuleWalk, RuleFiring):
        session.execute(delete(row).where(row.rule_id == rule.id))
    session.delete(rule)
    session.flush()


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
    when: When,
) -> None:
    in_time = when.is_timed
    fields = {
        **moments.problems_of(when.since, when.after_minutes),
        **rules.problems_of_conditions(conditions, in_time=in_time),
        **rules.problems_of_actions(actions, in_time=in_time),
    }
    if not 0 < len(name.strip()) <= _NAME_LENGTH:
        fields["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if brand_id is not None and session.get(Brand, brand_id) is None:
        fields["brand_id"] = say("there is no such brand")
    targets = {
        "label": Label, "team": Team, "assignee": Staff, "topic": Topic, "tell_staff": Staff, "tell_team": Team,
    }  # fmt: skip
    for n, action in enumerate(actions):
        model = targets.get(str(action.get("kind")))
        if model is not None and f"actions.{n}.value" not in fields and session.get(model, action["value"]) is None:
            fields[f"actions.{n}.value"] = say("it does not exist")
    fields = fields or of_fields.problems(session, conditions, actions, brand_id)
    if fields:
        raise Invalid("this rule cannot work so", fields)
