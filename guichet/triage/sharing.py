"""Who gets what of a team's queue. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

# What a conversation weighs against its assignee's capacity, by priority.
WEIGHT: Mapping[int, int] = {0: 1, 1: 1, 2: 2, 3: 3}
LEAST_WEIGHT = min(WEIGHT.values())
HOUR = timedelta(hours=1)  # what a cap is counted in: the last one, not the clock's
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Task:
    """What there is to give. `let_go_by`: who had it last and gave it back to the queue."""

    account_id: int
    language: str
    weight: int
    labels: frozenset[str] = frozenset()
    let_go_by: int | None = None


@dataclass(frozen=True)
class Member:
    """Who could have it. `load` is the weight of what they have; `accounts` those on which
    they may answer (None: all); no languages named means all; `left` is how many more they are
    given in this hour (None: any)."""

    staff_id: int
    load: int
    capacity: int
    is_here: bool = True
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    accounts: frozenset[int] | None = None
    last_assigned_at: datetime | None = None
    left: int | None = None

    def has_room(self, weight: int = LEAST_WEIGHT) -> bool:
        """Whether their capacity and their hour leave room for this."""
        return self.load + weight <= self.capacity and (self.left is None or self.left > 0)

    def having(self, task: Task, now: datetime) -> Member:
        """The same once they were given it."""
        left = None if self.left is None else self.left - 1
        return replace(self, load=self.load + task.weight, last_assigned_at=now, left=left)


def choose(task: Task, members: Sequence[Member], mode: str) -> Member | None:
    """The member who gets it; None: nobody can, it stays in the queue.

    Where a label of the task is a skill of somebody in the team, only those who have it are
    asked. Whoever let it go does not get it back while somebody else suits, even if that one
    has no room yet. "round_robin": whoever waited longest for their turn; "least_loaded":
    whoever has most of their capacity left.
    """
    suited = [m for m in members if _suits(task, m)]
    wanted = task.labels & frozenset().union(*(m.skills for m in members))
    if wanted:
        suited = [m for m in suited if wanted <= m.skills]
    others = [m for m in suited if m.staff_id != task.let_go_by]
    able = [m for m in others or suited if m.has_room(task.weight)]
    if mode == "least_loaded":
        return min(able, key=lambda m: (m.load / m.capacity, m.last_assigned_at or _NEVER, m.staff_id), default=None)
    return min(able, key=lambda m: (m.last_assigned_at or _NEVER, m.load, m.staff_id), default=None)


def _suits(task: Task, member: Member) -> bool:
    return (
        member.is_here
        and task.weight <= member.capacity
        and (member.accounts is None or task.account_id in member.accounts)
        and (not task.language or not member.languages or task.language in member.languages)
    )


def left_of(cap: int, given: Sequence[datetime], now: datetime) -> int | None:
    """How many more somebody is given now, of those given to them at these moments; None: any."""
    return max(0, cap - len(_of_this_hour(given, now))) if cap else None


def next_at(cap: int, given: Sequence[datetime], now: datetime) -> datetime | None:
    """When somebody who has had all of this hour is next given something; None: they have not."""
    counted = _of_this_hour(given, now)
    return counted[-cap] + HOUR if cap and len(counted) >= cap else None


def _of_this_hour(given: Sequence[datetime], now: datetime) -> list[datetime]:
    return sorted(at for at in given if at > now - HOUR)
