"""Deliveries whose film is still being made. They are planned, approved and promoted like others,
and nobody claims them (`awaits_film`): at their hour they wait, within their lateness limit. When
the film is there its bytes take the place that was kept for them; the content is the same, and
what was approved of it stands. When it cannot be made, a person is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import live
from guichet.delivery.materials import COMING
from guichet.delivery.operations import hold_back
from guichet.delivery.payload import MediaRef, awaits_film, payload_hash, with_film
from guichet.delivery.states import FINAL, State
from guichet.models import Delivery, FilmJob, FilmState, PostTarget, TargetRendition
from guichet.policy import Action, Actor, require

_WAITS = "film_awaited"
_STOPPABLE = (State.SCHEDULED, State.DUE, State.HELD)


def give_film(session: Session, actor: Actor, rendition_id: int, made: MediaRef, now: datetime) -> None:
    """Put what was made where it was awaited."""
    require(actor, Action.SYSTEM)
    mine = _awaiting().where(TargetRendition.rendition_id == rendition_id)
    for delivery in session.scalars(mine.order_by(Delivery.id).with_for_update(of=Delivery)):
        payload = with_film(delivery.payload, made)
        delivery.payload, delivery.payload_hash = payload, payload_hash(payload)
        delivery.awaits_film, delivery.updated_at = awaits_film(payload), now
        if delivery.reason_code == _WAITS:
            delivery.reason_code = delivery.reason = ""
        _tell(session, delivery, now)


def note_waiting(session: Session, actor: Actor, now: datetime) -> None:
    """Say of what is due and waits for its film that it does."""
    require(actor, Action.SYSTEM)
    silent = select(Delivery).where(Delivery.state == State.DUE, Delivery.awaits_film, Delivery.reason_code == "")
    for delivery in session.scalars(silent.order_by(Delivery.id).with_for_update()):
        delivery.reason_code, delivery.reason = _WAITS, say("it waits for its film, which is still being made")
        _tell(session, delivery, now)


def is_awaited(session: Session, rendition_id: int) -> bool:
    """Whether anything that is to go out waits for it."""
    open_ = _awaiting().where(TargetRendition.rendition_id == rendition_id, Delivery.state.not_in(FINAL))
    return session.scalar(open_.limit(1)) is not None


def hold_without_film(session: Session, actor: Actor, now: datetime) -> int:
    """Ask a person about what waits for a film that nobody makes any more; how many there were."""
    require(actor, Action.SYSTEM)
    stopped = (
        _awaiting()
        .add_columns(FilmJob.reason)
        .join(FilmJob, FilmJob.rendition_id == TargetRendition.rendition_id)
        .where(FilmJob.state.not_in((*COMING, FilmState.MADE)), Delivery.state.in_(_STOPPABLE))
    )
    held = 0
    for delivery, why in session.execute(stopped.order_by(Delivery.id)).all():
        reason = say("its film could not be made: {reason}", reason=why) if why else say("its film was called off")
        held += hold_back(session, actor, delivery, "film_failed", reason, now)
    return held


def _awaiting() -> Select[Any]:
    return (
        select(Delivery)
        .join(
            PostTarget,
            and_(PostTarget.post_id == Delivery.post_id, PostTarget.account_id == Delivery.account_id),
        )
        .join(TargetRendition, TargetRendition.target_id == PostTarget.id)
        .where(Delivery.awaits_film)
    )


def _tell(session: Session, delivery: Delivery, now: datetime) -> None:
    live.tell(
        session, "delivery", now, account_id=delivery.account_id, id=delivery.id, state=str(delivery.state),
        post_id=delivery.post_id, conversation_id=delivery.conversation_id,
    )  # fmt: skip
