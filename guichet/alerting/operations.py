"""Setting up who is called, and acknowledging."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.alerting import rules, watching
from guichet.errors import Invalid, NotFound
from guichet.models import Alert, AlertCall, AlertHook, AlertPolicy, Brand, Staff, Team
from guichet.policy import Action, Actor, require
from guichet.sealing import Sealed, Sealer

FIELDS = ("name", "is_on", "brand_id", "events", "steps", "repeats", "hours")
_NAME_LENGTH = 120


def list_policies(session: Session, actor: Actor) -> Sequence[AlertPolicy]:
    require(actor, Action.BRAND_MANAGE)
    in_use = select(AlertPolicy).where(AlertPolicy.removed_at.is_(None))
    return session.scalars(in_use.order_by(AlertPolicy.brand_id, AlertPolicy.id)).all()


def get_policy(session: Session, actor: Actor, policy_id: int) -> AlertPolicy:
    """Raises NotFound."""
    require(actor, Action.BRAND_MANAGE)
    row = session.get(AlertPolicy, policy_id)
    if row is None or row.removed_at is not None:
        raise NotFound("there is no such thing to be called for")
    return row


def add_policy(session: Session, actor: Actor, values: Mapping[str, Any], now: datetime) -> AlertPolicy:
    """`values` by the names of FIELDS. Raises Invalid with fields like `steps.0.value`."""
    require(actor, Action.BRAND_MANAGE)
    row = AlertPolicy(
        **{"is_on": True, "repeats": 0, "hours": "always", **values},
        since=now, created_by=actor.staff_id, created_at=now, updated_at=now,
    )  # fmt: skip
    _check(session, {name: getattr(row, name) for name in FIELDS})
    session.add(row)
    session.flush()
    audit.record(session, actor, "alert_policy.add", row, now)
    return row


def change_policy(session: Session, actor: Actor, row: AlertPolicy, changes: Mapping[str, Any], now: datetime) -> None:
    """Change what is given. What is being called for goes on by the new steps; switched on again, it
    looks only at what happens from then on. Raises as `add_policy`."""
    require(actor, Action.BRAND_MANAGE)
    moved = {name: value for name, value in changes.items() if getattr(row, name) != value}
    _check(session, {**{name: getattr(row, name) for name in FIELDS}, **moved})
    if moved.get("is_on") or "events" in moved:
        row.since = now
    if moved.get("is_on") is False or "brand_id" in moved:
        _end_all(session, actor, row, now)
    for name, value in moved.items():
        setattr(row, name, value)
    row.updated_at = now
    session.flush()
    audit.record(session, actor, "alert_policy.change", row, now, fields=sorted(moved))


def remove_policy(session: Session, actor: Actor, row: AlertPolicy, now: datetime) -> None:
    """Nobody is called by it any more; its alerts stay in the history."""
    require(actor, Action.BRAND_MANAGE)
    row.removed_at = now
    _end_all(session, actor, row, now)
    session.flush()
    audit.record(session, actor, "alert_policy.remove", row, now)


def _end_all(session: Session, actor: Actor, row: AlertPolicy, now: datetime) -> None:
    for alert in session.scalars(select(Alert).where(Alert.policy_id == row.id, Alert.ended_at.is_(None))):
        watching.end(session, actor, alert, now)


def _check(session: Session, values: Mapping[str, Any]) -> None:
    wrong = {**rules.problems_of_events(values["events"]), **rules.problems_of_steps(values["steps"])}
    if not 0 < len(values["name"].strip()) <= _NAME_LENGTH:
        wrong["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if values["hours"] not in rules.HOURS:
        wrong["hours"] = say("must be one of {choices}", choices=", ".join(rules.HOURS))
    if not 0 <= values["repeats"] <= rules.MOST_REPEATS:
        wrong["repeats"] = say("must be between {low} and {high}", low=0, high=rules.MOST_REPEATS)
    if session.get(Brand, values["brand_id"]) is None:
        wrong["brand_id"] = say("there is no such brand")
    for n, step in enumerate(values["steps"]):
        if f"steps.{n}.whom" not in wrong and not _is_there(session, step, values["brand_id"]):
            wrong[f"steps.{n}.value"] = say("it does not exist")
    if wrong:
        raise Invalid("nobody can be called so", wrong)


def _is_there(session: Session, step: Mapping[str, Any], brand_id: int) -> bool:
    if step["whom"] == "hook":
        hook = session.get(AlertHook, step["value"])
        return hook is not None and hook.removed_at is None and hook.brand_id == brand_id
    return session.get(Staff if step["whom"] == "staff" else Team, step["value"]) is not None


# ---------------------------------------------------------------- hooks


def list_hooks(session: Session, actor: Actor) -> Sequence[AlertHook]:
    require(actor, Action.BRAND_MANAGE)
    in_use = select(AlertHook).where(AlertHook.removed_at.is_(None))
    return session.scalars(in_use.order_by(AlertHook.brand_id, AlertHook.id)).all()


def add_hook(
    session: Session, actor: Actor, sealer: Sealer, *, brand_id: int, name: str, url: str, now: datetime
) -> tuple[AlertHook, str]:  # fmt: skip
    """A hook and its secret, which is shown here and nowhere else. Raises Invalid."""
    require(actor, Action.BRAND_MANAGE)
    wrong = {}
    if not _is_address(url):
        wrong["url"] = say("must be an address that begins with https:// or http://, without a name in it")
    if not 0 < len(name.strip()) <= _NAME_LENGTH:
        wrong["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if session.get(Brand, brand_id) is None:
        wrong["brand_id"] = say("there is no such brand")
    if wrong:
        raise Invalid("this hook cannot be kept so", wrong)
    row = AlertHook(brand_id=brand_id, name=name.strip(), url=url, key_id="", sealed=b"", created_at=now)
    session.add(row)
    session.flush()
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    _seal(row, sealer, secret)
    session.flush()
    audit.record(session, actor, "alert_hook.add", row, now)
    return row, secret


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for one that is none
    except ValueError:
        return False
    named = parts.username or parts.password or parts.fragment
    return parts.scheme in ("https", "http") and bool(parts.hostname) and not named and len(url) <= 2000


def remove_hook(session: Session, actor: Actor, hook_id: int, now: datetime) -> None:
    """Steps that name it are passed over. Raises NotFound."""
    require(actor, Action.BRAND_MANAGE)
    row = session.get(AlertHook, hook_id)
    if row is None or row.removed_at is not None:
        raise NotFound("there is no such hook")
    row.removed_at, row.sealed = now, b""
    gone = update(AlertCall).where(AlertCall.hook_id == row.id, AlertCall.state == "waiting")
    session.execute(gone.values(state="dropped", next_at=None, done_at=now))
    session.flush()
    audit.record(session, actor, "alert_hook.remove", row, now)


def open_secret(actor: Actor, sealer: Sealer, row: AlertHook) -> str:
    """For who signs. Raises CannotUnseal."""
    require(actor, Action.SYSTEM)
    return str(sealer.open(Sealed(row.key_id, row.sealed), f"alert_hook:{row.id}")["secret"])


def reseal_hooks(session: Session, actor: Actor, sealer: Sealer, limit: int = 100) -> int:
    """Seal anew with the first key; returns how many were. Called until it returns 0."""
    require(actor, Action.SYSTEM)
    old = select(AlertHook).where(AlertHook.key_id != sealer.current, AlertHook.removed_at.is_(None)).limit(limit)
    rows = session.scalars(old.with_for_update()).all()
    for row in rows:
        _seal(row, sealer, open_secret(actor, sealer, row))
    session.flush()
    return len(rows)


def _seal(row: AlertHook, sealer: Sealer, secret: str) -> None:
    sealed = sealer.seal({"secret": secret}, f"alert_hook:{row.id}")
    row.key_id, row.sealed = sealed.key_id, sealed.data


# ---------------------------------------------------------------- acknowledging


def acknowledge(session: Session, actor: Actor, alert_id: int, now: datetime, *, way: str = "page") -> Alert:
    """Somebody sees to it: nobody else is called. The first who says so is kept. Raises NotFound,
    NotAllowed."""
    wanted = select(Alert).where(Alert.id == alert_id).with_for_update()
    alert = session.scalars(wanted.execution_options(populate_existing=True)).first()
    if alert is None:
        raise NotFound("there is no such thing, or it is not yours to see")
    require(actor, Action.CONVERSATION_ANSWER, alert.account_id)
    if alert.acknowledged_at is None:
        alert.acknowledged_at, alert.acknowledged_by, alert.acknowledged_way = now, actor.staff_id, way
        alert.next_at = None
        watching.drop_calls(session, alert, now)
        session.flush()
        audit.record(session, actor, "alert.acknowledge", alert, now, way=way)
        live.tell(session, "alert", now, account_id=alert.account_id, id=alert.id)
    return alert
