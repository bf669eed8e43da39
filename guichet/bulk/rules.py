"""Whether rows can become posts: each by itself, against each other, and against what is
planned already. Pure: values and `now` in, findings out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from channels.contract import Surface
from channels.sentences import say
from guichet.bulk.phrases import column_of, refusal, worth_knowing
from guichet.bulk.reading import Finding, Place, Plan, Reader, Usual
from guichet.bulk.tables import Row
from guichet.publishing.drafting import MOST_ITEMS
from guichet.publishing.link_rules import tags_for, values_of
from guichet.publishing.link_tags import links_in
from guichet.publishing.linking import tagged
from guichet.publishing.mention_rules import called_on, names_of, with_names
from guichet.publishing.renditions import fitted
from guichet.publishing.rules import AccountCheck, Content, Part, check

_PAST = timedelta(minutes=1)
Planned = tuple[int, str, datetime | None]  # account, text, time: of what is there already


@dataclass(frozen=True)
class Checked:
    """The plans of all rows in their order, and everything that was found."""

    plans: tuple[Plan, ...]
    findings: tuple[Finding, ...]

    @property
    def wrong(self) -> tuple[Finding, ...]:
        """What stands in the way."""
        return tuple(f for f in self.findings if f.is_error)


def check_rows(rows: Sequence[Row], places: Sequence[Place], usual: Usual, now: datetime) -> Checked:
    """Read and check every row. What is there already is compared by `find_repeated`."""
    plans: list[Plan] = []
    findings: list[Finding] = []
    for row in rows:
        reader = Reader(row, places, usual)
        plan = reader.read()
        plans.append(plan)
        findings += [*reader.found, *_check_plan(plan, usual, now)]
    return Checked(tuple(plans), (*findings, *_repeats(plans), *_descriptions(plans)))


def find_repeated(plans: Iterable[Plan], planned: Collection[Planned]) -> list[Finding]:
    """Rows that say what is planned already, on the same account for the same moment."""
    there = frozenset(planned)
    return [
        Finding(plan.row, "text", "already_there",
                say("{account} says this already at that time: leave the row out.", account=place.shown))
        for plan in plans
        for place in plan.places
        if (place.id, plan.text, plan.due_at) in there
    ]  # fmt: skip


def contents_of(plan: Plan) -> list[Content]:
    """What each account would get."""
    parts = (
        Part(plan.text, plan.files),
        *(Part(item, kind="thread_item") for item in plan.items),
        *((Part(plan.first_comment, kind="first_comment"),) if plan.first_comment else ()),
    )
    return [Content(place.id, parts, plan.language, plan.subject) for place in plan.places]


def digest_of(rows: Iterable[Mapping[str, str]], usual: Usual) -> str:
    """What tells that the same rows, with the same choices, are brought in once more."""
    files = {name: ref.sha256 for name, ref in usual.media.items()}
    plain: list[Any] = [[sorted(cells.items()) for cells in rows], sorted(usual.accounts), usual.time_zone, files]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _check_plan(plan: Plan, usual: Usual, now: datetime) -> list[Finding]:
    found = []
    if plan.due_at is not None and plan.due_at < now - _PAST:
        found.append(
            Finding(plan.row, "date", "past", say("This time is past: write a later one, or none for a draft."))
        )
    if len(plan.items) > MOST_ITEMS:
        found.append(Finding(plan.row, "thread", "too_many_items", say("are more than {most}", most=MOST_ITEMS)))
    return [*found, *_refusals(plan, usual, now)]


def _refusals(plan: Plan, usual: Usual, now: datetime) -> list[Finding]:
    """What the networks would say; what several say of one cell is one finding each."""
    found: dict[tuple[str, str, str], Finding] = {}
    for place, content in zip(plan.places, contents_of(plan), strict=True):
        limit = place.spec.limits_for(place.settings).media.get(Surface.PUBLIC)
        values = values_of(
            network=place.network, account=place.handle, brand=place.brand, campaign=plan.campaign,
            post_id=usual.next_post, wall_time=plan.wall_time or now.isoformat(),
        )  # fmt: skip
        tags = tags_for(place.link_rule, values) if plan.tags_links else None
        called = called_on(names_of(content), place.book, place.network, place.spec.mentions)
        checked = _check(with_names(tagged(fitted(content, {}, limit, usual.made), tags), called), place)
        for item, notice in checked.notices:
            column = column_of(notice, content.parts[item].kind)
            said = worth_knowing(notice, place.shown)
            found.setdefault((column, notice.name, said), Finding(plan.row, column, notice.name, said, is_error=False))
        for item, problem in checked.problems:
            if problem.data.get("can_fit") and content.parts[item].media[problem.data["index"]].film:
                continue  # it is made when the post is sent off
            column = column_of(problem, content.parts[item].kind)
            message = refusal(problem, place.shown)
            found.setdefault((column, problem.name, message), Finding(plan.row, column, problem.name, message))
    return [*found.values(), *_cardless(plan)]


def _check(content: Content, place: Place) -> AccountCheck:
    return check(content, place.spec, place.settings, needs_alt_text=place.needs_alt)


def _cardless(plan: Plan) -> list[Finding]:
    """A table says nothing of cards: where a network is given them, its links have none."""
    shown = [place.shown for place in plan.places if place.spec.card == "given"]
    if not shown or plan.files or not links_in(plan.text):
        return []
    message = say("Its link stands without a card on {accounts}: Compose puts one.", accounts=", ".join(shown))
    return [Finding(plan.row, "text", "card_undecided", message, is_error=False)]


def _repeats(plans: Sequence[Plan]) -> list[Finding]:
    """Rows that say the same on the same account: at the same time an error, at another one
    worth knowing, for networks refuse what they take for a repetition."""
    found: list[Finding] = []
    first: dict[tuple[int, Any], Plan] = {}
    exact: dict[tuple[int, Any, datetime | None], Plan] = {}
    for plan in plans:
        if not plan.text and not plan.files:
            continue
        for place in plan.places:
            same = exact.setdefault((place.id, plan.said(), plan.due_at), plan)
            like = first.setdefault((place.id, plan.said()), plan)
            if same is not plan:
                message = say("The same as row {row}, at the same time: leave one out.", row=str(same.row))
                found.append(Finding(plan.row, "text", "duplicate_row", message))
                break
            if like is not plan:
                message = say("Says the same as row {row}; networks may refuse a repetition.", row=str(like.row))
                found.append(Finding(plan.row, "text", "same_text", message, is_error=False))
                break
    return found


def _descriptions(plans: Sequence[Plan]) -> list[Finding]:
    """One file has one description."""
    said: dict[int, str] = {}
    return [
        Finding(plan.row, "alt_text", "two_descriptions",
                say("“{file}” is described otherwise in another row: a file has one description.", file=file.filename))
        for plan in plans
        for file in plan.files
        if said.setdefault(file.media_id, file.alt) != file.alt
    ]  # fmt: skip
