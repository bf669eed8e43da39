"""Setting up what is promised. Every change asks for the deadlines of who waits to be measured
anew (guichet.inbox.remeasuring), in a worker and in lots, however many they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid, NotFound
from guichet.models import Account, Brand, Label, PromisePolicy, PromiseRecount, Staff, Team
from guichet.policy import Action, Actor, require
from guichet.promises import checking, keeping

_NAME_LENGTH = 120
MINUTES = ("first_minutes", "next_minutes", "resolution_minutes")
FIELDS = ("name", "is_on", "brand_id", "conditions", *MINUTES, "runs_always", "steps")
# What moves no deadline and no step.
_PLAIN = frozenset({"name", "is_on"})
_TARGETS = {"tell_staff": Staff, "tell_team": Team, "team": Team}


def list_policies(session: Session, actor: Actor) -> Sequence[PromisePolicy]:
    """In order of trial."""
    require(actor, Action.BRAND_MANAGE)
    return session.scalars(_in_use()).all()


def get_policy(session: Session, actor: Actor, policy_id: int) -> PromisePolicy:
    """Raises NotFound, also for one that was removed."""
    require(actor, Action.BRAND_MANAGE)
    row = session.get(PromisePolicy, policy_id)
    if row is None or row.removed_at is not None:
        raise NotFound("there is no such promise")
    return row


def add_policy(session: Session, actor: Actor, values: Mapping[str, Any], now: datetime) -> PromisePolicy:
    """A new policy, tried first: what is special goes before what holds for all. `values` by the
    names of FIELDS. Raises Invalid with fields like `conditions.0.value`."""
    require(actor, Action.BRAND_MANAGE)
    row = PromisePolicy(
        **{"brand_id": None, "conditions": [], "steps": [], **dict.fromkeys(MINUTES), **_plain(values)},
        position=0, created_by=actor.staff_id, created_at=now, updated_at=now,
    )  # fmt: skip
    check_policy(session, _values_of(row))
    for place, other in enumerate(session.scalars(_in_use().with_for_update()), 1):
        other.position = place
    session.add(row)
    session.flush()
    audit.record(session, actor, "promise.add", row, now)
    _changed(session, now, row.brand_id)
    return row


def change_policy(
    session: Session, actor: Actor, row: PromisePolicy, changes: Mapping[str, Any], now: datetime
) -> PromisePolicy:
    """Change what is given. The version grows where that can move a deadline or a step, so that
    its steps count as not taken. Raises as `add_policy`."""
    require(actor, Action.BRAND_MANAGE)
    before = row.brand_id
    moved = {name: value for name, value in _plain(changes).items() if getattr(row, name) != value}
    check_policy(session, {**_values_of(row), **moved})
    for name, value in moved.items():
        setattr(row, name, value)
    row.version += 1 if set(moved) - _PLAIN else 0
    row.updated_at = now
    session.flush()
    audit.record(session, actor, "promise.change", row, now, fields=sorted(moved), version=row.version)
    if set(moved) - {"name"}:
        _changed(session, now, row.brand_id if row.brand_id == before else None)
    return row


def order_policies(session: Session, actor: Actor, ids: Sequence[int], now: datetime) -> Sequence[PromisePolicy]:
    """Try them in this order. Raises Invalid unless `ids` names every one exactly once."""
    require(actor, Action.BRAND_MANAGE)
    here = {row.id: row for row in session.scalars(_in_use().with_for_update())}
    if len(ids) != len(here) or set(ids) != set(here):
        raise Invalid("name every promise once", {"ids": "must name every promise exactly once"})
    for place, id_ in enumerate(ids, 1):
        here[id_].position = place
    session.flush()
    audit.record(session, actor, "promise.order", None, now, order=list(ids))
    _changed(session, now, None)
    return [here[id_] for id_ in ids]


def remove_policy(session: Session, actor: Actor, row: PromisePolicy, now: datetime) -> None:
    """No more promised to anybody; its figures stay."""
    require(actor, Action.BRAND_MANAGE)
    row.removed_at = now
    session.flush()
    audit.record(session, actor, "promise.remove", row, now)
    _changed(session, now, row.brand_id)


def ask_to_remeasure(
    session: Session, now: datetime, *, brand_id: int | None = None, customer_id: int | None = None
) -> None:  # fmt: skip
    """Something may move the deadlines of who waits: of a brand, of a customer, or of all."""
    row = PromiseRecount
    same = [c.is_(None) if v is None else c == v for c, v in ((row.brand_id, brand_id), (row.customer_id, customer_id))]
    asked = session.scalars(select(row).where(*same).limit(1).with_for_update()).first()
    if asked is None:
        asked = row(brand_id=brand_id, customer_id=customer_id)
        session.add(asked)
    asked.asked_at, asked.not_before, asked.after_id = now, now, 0
    session.flush()


def _changed(session: Session, now: datetime, brand_id: int | None) -> None:
    keeping.forget_policies(session)
    ask_to_remeasure(session, now, brand_id=brand_id)


def check_policy(session: Session, values: Mapping[str, Any]) -> None:
    """Raises Invalid for what can never be right, or names what does not exist."""
    conditions, steps = values["conditions"], values["steps"]
    wrong = {
        **checking.problems_of_conditions(conditions),
        **checking.problems_of_minutes({name: values[name] for name in MINUTES}),
        **checking.problems_of_steps(steps),
    }
    if not 0 < len(values["name"].strip()) <= _NAME_LENGTH:
        wrong["name"] = say("must have 1 to {most} characters", most=_NAME_LENGTH)
    if values["brand_id"] is not None and session.get(Brand, values["brand_id"]) is None:
        wrong["brand_id"] = say("there is no such brand")
    if not wrong:
        wrong = _missing(session, conditions, steps)
    if wrong:
        raise Invalid("this promise cannot be kept so", wrong)


def _missing(
    session: Session, conditions: Sequence[Mapping[str, Any]], steps: Sequence[Mapping[str, Any]]
) -> dict[str, str]:  # fmt: skip
    asked = [
        (f"conditions.{n}.value", Label if c["field"] == "label" else Account, value)
        for n, c in enumerate(conditions) if c["field"] in checking.BY_ID for value in c["value"]
    ] + [
        (f"steps.{n}.actions.{k}.value", _TARGETS[a["kind"]], a["value"])
        for n, s in enumerate(steps) for k, a in enumerate(s["actions"]) if a["kind"] in _TARGETS
    ]  # fmt: skip
    return {where: say("it does not exist") for where, model, id_ in asked if session.get(model, id_) is None}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(values) - set(FIELDS))
    if unknown:
        raise Invalid("a promise has no such thing", dict.fromkeys(unknown, "is unknown"))
    return {name: value.strip() if name == "name" else value for name, value in values.items()}


def _values_of(row: PromisePolicy) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def _in_use() -> Select[PromisePolicy]:
    wanted = select(PromisePolicy).where(PromisePolicy.removed_at.is_(None))
    return wanted.order_by(PromisePolicy.position, PromisePolicy.id)
