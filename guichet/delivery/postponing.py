"""Keeping many deliveries from becoming due, in one statement: while each is called off by itself,
none of them goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from guichet.delivery.states import State
from guichet.models import Delivery
from guichet.policy import Action, Actor, require


def postpone(session: Session, actor: Actor, deliveries: Sequence[Delivery], until: datetime, now: datetime) -> None:
    """None of these answers becomes due before `until`. What is due already is left."""
    for delivery in deliveries:
        require(actor, Action.CONVERSATION_ANSWER, delivery)
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_([one.id for one in deliveries]), Delivery.state == State.SCHEDULED)
        .values(due_at=until, not_before=until, updated_at=now)
        .execution_options(synchronize_session="fetch")
    )
