"""Keeping an answer in step with its delivery: what the network accepted ends the wait,
what it refused comes back to its author. Idempotent, so that it may be called by whoever
settles a delivery and once more by a sweep."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from guichet import live
from guichet.delivery.states import OPPOSITES
from guichet.delivery.states import State as DeliveryState
from guichet.inbox import acting, answering, counts, handling, pending, searching, waiting
from guichet.inbox.changes import Change, changing
from guichet.inbox.happened import EndKind
from guichet.inbox.states import UNFINISHED, State
from guichet.models import Attachment, Conversation, Delivery, Message, MessageLayout, ReplyDraft
from guichet.policy import Actor
from guichet.receiving import side_mail

_BATCH = 500
_SWEEP = timedelta(days=2)
# States of a delivery that an answer shows; the others are "on its way".
_SETTLED = (
    DeliveryState.PUBLISHED, DeliveryState.FAILED, DeliveryState.CANCELLED, DeliveryState.NEEDS_HUMAN,
)  # fmt: skip


def follow_delivery(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Bring the outgoing message, the wait and the conversation in step with `delivery`.
    Does nothing for what is no answer, is still on its way, or was followed before. The
    right is that of whoever settled the delivery; nothing is asked here."""
    if delivery.kind in OPPOSITES:
        acting.follow_act(session, actor, delivery, now)
        return
    message = session.get(Message, delivery.message_id) if delivery.message_id is not None else None
    if message is None or message.delivery_id != delivery.id or delivery.state not in _SETTLED:
        return
    if message.context.get("settled") == delivery.state:
        return
    conversation = session.get_one(Conversation, message.conversation_id)
    with changing(session, actor, conversation, now, "message") as change:
        session.refresh(message)
        if message.context.get("settled") == delivery.state:
            return
        if message.side_id is not None:
            side_mail.follow(change, message, delivery)
        elif delivery.state == DeliveryState.PUBLISHED:
            _accepted(change, message, delivery)
        elif delivery.state == DeliveryState.NEEDS_HUMAN:
            change.event("reply_in_doubt", message_id=message.id, delivery_id=delivery.id)
        else:
            _came_back(change, message, delivery)
        message.context = {**message.context, "settled": str(delivery.state)}
        live.tell(
            session, "message", now, account_id=message.account_id, id=message.id, conversation_id=conversation.id
        )  # fmt: skip


def follow_settled(session: Session, actor: Actor, now: datetime) -> int:
    """Follow what settled lately and was missed (whoever settled it was killed); returns how many."""
    settled = Message.context["settled"].as_string()
    missed = (
        select(Delivery)
        .join(Message, and_(Message.id == Delivery.message_id, Message.delivery_id == Delivery.id))
        .where(Delivery.is_answer, Delivery.state.in_(_SETTLED), Delivery.updated_at > now - _SWEEP)
        .where(or_(settled.is_(None), settled != Delivery.state))
        .order_by(Delivery.id)
        .limit(_BATCH)
    )
    deliveries = session.scalars(missed).all()
    with counts.deferred(session):
        for delivery in deliveries:
            follow_delivery(session, actor, delivery, now)
        return len(deliveries) + acting.follow_acts(session, actor, now)


def _accepted(change: Change, message: Message, delivery: Delivery) -> None:
    session = change.session
    accepted_at = delivery.accepted_at or change.now
    echo = _echo_of(session, delivery)
    if echo is not None:
        _absorb_echo(change, message, echo)
    message.remote_id, message.url = delivery.remote_id, delivery.remote_url
    message.remote_at = message.sort_at = accepted_at
    message.context = {**delivery.remote_context, **message.context}
    session.flush()
    searching.index(session, message)
    if message.is_automatic:
        waiting.touched(change, message, accepted_at)
    else:
        waiting.answered(change, message, accepted_at, EndKind.HUMAN_REPLY)
    _forget_draft(session, message)
    pending.went_out(change, message)


def _echo_of(session: Session, delivery: Delivery) -> Message | None:
    """The network may have shown us our own answer before we knew that it was accepted."""
    return session.scalars(
        select(Message).where(
            Message.account_id == delivery.account_id,
            Message.remote_id == delivery.remote_id,
            Message.id != delivery.message_id,
        )
    ).one_or_none()


def _absorb_echo(change: Change, message: Message, echo: Message) -> None:
    """One thing was said: the answer stays, the echo goes, the wait it ended is the author's."""
    session = change.session
    home = session.get_one(Conversation, echo.conversation_id)
    if home.id == change.conversation.id:
        waiting.recognised(change, echo.id, message)
        change.conversation.message_count -= 1
    echo.remote_id = None
    session.flush()
    if home.id != change.conversation.id:
        return
    searching.forget(session, [echo.id])
    session.execute(delete(Attachment).where(Attachment.message_id == echo.id))
    session.execute(delete(MessageLayout).where(MessageLayout.message_id == echo.id))
    session.execute(
        update(Conversation)
        .where(Conversation.id == home.id, Conversation.last_message_id == echo.id)
        .values(last_message_id=message.id)
        .execution_options(synchronize_session="fetch")
    )
    session.delete(echo)
    session.flush()


def _came_back(change: Change, message: Message, delivery: Delivery) -> None:
    """Refused or dropped: the text goes back to its author, the conversation to the front."""
    session, conversation = change.session, change.conversation
    pending.forget(session, message)
    data = {"message_id": message.id, "delivery_id": delivery.id, "reason_code": delivery.reason_code}
    if conversation.merged_into_id is None and conversation.state in (*UNFINISHED, State.RESOLVED):
        handling.returned_to_front(change, "reply_failed", **data)
    else:
        change.event("reply_failed", **data)
    answering.give_back(session, message, delivery, change.now)


def _forget_draft(session: Session, message: Message) -> None:
    """What failed, went back to its author and then was sent after all is no draft any more."""
    if message.staff_id is None:
        return
    draft = session.get(ReplyDraft, (message.conversation_id, message.staff_id, "answer"))
    if draft is not None and draft.text == message.context.get("written"):
        session.delete(draft)
        session.flush()
