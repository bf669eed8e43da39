"""Alerts as people see them: what is open, and what was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, joinedload

from guichet.errors import NotFound
from guichet.inbox import cursors
from guichet.inbox.cursors import Cursor
from guichet.models import Alert, AlertCall, AlertPolicy
from guichet.policy import Action, Actor, can, require, visible


@dataclass(frozen=True)
class Raised:
    """An alert, whether it calls who asks, and whether they may acknowledge it."""

    alert: Alert
    calls_me: bool
    may_acknowledge: bool


def list_alerts(
    session: Session, actor: Actor, *, is_open: bool = False, after: str = "", limit: int = 50
) -> tuple[list[Raised], str]:
    """What the actor may see, newest first, and the cursor of what follows ("": nothing)."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(Alert).where(visible(actor, Alert.account_id, Action.ACCOUNT_VIEW))
    if is_open:
        wanted = wanted.where(Alert.ended_at.is_(None), Alert.acknowledged_at.is_(None))
    if after:
        edge = cursors.read(after, "alerts")
        wanted = wanted.where(
            or_(Alert.raised_at < edge.at, and_(Alert.raised_at == edge.at, Alert.id < edge.id))
        )  # fmt: skip
    whole = (joinedload(Alert.account), joinedload(Alert.policy).joinedload(AlertPolicy.brand))
    rows = list(
        session.scalars(wanted.options(*whole).order_by(Alert.raised_at.desc(), Alert.id.desc()).limit(limit + 1))
    )
    last = rows[limit - 1] if len(rows) > limit else None
    return _raised(session, actor, rows[:limit]), (
        cursors.write(Cursor("alerts", last.raised_at, last.id)) if last else ""
    )


def get_alert(session: Session, actor: Actor, alert_id: int) -> Raised:
    """Raises NotFound."""
    alert = session.get(Alert, alert_id)
    if alert is None:
        raise NotFound("there is no such thing, or it is not yours to see")
    require(actor, Action.ACCOUNT_VIEW, alert.account_id)
    return _raised(session, actor, [alert])[0]


def list_calls(session: Session, actor: Actor, alert: Alert) -> Sequence[AlertCall]:
    """Whom it called, in order."""
    require(actor, Action.ACCOUNT_VIEW, alert.account_id)
    wanted = select(AlertCall).where(AlertCall.alert_id == alert.id)
    return session.scalars(wanted.options(joinedload(AlertCall.hook)).order_by(AlertCall.id)).all()


def _raised(session: Session, actor: Actor, rows: Sequence[Alert]) -> list[Raised]:
    mine = select(AlertCall.alert_id).where(
        AlertCall.alert_id.in_([a.id for a in rows]), AlertCall.staff_id == actor.staff_id, AlertCall.way == "page",
        AlertCall.state == "sent",
    )  # fmt: skip
    called = set(session.scalars(mine))
    return [Raised(a, a.id in called, can(actor, Action.CONVERSATION_ANSWER, a.account_id)) for a in rows]
