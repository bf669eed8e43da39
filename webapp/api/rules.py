"""Triage rules, and what they would have done."""

from __future__ import annotations

from typing import Any, cast

from guichet.errors import NotFound
from guichet.models import Rule as RuleRow
from guichet.policy import Action, require
from guichet.triage import operations, previewing
from guichet.triage.moments import When
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.triage import (
    Rule,
    RuleChange,
    RuleMatch,
    RuleNew,
    RuleOrder,
    RulePreview,
    RulePreviewIn,
    Since,
)
from webapp.asking import Asked, Room

room = Room("rules")


@room.get("/rules", Page[Rule], scope="manage")
def list_rules(asked: Asked) -> Page[Rule]:
    """In the order in which they are tried."""
    return Page(items=[_show(r) for r in operations.list_rules(asked.session, asked.actor)])


@room.post("/rules", Rule, scope="manage", status=201)
def add_rule(asked: Asked, body: RuleNew) -> Rule:
    """A new rule, tried last."""
    given = body.model_dump()
    is_on, when = given.pop("on"), _when(given)
    return _show(operations.create_rule(asked.session, asked.actor, **given, is_on=is_on, when=when, now=asked.now))


@room.patch("/rules/<int:id>", Rule, scope="manage")
def change_rule(asked: Asked, path: IdPath, body: RuleChange) -> Rule:
    """Change what it says, or switch it on or off."""
    row = _get(asked, path.id)
    changes = body.model_dump(exclude_none=True)
    is_on = changes.pop("on", None)
    if changes:
        names = ("name", "conditions", "actions", "brand_id", "stops", "since", "after_minutes", "in_hours")
        said = {**{name: getattr(row, name) for name in names}, **changes}
        if not said["since"] and "after_minutes" not in changes:
            said["after_minutes"] = None  # on a message again
        when = _when(said)
        operations.change_rule(asked.session, asked.actor, row, **said, when=when, now=asked.now)
    if is_on is not None:
        operations.switch_rule(asked.session, asked.actor, row, is_on=is_on, now=asked.now)
    return _show(row)


@room.post("/rules/order", Page[Rule], scope="manage")
def order_rules(asked: Asked, body: RuleOrder) -> Page[Rule]:
    """Put them in this order."""
    return Page(items=[_show(r) for r in operations.reorder_rules(asked.session, asked.actor, body.ids, asked.now)])


@room.delete("/rules/<int:id>", Done, scope="manage")
def remove_rule(asked: Asked, path: IdPath) -> Done:
    """Take it away."""
    operations.delete_rule(asked.session, asked.actor, _get(asked, path.id), asked.now)
    return Done()


@room.post("/rules/preview", RulePreview, scope="manage")
def preview_rule(asked: Asked, body: RulePreviewIn) -> RulePreview:
    """What these conditions would have matched among the last messages, or after a time what they
    match now; changes nothing."""
    given = body.model_dump()
    when = _when(given)
    found = previewing.preview_rule(asked.session, asked.actor, **given, when=when, now=asked.now)
    return RulePreview(
        tried=found.tried,
        matched=found.matched,
        items=[
            RuleMatch(message_id=e.message_id, conversation_id=e.conversation_id, text=e.preview, at=e.remote_at)
            for e in found.examples
        ],
    )


def _when(given: dict[str, Any]) -> When:
    """Taken out of it."""
    return When(given.pop("since"), given.pop("after_minutes"), given.pop("in_hours"))


def _get(asked: Asked, rule_id: int) -> RuleRow:
    require(asked.actor, Action.RULE_MANAGE)
    row = asked.session.get(RuleRow, rule_id)
    if row is None:
        raise NotFound("there is no such rule")
    return row


def _show(row: RuleRow) -> Rule:
    return Rule(
        id=row.id,
        name=row.name,
        on=row.is_on,
        position=row.position,
        brand_id=row.brand_id,
        stops=row.stops,
        since=cast(Since, row.since),
        after_minutes=row.after_minutes,
        in_hours=row.in_hours,
        conditions=row.conditions,
        actions=row.actions,
        updated_at=row.updated_at,
    )
