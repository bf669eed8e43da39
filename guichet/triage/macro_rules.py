"""What a macro may hold. Pure.

An action is {"kind", "value"}, carried out in the order in which they stand:

    reply     a text with variables, put into the box (never sent: a person sends)
    note      a text with variables, kept as an internal note
    label, unlabel   the id of a label
    priority  0 to 3
    team      the id of a team
    assignee  the id of a person; 0: whoever applies it
    topic     the id of a topic: before its experts
    status    open, waiting_internal, answered, not_needed, spam
    snooze    hours; 0: until the customer writes
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels.sentences import say
from guichet.errors import Invalid

KINDS = ("reply", "note", "label", "unlabel", "priority", "team", "assignee", "topic", "status", "snooze")
STATUSES = ("open", "waiting_internal", "answered", "not_needed", "spam")
MOST_ACTIONS = 20
TEXT_LENGTH = 10_000  # characters
LONGEST_SNOOZE = 366 * 24 - 1  # hours
NAME_LENGTH = 100  # characters
_IDS = ("label", "unlabel", "team", "assignee", "topic")
# What a conversation has one of: a macro sets it once.
_ONCE = ({"reply"}, {"priority"}, {"team"}, {"assignee", "topic"}, {"status", "snooze"})


def checked_name(name: str) -> str:
    """Without needless spaces. Raises Invalid."""
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME_LENGTH:
        fields = {"name": say("must have 1 to {most} characters", most=NAME_LENGTH)}
        raise Invalid("this macro cannot be kept so", fields)
    return name


def checked_actions(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The actions as they are kept; whether their targets exist is asked elsewhere. Raises
    Invalid naming each field that is wrong."""
    fields: dict[str, str] = {}
    if not 0 < len(actions) <= MOST_ACTIONS:
        fields["actions"] = say("must be a list of 1 to {most} actions", most=MOST_ACTIONS)
    for n, action in enumerate(actions):
        wrong = _problem_of(str(action.get("kind")), action.get("value"))
        if wrong:
            fields[f"actions.{n}.value"] = wrong
    kinds = [str(action.get("kind")) for action in actions]
    for group in _ONCE:
        places = [n for n, kind in enumerate(kinds) if kind in group]
        if len(places) > 1:
            fields[f"actions.{places[1]}.kind"] = say("can stand in a macro only once")
    if fields:
        raise Invalid("this macro cannot be kept so", fields)
    return [{"kind": action["kind"], "value": action["value"]} for action in actions]


def _problem_of(kind: str, value: Any) -> str:
    if kind not in KINDS:
        return say("must be one of {choices}", choices=", ".join(KINDS))
    if kind in ("reply", "note"):
        is_text = isinstance(value, str) and len(value.strip()) > 0 and len(value) <= TEXT_LENGTH
        return "" if is_text else say("must have 1 to {most} characters", most=TEXT_LENGTH)
    if kind == "status":
        return "" if value in STATUSES else say("must be one of {choices}", choices=", ".join(STATUSES))
    if type(value) is not int or value < 0:
        return say("must be an id") if kind in _IDS else say("must be a number")
    most = {"priority": 3, "snooze": LONGEST_SNOOZE}.get(kind)
    return say("must be from 0 to {most}", most=most) if most is not None and value > most else ""
