"""Alerts: what is called for, whom it called, and who sees to it."""

from __future__ import annotations

from typing import Any

from channels.sentences import from_json
from guichet.alerting import operations, queries
from guichet.models import AlertCall as CallRow
from guichet.models import AlertHook as HookRow
from guichet.models import AlertPolicy as PolicyRow
from webapp.api import briefs
from webapp.api.briefs import Names
from webapp.api.schemas.alerts import (
    Alert,
    AlertCall,
    AlertHook,
    AlertHookMade,
    AlertHookNew,
    AlertPolicy,
    AlertPolicyChange,
    AlertPolicyNew,
    AlertQuery,
    AlertTry,
    AlertWhole,
)
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.asking import Asked, Room

room = Room("alerts")


@room.get("/alerts", Page[Alert])
def list_alerts(asked: Asked, query: AlertQuery) -> Page[Alert]:
    """Newest first; of accounts that one may see."""
    found, following = queries.list_alerts(
        asked.session, asked.actor, is_open=query.open, after=query.cursor or "", limit=query.limit
    )
    names = Names(asked.session).load(people=[one.alert.acknowledged_by for one in found])
    return Page(items=[_show(one, names) for one in found], next_cursor=following or None)


@room.get("/alerts/<int:id>", AlertWhole)
def get_alert(asked: Asked, path: IdPath) -> AlertWhole:
    """One, with everybody whom it called and what came of it."""
    found = queries.get_alert(asked.session, asked.actor, path.id)
    calls = queries.list_calls(asked.session, asked.actor, found.alert)
    names = Names(asked.session).load(people=[found.alert.acknowledged_by, *(c.staff_id for c in calls)])
    return AlertWhole(alert=_show(found, names), calls=[_show_call(c, names) for c in calls])


@room.post("/alerts/<int:id>/acknowledge", Alert, scope="answer")
def acknowledge_alert(asked: Asked, path: IdPath) -> Alert:
    """Say that one sees to it: nobody else is called. The first who says so is kept."""
    way = "program" if asked.actor.kind == "token" else "page"
    operations.acknowledge(asked.session, asked.actor, path.id, asked.now, way=way)
    return _show(queries.get_alert(asked.session, asked.actor, path.id), Names(asked.session))


@room.get("/alert-policies", Page[AlertPolicy], scope="manage")
def list_alert_policies(asked: Asked) -> Page[AlertPolicy]:
    """What somebody is called for, and whom that calls."""
    return Page(items=[_show_policy(row) for row in operations.list_policies(asked.session, asked.actor)])


@room.post("/alert-policies", AlertPolicy, scope="manage", status=201)
def add_alert_policy(asked: Asked, body: AlertPolicyNew) -> AlertPolicy:
    """Call somebody when something must not wait."""
    return _show_policy(operations.add_policy(asked.session, asked.actor, _values(body.model_dump()), asked.now))


@room.patch("/alert-policies/<int:id>", AlertPolicy, scope="manage")
def change_alert_policy(asked: Asked, path: IdPath, body: AlertPolicyChange) -> AlertPolicy:
    """Change it, or switch it on or off. Switched off, what it calls for is over."""
    row = operations.get_policy(asked.session, asked.actor, path.id)
    changes = _values(body.model_dump(exclude_unset=True, exclude_none=True))
    operations.change_policy(asked.session, asked.actor, row, changes, asked.now)
    return _show_policy(row)


@room.delete("/alert-policies/<int:id>", Done, scope="manage")
def remove_alert_policy(asked: Asked, path: IdPath) -> Done:
    """Nobody is called by it any more; its alerts stay in the history."""
    row = operations.get_policy(asked.session, asked.actor, path.id)
    operations.remove_policy(asked.session, asked.actor, row, asked.now)
    return Done()


@room.get("/alert-hooks", Page[AlertHook], scope="manage")
def list_alert_hooks(asked: Asked) -> Page[AlertHook]:
    """The addresses that alerts are told to; never their secrets."""
    return Page(items=[_show_hook(row) for row in operations.list_hooks(asked.session, asked.actor)])


@room.post("/alert-hooks", AlertHookMade, scope="manage", status=201, secret=True)
def add_alert_hook(asked: Asked, body: AlertHookNew) -> AlertHookMade:
    """An address that alerts are told to, signed with the secret that is shown here and never again."""
    row, secret = operations.add_hook(
        asked.session, asked.actor, asked.runtime.sealer, brand_id=body.brand_id, name=body.name, url=body.url,
        now=asked.now,
    )  # fmt: skip
    return AlertHookMade(hook=_show_hook(row), secret=secret)


@room.delete("/alert-hooks/<int:id>", Done, scope="manage")
def remove_alert_hook(asked: Asked, path: IdPath) -> Done:
    """Tell it nothing any more."""
    operations.remove_hook(asked.session, asked.actor, path.id, asked.now)
    return Done()


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """`on` is `is_on`; of an event only what was given is kept."""
    values = {"is_on" if name == "on" else name: value for name, value in given.items()}
    if "events" in values:
        values["events"] = [{k: v for k, v in event.items() if v is not None} for event in values["events"]]
    return values


def _show_policy(row: PolicyRow) -> AlertPolicy:
    return AlertPolicy(
        id=row.id, brand_id=row.brand_id, name=row.name, on=row.is_on, events=row.events, steps=row.steps,
        repeats=row.repeats, hours=row.hours, updated_at=row.updated_at,
    )  # fmt: skip


def _show_hook(row: HookRow) -> AlertHook:
    return AlertHook(id=row.id, brand_id=row.brand_id, name=row.name, url=row.url, created_at=row.created_at)


def _show(found: queries.Raised, names: Names) -> Alert:
    one = found.alert
    is_open = one.acknowledged_at is None and one.ended_at is None
    return Alert(
        id=one.id, event=one.event, count=one.count, policy=one.policy.name, brand=briefs.brand(one.policy.brand),
        account=briefs.account(one.account), conversation_id=one.conversation_id, raised_at=one.raised_at,
        next_at=one.next_at, acknowledged_at=one.acknowledged_at, acknowledged_by=names.person(one.acknowledged_by),
        acknowledged_way=one.acknowledged_way, ended_at=one.ended_at, exhausted=is_open and one.next_at is None,
        calls_me=found.calls_me, can_acknowledge=found.may_acknowledge and is_open,
    )  # fmt: skip


def _show_call(row: CallRow, names: Names) -> AlertCall:
    return AlertCall(
        round=row.round, step=row.step, way=row.way, staff=names.person(row.staff_id),
        hook=row.hook.name if row.hook else "", state=row.state, said=row.said,
        tries=[AlertTry(at=t["at"], said=from_json(t["said"])) for t in row.log], at=row.at,
    )  # fmt: skip
