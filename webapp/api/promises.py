"""What is promised to whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guichet.inbox import personal
from guichet.models import PromisePolicy as PolicyRow
from guichet.promises import operations, previewing
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.promises import (
    PromiseMatch,
    PromiseOrder,
    PromisePolicy,
    PromisePolicyChange,
    PromisePolicyNew,
    PromisePreview,
    PromisePreviewIn,
)
from webapp.asking import Asked, Room

room = Room("promises")
_MAY_BE_NULL = ("brand_id", *operations.MINUTES)


@room.get("/promises", Page[PromisePolicy], scope="manage")
def list_promises(asked: Asked) -> Page[PromisePolicy]:
    """In the order in which they are tried; the first that fits decides."""
    return Page(items=[_show(row) for row in operations.list_policies(asked.session, asked.actor)])


@room.post("/promises", PromisePolicy, scope="manage", status=201)
def add_promise(asked: Asked, body: PromisePolicyNew) -> PromisePolicy:
    """A new promise, tried first. Who waits is measured anew within seconds."""
    return _show(operations.add_policy(asked.session, asked.actor, _values(body.model_dump()), asked.now))


@room.patch("/promises/<int:id>", PromisePolicy, scope="manage")
def change_promise(asked: Asked, path: IdPath, body: PromisePolicyChange) -> PromisePolicy:
    """Change it, or switch it on or off. Who has had their answer keeps what they were promised."""
    row = operations.get_policy(asked.session, asked.actor, path.id)
    given = body.model_dump(exclude_unset=True)
    changes = _values({name: v for name, v in given.items() if v is not None or name in _MAY_BE_NULL})
    return _show(operations.change_policy(asked.session, asked.actor, row, changes, asked.now))


@room.post("/promises/order", Page[PromisePolicy], scope="manage")
def order_promises(asked: Asked, body: PromiseOrder) -> Page[PromisePolicy]:
    """Try them in this order."""
    rows = operations.order_policies(asked.session, asked.actor, body.ids, asked.now)
    return Page(items=[_show(row) for row in rows])


@room.delete("/promises/<int:id>", Done, scope="manage")
def remove_promise(asked: Asked, path: IdPath) -> Done:
    """Promise it to nobody any more; its figures stay."""
    row = operations.get_policy(asked.session, asked.actor, path.id)
    operations.remove_policy(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/promises/preview", PromisePreview, scope="manage")
def preview_promise(asked: Asked, body: PromisePreviewIn) -> PromisePreview:
    """What it would mean for who waits now; changes nothing."""
    given = body.model_dump(exclude={"policy_id"})
    found = previewing.preview_policy(asked.session, asked.actor, given, policy_id=body.policy_id, now=asked.now)
    items = [
        PromiseMatch(
            conversation_id=e.conversation_id,
            text=personal.cover(e.preview) if e.surface == "public" else e.preview,
            since=e.since,
            due_at=e.due_at,
        )
        for e in found.examples
    ]
    return PromisePreview(tried=found.tried, matched=found.matched, late=found.late, items=items)


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"is_on" if name == "on" else name: value for name, value in given.items()}


def _show(row: PolicyRow) -> PromisePolicy:
    return PromisePolicy(
        id=row.id, name=row.name, on=row.is_on, position=row.position, brand_id=row.brand_id,
        conditions=row.conditions, first_minutes=row.first_minutes, next_minutes=row.next_minutes,
        resolution_minutes=row.resolution_minutes, runs_always=row.runs_always, steps=row.steps,
        version=row.version, updated_at=row.updated_at,
    )  # fmt: skip
