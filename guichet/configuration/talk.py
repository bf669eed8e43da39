"""Importing how what is said is handled: labels, rules, prepared texts, views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from guichet import audit
from guichet.configuration.document import Document, RulePart
from guichet.configuration.rules import numbered_actions, numbered_conditions, numbered_filters
from guichet.configuration.steps import Here, Import, Step, columns
from guichet.errors import Invalid
from guichet.inbox import operations as inbox
from guichet.models import CannedReply, Label, Rule, SavedView
from guichet.policy import Action, require
from guichet.triage import operations, prepared
from guichet.triage.moments import When


def import_labels(at: Import, document: Document) -> None:
    """Labels by name."""
    here = {x.name: x for x in at.session.scalars(select(Label))}
    for n, part in enumerate(document.labels):
        with at.part(f"labels.{n}"):
            name = " ".join(part.name.split())
            row, values = here.get(name), {"colour": part.colour}
            changes = at.differing("label", name, columns(row, values), values)
            if row is None:
                row = inbox.create_label(at.session, at.actor, name=name, colour=part.colour, now=at.now)
            elif changes:
                inbox.change_label(at.session, at.actor, row, name=name, colour=part.colour, now=at.now)
            at.know("label", part.name, row.id)
            at.know("label", name, row.id)


def import_rules(at: Import, document: Document) -> None:
    """Rules by brand and name; those of the document come first, in its order."""
    here = Here(((r.brand_id, r.name), r) for r in at.session.scalars(select(Rule).order_by(Rule.position, Rule.id)))
    in_order: list[int] = []
    for n, part in enumerate(document.rules):
        with at.part(f"rules.{n}"):
            values = _rule(at, part)
            row = here.take((values["brand_id"], part.name))
            changes = at.differing("rule", part.name, columns(row, values), values)
            if row is None:
                row = operations.create_rule(at.session, at.actor, **_asked(values), now=at.now)
            elif changes:
                _change_rule(at, row, values, changes)
            in_order.append(row.id)
    if document.rules and not at.problems:
        _put_in_order(at, in_order)


def _rule(at: Import, part: RulePart) -> dict[str, Any]:
    return {
        "name": part.name,
        "brand_id": at.id_of("brand", part.brand, "brand"),
        "is_on": part.on,
        "stops": part.stops,
        "since": part.since,
        "after_minutes": part.after_minutes,
        "in_hours": part.in_hours,
        "conditions": numbered_conditions(part.conditions, at.numbers),
        "actions": numbered_actions(part.actions, at.numbers),
    }


def _asked(values: dict[str, Any]) -> dict[str, Any]:
    when = When(values["since"], values["after_minutes"], values["in_hours"])
    return {**{k: v for k, v in values.items() if k not in ("since", "after_minutes", "in_hours")}, "when": when}


def _change_rule(at: Import, row: Rule, values: dict[str, Any], changes: dict[str, Any]) -> None:
    if set(changes) != {"is_on"}:
        said = {k: v for k, v in _asked(values).items() if k != "is_on"}
        operations.change_rule(at.session, at.actor, row, **said, now=at.now)
    if "is_on" in changes:
        operations.switch_rule(at.session, at.actor, row, is_on=values["is_on"], now=at.now)


def _put_in_order(at: Import, first: list[int]) -> None:
    before = list(at.session.scalars(select(Rule.id).order_by(Rule.position, Rule.id)))
    after = [*first, *(i for i in before if i not in set(first))]
    if before != after:
        operations.reorder_rules(at.session, at.actor, after, at.now)
        at.steps.append(Step("rule", "the order of all", "change", ("position",)))


def import_canned_replies(at: Import, document: Document) -> None:
    """Prepared texts by brand and title."""
    rows = at.session.scalars(select(CannedReply).order_by(CannedReply.id))
    here = Here(((c.brand_id, c.title), c) for c in rows)
    for n, part in enumerate(document.canned_replies):
        with at.part(f"canned_replies.{n}"):
            brand_id = at.id_of("brand", part.brand, "brand")
            row, values = here.take((brand_id, part.title)), part.model_dump(exclude={"title", "brand"})
            changes = at.differing("canned reply", part.title, columns(row, values), values)
            if row is None:
                prepared.add_canned(at.session, at.actor, title=part.title, brand_id=brand_id, **values, now=at.now)
            elif changes:
                prepared.change_canned(at.session, at.actor, row, changes, at.now)


def import_views(at: Import, document: Document) -> None:
    """Kept filters by person and name; another's view is set up by who manages the staff."""
    require(at.actor, Action.STAFF_MANAGE)
    rows = at.session.scalars(select(SavedView).order_by(SavedView.position, SavedView.id))
    here = Here(((v.staff_id, v.name), v) for v in rows)
    for n, part in enumerate(document.views):
        with at.part(f"views.{n}"):
            staff_id = at.id_of("staff", part.owner, "owner")
            filters = numbered_filters(part.filters, at.numbers)
            wrong = at.filter_problems(filters)
            if wrong:
                raise Invalid("these filters make no sense", {f"filters.{k}".rstrip("."): v for k, v in wrong.items()})
            row, values = here.take((staff_id, part.name)), {"filters": filters}
            changes = at.differing("view", part.name, columns(row, values), values)
            if row is None:
                row = SavedView(staff_id=staff_id, name=part.name, position=n, **values)
                at.session.add(row)
                at.session.flush()
                audit.record(at.session, at.actor, "view.add", row, at.now)
            elif changes:
                row.filters = filters
                audit.record(at.session, at.actor, "view.change", row, at.now)
