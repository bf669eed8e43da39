"""What becomes of an answer that waits to go out: its author takes it back into the box, or
somebody who may answer there sends it now, moves it or calls it off.

Refused is all that may already be out: nothing is taken back that the customer may have read.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.delivery import operations as delivering
from guichet.delivery.states import State as DeliveryState
from guichet.errors import Conflict, NotAllowed, NotFound
from guichet.inbox import answering, composing, handling, moving, notices, pending, searching
from guichet.inbox.changes import Change, changing
from guichet.inbox.pending import Later
from guichet.inbox.states import State
from guichet.models import Attachment, Conversation, Delivery, Message, PendingAnswer, ReplyDraft
from guichet.policy import Action, Actor, require


def take_back(session: Session, actor: Actor, conversation: Conversation, message_id: int, now: datetime) -> ReplyDraft:
    """Nothing was said after all: text and files go back into their author's draft, before what
    they have written since, and the conversation stands as before, unless something happened
    to it since. Raises Conflict `too_late`; NotAllowed for a colleague's answer."""
    require(actor, Action.CONVERSATION_REPLY, conversation)
    with changing(session, actor, conversation, now, "message") as change:
        message, row, delivery = _waiting(session, conversation, message_id)
        if message.staff_id != actor.staff_id or actor.staff_id is None:
            raise NotAllowed("only who wrote it takes it back into their box")
        delivering.call_off(session, actor, delivery, now)
        draft = into_draft(session, message, delivery, actor.staff_id, now)
        stand_as_before(change, row)
        change.event("reply_taken_back", message_id=message.id, what=row.kind)
        session.delete(row)
        _unsay(change, message)
        audit.record(session, actor, "conversation.reply_taken_back", conversation, now, message_id=message.id)
    return draft


def cancel_planned(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    message_id: int,
    now: datetime,
    *,
    gives_back: bool = True,
) -> Message:
    """Do not send it. It stays in the thread as called off; a colleague's text also goes back
    into their draft, and they are told (`gives_back`: unless it was one of many). Raises Conflict
    `too_late`."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now, "message") as change:
        message, row, delivery = _waiting(session, conversation, message_id)
        delivering.call_off(session, actor, delivery, now)
        author_id = message.staff_id
        if gives_back and author_id is not None and author_id != actor.staff_id:
            into_draft(session, message, delivery, author_id, now)
            notices.tell(change, "called_off", {author_id}, message)
        stand_as_before(change, row)
        message.context = {**message.context, "settled": str(DeliveryState.CANCELLED)}
        change.event("answer_called_off", message_id=message.id)
        session.delete(row)
        audit.record(session, actor, "conversation.answer_called_off", conversation, now, message_id=message.id)
    return message


def send_now(
    session: Session, actor: Actor, conversation: Conversation, message_id: int, *, seen_through: int, now: datetime
) -> Message:
    """Send what waits, in the right of who says so. It ends what they have seen. Raises Conflict
    `newer_messages`, `held` or `too_late`."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    author = answering.author_of(session, actor)
    with changing(session, actor, conversation, now, "message") as change:
        message, _, delivery = _waiting(session, conversation, message_id)
        if handling.is_held_by_other(conversation, author.id, now):
            raise handling.held(conversation)
        answering.refuse_unseen(session, conversation, author.id, seen_through)
        delivering.hasten(session, actor, delivery, now)
        message.seen_through = seen_through
        message.context = {name: value for name, value in message.context.items() if name != "settled"}
        change.event("answer_hastened", message_id=message.id)
        audit.record(session, actor, "conversation.answer_hastened", conversation, now, message_id=message.id)
    return message


def move_planned(
    session: Session, actor: Actor, conversation: Conversation, message_id: int, later: Later, now: datetime
) -> Message:
    """Another time for a planned answer; one that was held back needs a look first (`send_now`)
    and is refused. Raises Invalid for a time that will not do, Conflict `too_late`."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    due_at = pending.due_at(0, later, now)
    with changing(session, actor, conversation, now, "message") as change:
        message, row, delivery = _waiting(session, conversation, message_id)
        if row.kind != "later" or delivery.state not in (DeliveryState.SCHEDULED, DeliveryState.HELD):
            raise Conflict("it is too late to give this answer another time", code="too_late", current=delivery.state)
        composing.require_open_until(session, conversation, message, due_at)
        delivering.reschedule(session, actor, delivery, due_at, now)
        row.wall_time, row.time_zone = later.wall_time, later.time_zone
        change.event("answer_moved", message_id=message.id, at=due_at.isoformat())
        audit.record(session, actor, "conversation.answer_moved", conversation, now, message_id=message.id)
    return message


# How an answer that waits leaves the conversation.
_LEFT = {
    "later": {State.SNOOZED},
    "review": {State.WAITING_INTERNAL, State.RESOLVED},
    "undo": {State.WAITING_CUSTOMER, State.RESOLVED},
}


def _waiting(
    session: Session, conversation: Conversation, message_id: int
) -> tuple[Message, PendingAnswer, Delivery]:  # fmt: skip
    message = session.get(Message, message_id)
    if message is None or message.conversation_id != conversation.id:
        raise NotFound("there is no such answer here")
    row = session.get(PendingAnswer, message_id)
    if row is None or message.delivery_id is None:
        raise Conflict("this answer does not wait any more", code="too_late")
    return message, row, session.get_one(Delivery, message.delivery_id)


def into_draft(session: Session, message: Message, delivery: Delivery, staff_id: int, now: datetime) -> ReplyDraft:
    since = session.get(ReplyDraft, (message.conversation_id, staff_id, "answer"))
    text = message.context.get("written", message.text)
    media = [one["media_id"] for one in delivery.payload.get("media", ())]
    if since is not None:
        text = "\n\n".join(part for part in (text, since.text) if part)
        media += [one for one in since.media if one not in media]
    return answering.keep_draft(
        session, message.conversation_id, staff_id, "answer", text, media, message.seen_through, now
    )


def stand_as_before(change: Change, row: PendingAnswer) -> None:
    """Only where the conversation still stands as the answer left it."""
    left = _LEFT[row.kind]
    if change.conversation.state in left:
        handling.put_back(change, State(row.state_before), row.hold_before)


def _unsay(change: Change, message: Message) -> None:
    """What was never said stands in no thread, no count and no search; its row keeps its id
    from being given again, and no words."""
    session = change.session
    searching.forget(session, [message.id])
    session.execute(delete(Attachment).where(Attachment.message_id == message.id))
    message.direction, message.text, message.deleted_at = "taken_back", "", change.now
    message.delivery_id, message.context = None, {}
    session.flush()
    session.expire(message, ["attachments"])
    moving.recount(session, change.conversation)
    live.tell(
        session, "message", change.now, account_id=message.account_id, id=message.id,
        conversation_id=message.conversation_id,
    )  # fmt: skip
