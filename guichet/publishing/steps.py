"""Whether a step of an approval is done, and whose turn it is. Pure.

A step names people, teams or a guest; one of them or all of them must agree. Who has left,
is away or lost their right is absent: their deputies are asked, and where there is none,
anybody who may approve on the account. Nobody's absence ever agrees to anything: a step
is done by what somebody said, never by what nobody did.

Refused: the words of one's own. Who wrote it is not asked, unless the policy says so; where
that leaves nobody, the step goes to deputies and the queue like that of somebody absent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from channels.sentences import say
from guichet.errors import Invalid

GUEST = 0  # stands among people's numbers for whoever holds a link
NEEDS = ("any", "all")
MOST_STEPS = 10


@dataclass(frozen=True)
class Step:
    """One step. Names nobody: anybody who may approve on the account. `deputy_after` in
    minutes: from then on deputies may decide too (None: only when somebody is absent)."""

    name: str = ""
    need: str = "any"
    staff: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    external: bool = False
    deputies: tuple[int, ...] = ()
    deputy_after: int | None = None

    @property
    def is_open(self) -> bool:
        return not (self.staff or self.teams or self.external)

    def plain(self) -> dict[str, Any]:
        """As it stands in a row."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


OPEN_STEP = Step()


def step_of(plain: Mapping[str, Any]) -> Step:
    """The step that `Step.plain` gave."""
    plain_lists = {k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()}
    return Step(**cast(dict[str, Any], plain_lists))


def require_good_steps(steps: Sequence[Step]) -> None:
    """Raises Invalid: by `steps.N`."""
    wrong: dict[str, str] = {}
    if len(steps) > MOST_STEPS:
        wrong["steps"] = say("are more than {most}", most=MOST_STEPS)
    for n, step in enumerate(steps):
        if step.need not in NEEDS:
            wrong[f"steps.{n}.need"] = say("must be one of {choices}", choices=", ".join(NEEDS))
        if step.is_open and step.need == "all":
            wrong[f"steps.{n}.need"] = say("names nobody: choose who must all agree")
        if step.deputy_after is not None and (step.deputy_after < 1 or not step.deputies):
            wrong[f"steps.{n}.deputy_after"] = say("needs a deputy, and at least a minute")
    if wrong:
        raise Invalid("these steps cannot be", wrong)


@dataclass(frozen=True)
class People:
    """Who a step names, as they are now: `named` with its teams' members and GUEST;
    `absent`, `authors` of them; `deputies` who are there and did not write it."""

    named: frozenset[int]
    absent: frozenset[int] = frozenset()
    authors: frozenset[int] = frozenset()
    deputies: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Standing:
    """How a step stands. `waits_for`: of those it names, who may still decide."""

    is_done: bool
    waits_for: frozenset[int]
    deputies: frozenset[int] = frozenset()
    is_open: bool = False  # anybody who may approve on the account may decide
    barred: frozenset[int] = frozenset()  # who wrote it

    def lets(self, person: int, may_approve: bool) -> bool:
        """Whether it is this person's turn; `may_approve` on the account."""
        if self.is_done or person in self.barred:
            return False
        return person in self.waits_for or person in self.deputies or (self.is_open and may_approve)


def standing(step: Step, people: People, approved: Collection[int], since: datetime, now: datetime) -> Standing:
    """How the step, which began at `since`, stands after what was `approved` at it, each by
    whoever's turn it was."""
    given = frozenset(approved) - people.authors
    if step.is_open:
        return Standing(bool(given), frozenset(), is_open=True, barred=people.authors)
    asked = people.named - people.authors - people.absent
    deputies = people.deputies - people.named - people.authors
    is_overdue = step.deputy_after is not None and now >= since + timedelta(minutes=step.deputy_after)
    if step.need == "any":
        done, outstanding, lacks = bool(given), asked, not asked
    else:
        has_stand_in = bool(given - people.named)
        missing = (people.named & people.absent) - people.authors - given
        outstanding = asked - given
        lacks = (bool(missing) or not asked) and not has_stand_in
        done = bool(given) and not lacks and (not outstanding or (is_overdue and has_stand_in))
    may_stand_in = lacks or (is_overdue and bool(outstanding))
    return Standing(
        is_done=done, waits_for=outstanding, deputies=deputies - given if may_stand_in else frozenset(),
        is_open=lacks and not deputies, barred=people.authors,
    )  # fmt: skip
