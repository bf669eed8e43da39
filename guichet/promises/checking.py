"""What can be wrong with a policy as somebody writes it, told where it is wrong. Pure; whether
what an id names exists is asked elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from channels.sentences import say

LIMIT = 50  # conditions, values
MOST_STEPS = 10
MOST_ACTIONS = 10
LONGEST_MINUTES = 527_040  # 366 days
MOST_PERCENT = 300

OPERATORS = ("is", "is_not")
_CHOICES: Mapping[str, tuple[Any, ...] | None] = {
    "priority": (0, 1, 2, 3), "network": None, "surface": ("public", "direct", "mail"), "language": None,
    "customer": ("vip", "blocked"), "label": None, "account": None,
}  # fmt: skip
BY_ID = ("label", "account")
STEPS_OF = ("answer", "resolution")
ACTIONS = ("tell_assignee", "tell_leads", "tell_staff", "tell_team", "priority", "team")
WITHOUT_VALUE = ("tell_assignee", "tell_leads")

Problems = dict[str, str]


def problems_of_conditions(conditions: Any) -> Problems:
    """By dotted field name; {} if nothing."""
    return _each("conditions", conditions, LIMIT, _problem_of_condition)


def problems_of_steps(steps: Any) -> Problems:
    """By dotted field name; {} if nothing."""
    return _each("steps", steps, MOST_STEPS, _problem_of_step)


def problems_of_minutes(minutes: Mapping[str, int | None]) -> Problems:
    """Of "first_minutes", …: at least one, each of 1 minute to 366 days."""
    wrong: Problems = {
        name: say("must be a number from {least} to {most}", least=1, most=LONGEST_MINUTES)
        for name, value in minutes.items()
        if value is not None and not (type(value) is int and 1 <= value <= LONGEST_MINUTES)
    }
    if not any(value is not None for value in minutes.values()):
        wrong[next(iter(minutes))] = say("promise something: an answer or that it is settled")
    return wrong


def _each(name: str, parts: Any, most: int, problem: Callable[[Mapping[str, Any]], Problems]) -> Problems:
    if not isinstance(parts, Sequence) or isinstance(parts, str) or len(parts) > most:
        return {name: say("must be a list of at most {most}", most=most)}
    wrong: Problems = {}
    for n, part in enumerate(parts):
        found = problem(part) if isinstance(part, Mapping) else {"": say("must be an object")}
        wrong.update({f"{name}.{n}.{where}".rstrip("."): what for where, what in found.items()})
    return wrong


def _problem_of_condition(condition: Mapping[str, Any]) -> Problems:
    name, values = condition.get("field"), condition.get("value")
    if name not in _CHOICES:
        return {"field": _one_of(tuple(_CHOICES))}
    if condition.get("operator") not in OPERATORS:
        return {"operator": _one_of(OPERATORS)}
    if not isinstance(values, list) or not 0 < len(values) <= LIMIT:
        return {"value": say("must be a list of 1 to {most} values", most=LIMIT)}
    allowed = _CHOICES[str(name)]
    if allowed is not None:
        return {} if all(type(v) is type(allowed[0]) and v in allowed for v in values) else {"value": _one_of(allowed)}
    wanted = int if name in BY_ID else str
    if all(type(v) is wanted and (wanted is int or 0 < len(str(v)) <= 100) for v in values):
        return {}
    return {"value": say("must be ids") if wanted is int else say("must be texts of 1 to {most} characters", most=100)}


def _problem_of_step(step: Mapping[str, Any]) -> Problems:
    wrong: Problems = {}
    percent = step.get("percent")
    if step.get("of") not in STEPS_OF:
        wrong["of"] = _one_of(STEPS_OF)
    if type(percent) is not int or not 1 <= percent <= MOST_PERCENT:
        wrong["percent"] = say("must be a number from {least} to {most}", least=1, most=MOST_PERCENT)
    actions = step.get("actions")
    if not isinstance(actions, Sequence) or isinstance(actions, str) or not actions:
        return {**wrong, "actions": say("must be a list of 1 to {most} actions", most=MOST_ACTIONS)}
    return {**wrong, **_each("actions", actions, MOST_ACTIONS, _problem_of_action)}


def _problem_of_action(action: Mapping[str, Any]) -> Problems:
    kind, value = action.get("kind"), action.get("value")
    if kind not in ACTIONS:
        return {"kind": _one_of(ACTIONS)}
    if kind in WITHOUT_VALUE:
        return {} if value is None else {"value": say("must be empty")}
    if kind == "priority":
        return {} if type(value) is int and 0 <= value <= 3 else {"value": say("must be a number from 0 to 3")}
    return {} if type(value) is int else {"value": say("must be an id")}


def _one_of(choices: Sequence[Any]) -> str:
    return say("must be one of {choices}", choices=", ".join(map(str, choices)))
