"""The way in by a call's link: without signing in, to one alert, as the one who was called."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from guichet.alerting.links import is_signed
from guichet.errors import NotFound
from guichet.models import AlertCall, Staff
from guichet.policy import Action, Actor, can, load_actor

LINK_LIFE = timedelta(days=7)


def find_call(session: Session, keys: Sequence[tuple[str, bytes]], call_id: int, given: str) -> AlertCall:
    """The call that a link was made for. Raises NotFound."""
    call = session.get(AlertCall, call_id)
    if call is None or not is_signed(keys, call.id, call.nonce, given):
        raise _nowhere()
    return call


def enter(session: Session, call: AlertCall, now: datetime, ip: str = "") -> Actor:
    """Who the link speaks for, with the rights that they have now. Raises NotFound."""
    staff = session.get(Staff, call.staff_id or 0)
    if staff is None or staff.disabled_at is not None or call.at + LINK_LIFE < now:
        raise _nowhere()
    actor = load_actor(session, staff, now, ip=ip)
    if not can(actor, Action.CONVERSATION_ANSWER, call.alert.account_id):
        raise _nowhere()
    return actor


def _nowhere() -> NotFound:
    return NotFound("this link does not lead anywhere, or not any more")
