"""Promises as pure values: which policy a conversation falls under, by when that promises what,
when its steps are due, and whether it was kept.

A condition is {"field", "operator" (is, is_not), "value" (a list)}; all of a policy's must hold:

    priority   0 to 3               network   names ("mastodon")
    surface    public, direct, mail language  codes ("fr")
    customer   vip, blocked         label, account   ids

A step is {"of" (answer, resolution), "percent" (of the promised time), "actions"}, an action
{"kind", "value"}: tell_assignee, tell_leads (of its team), tell_staff and tell_team (id),
priority (at least that, 0 to 3), team (id). Each is taken once for a wait and a policy's version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from guichet.promises import hours as business
from guichet.promises.hours import Hours

FIRST, NEXT, RESOLUTION = KINDS = ("first", "next", "resolution")
Pauses = Sequence[tuple[datetime, datetime | None]]


@dataclass(frozen=True)
class Case:
    """What policies ask of a conversation."""

    brand_id: int
    account_id: int
    network: str
    surface: str
    language: str
    priority: int
    customer: frozenset[str] = frozenset()
    labels: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Step:
    """What is done once `percent` of the promised time has passed."""

    of: str
    percent: int
    actions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Policy:
    """A policy as decided upon, apart from its row. Minutes None: not promised."""

    id: int
    version: int = 1
    brand_id: int | None = None
    conditions: Sequence[Mapping[str, Any]] = ()
    minutes: Mapping[str, int | None] = field(default_factory=dict)
    runs_always: bool = False
    steps: tuple[Step, ...] = ()

    def asks_for(self, name: str) -> bool:
        return any(c["field"] == name for c in self.conditions)

    def steps_of(self, kind: str) -> list[tuple[str, Step]]:
        """The steps for a promise of this kind, each by the name under which it counts as taken."""
        of = "resolution" if kind == RESOLUTION else "answer"
        return [(f"{self.id}.{self.version}.{n}", s) for n, s in enumerate(self.steps) if s.of == of]


@dataclass(frozen=True)
class Clock:
    """Since when a promise counts, in whose hours (None: the whole day), and when it stood still:
    `pauses` in order, the last perhaps without an end."""

    since: datetime
    hours: Hours | None = None
    pauses: Pauses = ()

    def moment(self, amount: timedelta) -> datetime | None:
        """When `amount` of time that counts will have passed. None: it does not come to it."""
        begun, left = self.since, amount
        for paused, resumed in self.pauses:
            counted = self._between(begun, paused)
            if left <= counted:
                break
            if resumed is None:
                return None
            begun, left = max(begun, resumed), left - counted
        return begun + left if self.hours is None else business.add_open(self.hours, begun, left)

    def _between(self, start: datetime, end: datetime) -> timedelta:
        if self.hours is not None:
            return business.open_between(self.hours, start, end)
        return max(timedelta(0), end - start)


def choose(policies: Iterable[Policy], case: Case) -> Policy | None:
    """The first that fits; None: nothing is promised."""
    return next((p for p in policies if fits(p, case)), None)


def fits(policy: Policy, case: Case) -> bool:
    return policy.brand_id in (None, case.brand_id) and all(_holds(c, case) for c in policy.conditions)


def _holds(condition: Mapping[str, Any], case: Case) -> bool:
    name, values = condition["field"], condition["value"]
    if name == "customer":
        found = not case.customer.isdisjoint(values)
    elif name == "label":
        found = not case.labels.isdisjoint(values)
    else:
        found = getattr(case, "account_id" if name == "account" else name) in values
    return bool(found == (condition["operator"] == "is"))


def due(policy: Policy, kind: str, clock: Clock) -> datetime | None:
    """By when the policy promises it. None: it does not, or the clock never comes to it."""
    minutes = policy.minutes.get(kind)
    return None if minutes is None else clock.moment(timedelta(minutes=minutes))


def due_steps(
    policy: Policy, kind: str, clock: Clock, fired: Iterable[str], now: datetime
) -> list[tuple[str, Step]]:  # fmt: skip
    """The steps that should have been taken by `now` and were not, earliest first."""
    times = [(at, name, step) for at, name, step in _to_come(policy, kind, clock, fired) if at <= now]
    return [(name, step) for _, name, step in sorted(times, key=lambda x: (x[0], x[1]))]


def next_step_at(policy: Policy, kind: str, clock: Clock, fired: Iterable[str]) -> datetime | None:
    """When the next step is due that was not taken yet; None: there is none."""
    return min((at for at, _, _ in _to_come(policy, kind, clock, fired)), default=None)


def _to_come(
    policy: Policy, kind: str, clock: Clock, fired: Iterable[str]
) -> list[tuple[datetime, str, Step]]:  # fmt: skip
    minutes, taken = policy.minutes.get(kind), set(fired)
    if minutes is None:
        return []
    found = []
    for name, step in policy.steps_of(kind):
        at = clock.moment(timedelta(minutes=minutes) * step.percent / 100) if name not in taken else None
        if at is not None:
            found.append((at, name, step))
    return found


# How a wait's end counts: an answer is in time or late, closing without one breaks the promise;
# what is in neither was not for us to keep (spam, a thank-you, merged with another).
_ANSWERS = frozenset({"human_reply", "answered_elsewhere"})
_NOT_COUNTED = frozenset({"bot_reply", "not_needed", "moderated", "merged"})


def verdict(end_kind: str, ended_at: datetime, due_at: datetime | None) -> bool | None:
    """Whether an answer was given as promised; None: not counted. Who gave up and took back
    what they wrote counts against us only if they waited too long."""
    if due_at is None or end_kind in _NOT_COUNTED:
        return None
    if end_kind in _ANSWERS:
        return ended_at <= due_at
    if end_kind == "withdrawn":
        return None if ended_at <= due_at else False
    return False
