"""Answers that do not go out at once: for some seconds, in which their author may think again,
or until a wall time.

An answer that was planned must still answer the last word when its time comes. If the customer
writes before that, or somebody answers, it is held back and its author told; it is never sent
into another conversation than the one that its author had read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.states import State as DeliveryState
from guichet.errors import Invalid
from guichet.inbox import handling, notices, owners
from guichet.inbox.changes import Change
from guichet.inbox.states import ACTIVE, State
from guichet.models import AnswerReview, Delivery, Message, PendingAnswer
from guichet.policy import Action, Actor, require

LONGEST_UNDO = 30  # seconds
LONGEST_PLAN = timedelta(days=366)

# Why a planned answer is not the last word any more.
OVERTAKEN = {
    "customer_wrote": say("the customer wrote before it went out"),
    "answered_meanwhile": say("somebody answered before it went out"),
    "resolved": say("the conversation was resolved before it went out"),
    "marked_spam": say("the conversation was marked as spam before it went out"),
}
# What goes out only while it still answers the last word.
_BOUND = ("later", "review")


@dataclass(frozen=True)
class Later:
    """A wall time ("2026-11-23T09:00") in an IANA zone, and the moment in UTC that it means by
    the rules that are installed here."""

    wall_time: str
    time_zone: str
    at: datetime


def due_at(undo_seconds: int, later: Later | None, now: datetime) -> datetime:
    """When an answer is due. Raises Invalid for a time that is past, a year away or no window."""
    if not 0 <= undo_seconds <= LONGEST_UNDO:
        raise Invalid("that is no time to undo", {"undo_seconds": say("must be from 0 to {most}", most=LONGEST_UNDO)})
    if later is None:
        return now + timedelta(seconds=undo_seconds)
    if not now < later.at <= now + LONGEST_PLAN:
        raise Invalid(
            "an answer is planned for later, within a year", {"later": "must be in the future, within a year"}
        )
    return later.at


def keep(
    change: Change, message: Message, later: Later | None, then_close: bool, *, is_reviewed: bool = False
) -> None:  # fmt: skip
    """Remember that this answer waits, and how the conversation stood before it."""
    conversation = change.conversation
    # Who answered has looked at it: what was held for that is not held again.
    before = State.OPEN if conversation.held_at is not None else State(conversation.state)
    change.session.add(
        PendingAnswer(
            message_id=message.id, conversation_id=conversation.id,
            kind="later" if later else "review" if is_reviewed else "undo",
            wall_time=later.wall_time if later else "", time_zone=later.time_zone if later else "",
            then_close=then_close, state_before=before, hold_before=conversation.hold_until,
        )
    )  # fmt: skip


def ask_for_approval(change: Change, delivery: Delivery) -> None:
    """It goes out once a colleague agreed to just this. Within `changing`."""
    change.session.add(
        AnswerReview(
            delivery_id=delivery.id, content_hash=delivery.payload_hash, asked_by=delivery.actor_id,
            asked_at=change.now,
        )
    )  # fmt: skip
    change.session.flush()


def find(session: Session, message_ids: Sequence[int]) -> dict[int, PendingAnswer]:
    """Those of these messages that wait, in one query. Rights are the caller's matter."""
    rows = session.scalars(select(PendingAnswer).where(PendingAnswer.message_id.in_(message_ids)))
    return {row.message_id: row for row in rows}


def hold_back(change: Change, code: str) -> None:
    """The answers of this conversation that are planned or wait for an approval answer what is no
    longer the last word: a person decides about them, and who wrote or approved them is told. What
    has begun to go out goes. `code`: one of OVERTAKEN. Within `changing`."""
    session = change.session
    planned = (
        select(Message, Delivery)
        .join(PendingAnswer, PendingAnswer.message_id == Message.id)
        .join(Delivery, Delivery.id == Message.delivery_id)
        .where(PendingAnswer.conversation_id == change.conversation.id, PendingAnswer.kind.in_(_BOUND))
    )
    for message, delivery in session.execute(planned).all():
        if not delivering.hold_back(session, change.actor, delivery, code, OVERTAKEN[code], change.now):
            continue
        message.context = {**message.context, "settled": str(DeliveryState.NEEDS_HUMAN)}
        change.event("answer_held_back", message_id=message.id, reason_code=code)
        involved = {message.staff_id, _void(session, delivery)} - {None, change.actor.staff_id}
        notices.tell(change, "held_back", {id_ for id_ in involved if id_ is not None}, message)
        if change.conversation.state in (State.SNOOZED, State.WAITING_INTERNAL):
            handling.returned_to_front(change, "woke")


def _void(session: Session, delivery: Delivery) -> int | None:
    """What was agreed to was an answer to something else. Returns who had agreed, if anybody."""
    review = session.get(AnswerReview, delivery.id)
    if review is None:
        return None
    review.state = "void"
    return review.settled_by


def went_out(change: Change, message: Message) -> None:
    """The network accepted an answer that had waited: only now those who follow are told and,
    where it was planned, it is the customer's turn. Within `changing`."""
    row = change.session.get(PendingAnswer, message.id)
    if row is None:
        return
    notices.tell_followers(change, "answer", message, but=[message.staff_id] if message.staff_id else [])
    state = change.conversation.state
    is_served = owners.find_open_wait(change.session, change.conversation) is None
    if row.kind in _BOUND and is_served and (state in ACTIVE or state in (State.SNOOZED, State.WAITING_INTERNAL)):
        if row.then_close:
            handling.finish(change, "")
        else:
            handling.await_customer(change)
    change.session.delete(row)


def forget(session: Session, message: Message) -> None:
    """It came back: nothing waits for its time any more."""
    row = session.get(PendingAnswer, message.id)
    if row is not None:
        session.delete(row)


def follow_zones(session: Session, actor: Actor, meaning: Callable[[str, str], datetime], now: datetime) -> int:
    """The rules of a zone may be others than when an answer was planned: it keeps its wall time
    and moves in UTC. `meaning` says what a wall time in a zone is. Returns how many moved."""
    require(actor, Action.SYSTEM)
    planned = (
        select(PendingAnswer, Delivery)
        .join(Delivery, Delivery.message_id == PendingAnswer.message_id)
        .where(PendingAnswer.kind == "later", Delivery.state == DeliveryState.SCHEDULED, Delivery.due_at > now)
        .order_by(Delivery.id)
    )
    moved = 0
    for row, delivery in session.execute(planned).all():
        try:
            means = meaning(row.wall_time, row.time_zone)
        except Invalid:
            continue  # the zone is gone: it stays at the moment that it meant
        if means != delivery.due_at:
            audit.record(session, actor, "conversation.answer_zone_changed", delivery, now, due=means.isoformat())
            delivering.reschedule(session, actor, delivery, means, now)
            moved += 1
    return moved
