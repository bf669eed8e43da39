"""Rules as pure values: what a condition may ask, what an action may do, and whether a
message fits. Plain words only, no patterns that a person types: nothing here can be made
to run long.

A condition is {"field", "operator", "value"}, and all of a rule's conditions must hold:

    text      any_of, none_of    words or phrases, whole words, case and accents ignored
    language  is, is_not         codes ("fr", "en")
    network   is, is_not         names ("mastodon")
    account   is, is_not         ids
    kind      is, is_not         mention, reply, quote, direct, mail
    surface   is, is_not         public, direct, mail
    customer  is, is_not         vip, known (wrote before), blocked
    hours     is                 open, closed (the brand's calendar)
    holds     is, is_not         link, only_emoji, only_mentions, personal (guichet.triage.contents)
    repeated  by_anybody, by_author    [times, minutes]: said so often on the account (guichet.inbox.likeness)
    conversation_messages  at_least, at_most    [n]: of the customer in this conversation, this one included
    customer_messages      at_least, at_most    [n]: of the customer in all of them
    followers at_least, at_most  [n]: of its author there; of whom that is not known, neither
    custom    is, is_not         what stands in custom fields, as the search asks it: "tier=gold", "nights>=3",
                                 "tier=" where it is empty, "tier" where it is not (guichet.inbox.field_finding)
    priority  is, is_not         0 to 3 (this one and the next two: only after a time)
    label     is, is_not         ids
    state     is, is_not         of a conversation that goes on

An action is {"kind", "value"}: label (id), priority (0 to 3), team (id), assignee (id), spam,
topic (id): before its experts, field ("reason=lost"): filled in where it is empty, hide (the most in an
hour on an account): at the network, hold: given to nobody until somebody has looked at it.
After a time (guichet.triage.moments) neither spam, hide nor hold, but note (text), tell_assignee,
tell_leads, tell_staff (id), tell_team (id), close, reopen, snooze (minutes); priority only raises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.sentences import say
from guichet.inbox.states import UNFINISHED
from guichet.inbox.words import fold, phrases_in
from guichet.triage.contents import CONTENTS

LIMIT = 50  # conditions, actions, values
_WORD_LENGTH = 200

_TEXTS = {
    "language": None,
    "network": None,
    "kind": frozenset({"mention", "reply", "quote", "direct", "mail"}),
    "surface": frozenset({"public", "direct", "mail"}),
    "customer": frozenset({"vip", "known", "blocked"}),
    "hours": frozenset({"open", "closed"}),
    "holds": CONTENTS,
    "custom": None,
}
# What is asked with numbers: how, and the least and the most of each number.
_NUMBERS: Mapping[str, tuple[tuple[str, ...], tuple[tuple[int, int], ...]]] = {
    "repeated": (("by_anybody", "by_author"), ((2, 100), (1, 1440))),
    "conversation_messages": (("at_least", "at_most"), ((1, 10_000),)),
    "customer_messages": (("at_least", "at_most"), ((1, 10_000),)),
    "followers": (("at_least", "at_most"), ((0, 1_000_000_000),)),
}
_FIELDS = ("text", "account", *_TEXTS, *_NUMBERS)
_STANDS: Mapping[str, frozenset[Any] | None] = {
    "priority": frozenset(range(4)), "label": None, "state": frozenset(str(state) for state in UNFINISHED),
}  # fmt: skip
_DOES = ("label", "field", "priority", "team", "assignee", "topic", "spam", "hide", "hold")
IN_TIME = (
    "label", "field", "priority", "team", "assignee", "topic", "note", "tell_assignee", "tell_leads", "tell_staff",
    "tell_team", "close", "reopen", "snooze",
)  # fmt: skip
_BY_ID = ("label", "team", "assignee", "topic", "tell_staff", "tell_team")
NOTE_LENGTH = 2000
FIELD_LENGTH = 600  # of a key and its value
LONGEST_SNOOZE = 366 * 24 * 60  # minutes
MOST_HIDDEN = 1000  # in an hour on an account, by rules


@dataclass(frozen=True)
class Fact:
    """What rules may ask of one message. `words` is the text folded."""

    words: str
    language: str
    network: str
    account_id: int
    kind: str
    surface: str
    customer: frozenset[str] = field(default_factory=frozenset)
    is_open_hours: bool = True
    holds: frozenset[str] = field(default_factory=frozenset)
    repeated: Mapping[tuple[str, int], int] = field(default_factory=dict)  # by how, and within how many minutes
    conversation_messages: int = 1
    customer_messages: int = 1
    followers: int | None = None
    custom: frozenset[str] = frozenset()  # those that were asked and are met
    priority: int = 1
    labels: frozenset[int] = frozenset()
    state: str = "new"


@dataclass(frozen=True)
class Hiding:
    """Which rule hides, and how many in an hour on an account at most."""

    rule_id: int
    most: int


@dataclass(frozen=True)
class Outcome:
    """What the rules that matched make of a message. The first to set something wins."""

    rule_ids: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()
    fields: tuple[str, ...] = ()
    priority: int | None = None
    team_id: int | None = None
    assignee_id: int | None = None
    topic_id: int | None = None
    is_spam: bool = False
    held_by: int | None = None  # the rule that holds it
    hiding: Hiding | None = None


@dataclass(frozen=True)
class RuleValue:
    """A rule as decided upon, apart from its row."""

    id: int
    conditions: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]
    stops: bool = False


def decide(rules: Sequence[RuleValue], fact: Fact) -> Outcome:
    """Try the rules in order; one that `stops` ends the trial if it matched."""
    matched = []
    for rule in rules:
        if holds(rule.conditions, fact):
            matched.append(rule)
            if rule.stops:
                break
    labels: dict[int, None] = {}
    fields: list[str] = []
    first: dict[str, Any] = {}
    for action in (a for rule in matched for a in rule.actions):
        if action["kind"] == "label":
            labels[action["value"]] = None
        elif action["kind"] == "field":
            fields.append(action["value"])
        else:
            first.setdefault(action["kind"], action.get("value"))
    return Outcome(
        rule_ids=tuple(r.id for r in matched),
        labels=tuple(labels),
        fields=tuple(fields),
        priority=first.get("priority"),
        team_id=first.get("team"),
        assignee_id=first.get("assignee"),
        topic_id=first.get("topic"),
        is_spam="spam" in first,
        held_by=next((r.id for r in matched for a in r.actions if a["kind"] == "hold"), None),
        hiding=next((Hiding(r.id, a["value"]) for r in matched for a in r.actions if a["kind"] == "hide"), None),
    )


def holds(conditions: Sequence[Mapping[str, Any]], fact: Fact) -> bool:
    """Whether every condition holds. A rule without conditions matches everything."""
    return all(_holds(c, fact) for c in conditions)


def _holds(condition: Mapping[str, Any], fact: Fact) -> bool:
    name, op, values = condition["field"], condition["operator"], condition["value"]
    if name == "text":
        return any(phrases_in(fact.words, fold(v)) for v in values) == bool(op == "any_of")
    if name == "repeated":
        return fact.repeated.get((op, values[1]), 1) >= int(values[0])
    if name in _NUMBERS:
        number = getattr(fact, name)
        return number is not None and bool(number >= values[0] if op == "at_least" else number <= values[0])
    if name == "account":
        found = fact.account_id in values
    elif name in ("customer", "holds", "custom"):
        found = not getattr(fact, name).isdisjoint(values)
    elif name == "label":
        found = not fact.labels.isdisjoint(values)
    elif name == "hours":
        found = ("open" if fact.is_open_hours else "closed") in values
    else:
        found = getattr(fact, name) in values
    return bool(found == (op == "is"))


def problems_of_conditions(conditions: Any, *, in_time: bool = False) -> dict[str, str]:
    """What is wrong where, by dotted field name; {} if nothing. `in_time`: of a rule that acts after a time."""
    if not isinstance(conditions, Sequence) or isinstance(conditions, str) or len(conditions) > LIMIT:
        return {"conditions": say("must be a list of at most {most} conditions", most=LIMIT)}
    fields: dict[str, str] = {}
    for n, condition in enumerate(conditions):
        fields.update({f"conditions.{n}.{k}": v for k, v in _problems_of_condition(condition, in_time).items()})
    return fields


def _problems_of_condition(condition: Any, in_time: bool) -> dict[str, str]:
    if not isinstance(condition, Mapping):
        return {"field": say("must be a condition")}
    name = condition.get("field")
    asked = (*_FIELDS, *_STANDS) if in_time else _FIELDS
    if name not in asked:
        return {"field": say("must be one of {choices}", choices=", ".join(asked))}
    if name in _NUMBERS:
        return _problems_of_numbers(condition, *_NUMBERS[name])
    ops = ("any_of", "none_of") if name == "text" else ("is",) if name == "hours" else ("is", "is_not")
    if condition.get("operator") not in ops:
        return {"operator": say("must be one of {choices}", choices=", ".join(ops))}
    values = condition.get("value")
    if not isinstance(values, list) or not 0 < len(values) <= LIMIT:
        return {"value": say("must be a list of 1 to {most} values", most=LIMIT)}
    if name == "account":
        return {} if all(type(v) is int for v in values) else {"value": say("must be ids of accounts")}
    if name in _STANDS:
        return _problems_of_standing(values, _STANDS[name])
    if not all(isinstance(v, str) and 0 < len(v.strip()) <= _WORD_LENGTH for v in values):
        return {"value": say("must be texts of 1 to {most} characters", most=_WORD_LENGTH)}
    if name == "text" and not all(fold(v) for v in values):
        return {"value": say("must each have a letter or a digit")}
    allowed = _TEXTS.get(name)
    if allowed is not None and not allowed.issuperset(values):
        return {"value": say("must be one of {choices}", choices=", ".join(sorted(allowed)))}
    return {}


def _problems_of_standing(values: Sequence[Any], allowed: frozenset[Any] | None) -> dict[str, str]:
    if allowed is None:
        return {} if all(type(v) is int for v in values) else {"value": say("must be ids")}
    if all(type(v) in (int, str) and v in allowed for v in values):
        return {}
    return {"value": say("must be one of {choices}", choices=", ".join(sorted(map(str, allowed))))}


def _problems_of_numbers(
    condition: Mapping[str, Any], ops: Sequence[str], spans: Sequence[tuple[int, int]]
) -> dict[str, str]:
    if condition.get("operator") not in ops:
        return {"operator": say("must be one of {choices}", choices=", ".join(ops))}
    values = condition.get("value")
    if not isinstance(values, list) or len(values) != len(spans) or not all(type(v) is int for v in values):
        return {"value": say("must be a list of {count} whole numbers", count=len(spans))}
    for value, (least, most) in zip(values, spans, strict=True):
        if not least <= value <= most:
            return {"value": say("{value} must be from {least} to {most}", value=value, least=least, most=most)}
    return {}


def problems_of_actions(actions: Any, *, in_time: bool = False) -> dict[str, str]:
    """What is wrong where, by dotted field name; whether targets exist is asked elsewhere."""
    able = IN_TIME if in_time else _DOES
    if not isinstance(actions, Sequence) or isinstance(actions, str) or not 0 < len(actions) <= LIMIT:
        return {"actions": say("must be a list of 1 to {most} actions", most=LIMIT)}
    fields: dict[str, str] = {}
    for n, action in enumerate(actions):
        do = action.get("kind") if isinstance(action, Mapping) else None
        value = action.get("value") if isinstance(action, Mapping) else None
        if do not in able:
            fields[f"actions.{n}.kind"] = say("must be one of {choices}", choices=", ".join(able))
        elif do == "priority" and (type(value) is not int or not 0 <= value <= 3):
            fields[f"actions.{n}.value"] = say("must be a number from 0 to 3")
        elif do == "hide" and (type(value) is not int or not 1 <= value <= MOST_HIDDEN):
            fields[f"actions.{n}.value"] = say("must be a number from 1 to {most}", most=MOST_HIDDEN)
        elif do == "field" and not (isinstance(value, str) and 0 < len(value.strip()) <= FIELD_LENGTH):
            fields[f"actions.{n}.value"] = say("must have 1 to {most} characters", most=FIELD_LENGTH)
        elif do == "note" and not (isinstance(value, str) and 0 < len(value.strip()) <= NOTE_LENGTH):
            fields[f"actions.{n}.value"] = say("must have 1 to {most} characters", most=NOTE_LENGTH)
        elif do == "snooze" and (type(value) is not int or not 1 <= value <= LONGEST_SNOOZE):
            fields[f"actions.{n}.value"] = say("must be a number from 1 to {most}", most=LONGEST_SNOOZE)
        elif do in _BY_ID and type(value) is not int:
            fields[f"actions.{n}.value"] = say("must be an id")
    return fields
