"""Rows that stand too near to what is planned, or to each other, on accounts that want a
distance between their posts; and those that repeat it where the account refuses repetitions.
Told by row, so that it is mended before anything is brought in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from channels.sentences import Sentence, say
from guichet.bulk.reading import Finding, Place, Plan
from guichet.publishing.clash_rules import Clash, Neighbour, Spacing, clashes_of


@dataclass(frozen=True)
class Surroundings:
    """What an account wants, and what is planned on it already."""

    wanted: Spacing
    planned: Sequence[Neighbour]


def find_crowded(plans: Iterable[Plan], around: Mapping[int, Surroundings]) -> list[Finding]:
    """Every row against what is planned and against the rows before it. `around` by account;
    errors where the account refuses, else worth knowing."""
    before: dict[int, list[Neighbour]] = {}
    found: list[Finding] = []
    for plan in plans:
        at = plan.due_at
        if at is None:
            continue
        for place in plan.places:
            if place.id in around:
                rows = before.setdefault(place.id, [])
                found += _of_row(plan, at, place, around[place.id], rows)
                rows.append(Neighbour(-plan.row, at, plan.text))
    return found


def _of_row(plan: Plan, at: datetime, place: Place, around: Surroundings, rows: Sequence[Neighbour]) -> list[Finding]:
    # Without a refusal the same words are said by other findings, and only the distance counts.
    wanted = around.wanted if around.wanted.refuses else replace(around.wanted, duplicate_days=0)
    near = [n for n in (*around.planned, *rows) if abs(n.at - at) <= wanted.reach]
    return [
        Finding(plan.row, "date" if c.name == "too_close" else "text", c.name, _words(c, place), is_error=c.refused)
        for c in clashes_of(place.id, plan.text, at, near, wanted)
    ]


def _words(clash: Clash, place: Place) -> Sentence:
    row = str(-clash.post_id)
    if clash.name == "too_close":
        far = {"gap": clash.data["gap"], "minutes": clash.data["minutes"]}
        if clash.post_id < 0:
            return say(
                "{account} wants {gap} minutes between posts, and row {row} is {minutes} minutes away.",
                account=place.shown, row=row, **far,
            )  # fmt: skip
        return say(
            "{account} wants {gap} minutes between posts, and a planned one is {minutes} minutes away.",
            account=place.shown, **far,
        )  # fmt: skip
    if clash.post_id < 0:
        return say(
            "{account} does not repeat itself, and row {row} says the same or nearly the same.",
            account=place.shown, row=row,
        )  # fmt: skip
    return say(
        "{account} does not repeat itself, and a planned post says the same or nearly the same.", account=place.shown
    )
