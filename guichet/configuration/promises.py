"""Importing what is promised to whom."""

from __future__ import annotations

from typing import Any

from guichet.configuration.document import Document, PromisePart
from guichet.configuration.rules import Unknown, numbered_actions, numbered_conditions
from guichet.configuration.steps import Here, Import, Step, columns
from guichet.promises import operations


def import_promises(at: Import, document: Document) -> None:
    """By brand and name; those of the document come first, in its order."""
    before = operations.list_policies(at.session, at.actor)
    here = Here(((row.brand_id, row.name), row) for row in before)
    first: list[int] = []
    for n, part in enumerate(document.promises):
        with at.part(f"promises.{n}"):
            values = _values(at, part)
            row = here.take((values["brand_id"], part.name))
            changes = at.differing("promise", part.name, columns(row, values), values)
            if row is None:
                row = operations.add_policy(at.session, at.actor, values, at.now)
            elif changes:
                operations.change_policy(at.session, at.actor, row, changes, at.now)
            first.append(row.id)
    if document.promises and not at.problems:
        _put_in_order(at, first, [row.id for row in before])


def _values(at: Import, part: PromisePart) -> dict[str, Any]:
    return {
        **part.model_dump(include={"name", *operations.MINUTES, "runs_always"}),
        "is_on": part.on,
        "brand_id": at.id_of("brand", part.brand, "brand"),
        "conditions": numbered_conditions(part.conditions, at.numbers),
        "steps": [
            {"of": s.of, "percent": s.percent, "actions": _actions(at, s.actions, n)} for n, s in enumerate(part.steps)
        ],
    }


def _actions(at: Import, actions: list[dict[str, Any]], step: int) -> list[dict[str, Any]]:
    try:
        return numbered_actions(actions, at.numbers)
    except Unknown as e:
        e.path = f"steps.{step}.{e.path}"
        raise


def _put_in_order(at: Import, first: list[int], before: list[int]) -> None:
    """Where a new one goes is a part of making it; that those here change places is said."""
    ids = [row.id for row in operations.list_policies(at.session, at.actor)]
    wanted = [*first, *(i for i in ids if i not in set(first))]
    if ids != wanted:
        operations.order_policies(at.session, at.actor, wanted, at.now)
    if [i for i in wanted if i in set(before)] != before:
        at.steps.append(Step("promise", "the order of all", "change", ("position",)))
