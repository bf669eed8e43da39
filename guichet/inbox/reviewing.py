"""Answers that go out only after a colleague agreed: who is new, or answers for the company from
outside of the inbox. The approval is for just these words, and is asked for once more by the
start of the sending (guichet.delivery.gates); nobody approves their own.

What waits is told by its delivery: whatever the start sends back to wait is found here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from channels.contract import ChannelSpec
from channels.limits import problems
from channels.sentences import say
from guichet import audit
from guichet.delivery import operations as delivering
from guichet.delivery.payload import MediaRef, focus_of, item_of, thawed_target
from guichet.delivery.states import State as DeliveryState
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import answering, composing, handling, notices, pending, searching, taking_back
from guichet.inbox.changes import Change, changing
from guichet.inbox.narrowing import awaits_approval_of
from guichet.models import Account, AnswerReview, Conversation, Delivery, Identity, Message, PendingAnswer
from guichet.policy import Action, Actor, require

REASON_LENGTH = 2000  # code points


@dataclass(frozen=True)
class ToApprove:
    """An answer that waits for somebody with the actor's rights."""

    message: Message
    delivery: Delivery
    conversation: Conversation


def list_to_approve(session: Session, actor: Actor) -> Sequence[ToApprove]:
    """All that waits for the actor, the oldest first."""
    wanted = (
        select(Message, Delivery, Conversation)
        .join(Delivery, Delivery.id == Message.delivery_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .options(joinedload(Conversation.identity).joinedload(Identity.customer))
        .where(awaits_approval_of(actor))
        .order_by(Delivery.updated_at, Delivery.id)
    )
    return [ToApprove(*row) for row in session.execute(wanted)]


def find_reviews(session: Session, delivery_ids: Sequence[int]) -> dict[int, AnswerReview]:
    """What was asked and said of these, in one query. Rights are the caller's matter."""
    rows = session.scalars(select(AnswerReview).where(AnswerReview.delivery_id.in_(delivery_ids)))
    return {row.delivery_id: row for row in rows}


def approve(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    message_id: int,
    *,
    spec: ChannelSpec,
    content_hash: str,
    seen_through: int,
    text: str | None = None,
    refuse_others: bool = False,
    now: datetime,
) -> Message:
    """Let a colleague's answer go; `text` says it otherwise first. `content_hash` is what the
    approver read: another now is refused (Conflict `changed`), and so is what was written since
    `seen_through` (`newer_messages`). `refuse_others`: the other answers that wait here go back to
    their authors. Raises NotAllowed for one's own, Conflict `held`, `too_late`."""
    require(actor, Action.ANSWER_APPROVE, conversation)
    approver = answering.author_of(session, actor)
    with changing(session, actor, conversation, now, "message") as change:
        message, delivery = _waiting(session, actor, conversation, message_id)
        others = _others(session, conversation, message)
        writers = {one.staff_id for one, _ in [(message, delivery), *others]}
        if handling.is_held_by_other(conversation, approver.id, now) and conversation.assignee_id not in writers:
            raise handling.held(conversation)
        answering.refuse_unseen(session, conversation, approver.id, seen_through)
        if delivery.payload_hash != content_hash:
            raise Conflict("it says something else now: read it again", code="changed", current=delivery.payload_hash)
        if text is not None and text.strip() != message.context.get("written", message.text):
            _reword(change, spec, message, delivery, text)
        review = _review_of(session, delivery, now)
        review.state, review.content_hash, review.reason = "granted", delivery.payload_hash, ""
        review.settled_by, review.settled_at = actor.staff_id, now
        message.seen_through = max(message.seen_through or 0, seen_through)
        delivering.approve(session, actor, delivery, now)
        change.event("answer_approved", message_id=message.id, by=message.staff_id)
        _tell_author(change, "approved", message)
        if refuse_others:
            for other, its in others:
                _send_back(change, other, its, "")
        audit.record(session, actor, "conversation.answer_approved", conversation, now, message_id=message.id)
    return message


def reject(
    session: Session, actor: Actor, conversation: Conversation, message_id: int, *, reason: str, now: datetime
) -> Message:
    """Do not let it go. Its text goes back into its author's draft, and the reason stands with it.
    Raises Invalid without a reason, NotAllowed for one's own, Conflict `too_late`."""
    require(actor, Action.ANSWER_APPROVE, conversation)
    why = reason.strip()
    if not why or len(why) > REASON_LENGTH:
        raise Invalid("say why", {"reason": say("must have 1 to {most} characters", most=REASON_LENGTH)})
    with changing(session, actor, conversation, now, "message") as change:
        message, delivery = _waiting(session, actor, conversation, message_id)
        _send_back(change, message, delivery, why)
    return message


def _waiting(
    session: Session, actor: Actor, conversation: Conversation, message_id: int
) -> tuple[Message, Delivery]:  # fmt: skip
    message = session.get(Message, message_id)
    if message is None or message.conversation_id != conversation.id or message.delivery_id is None:
        raise NotFound("there is no such answer here")
    delivery = session.get_one(Delivery, message.delivery_id, with_for_update=True, populate_existing=True)
    if delivery.state != DeliveryState.AWAITING_APPROVAL:
        raise Conflict("this answer does not wait for an approval any more", code="too_late", current=delivery.state)
    if actor.staff_id in (None, message.staff_id, delivery.actor_id):
        raise NotAllowed("nobody approves their own answer")
    return message, delivery


def _others(session: Session, conversation: Conversation, message: Message) -> list[tuple[Message, Delivery]]:
    wanted = (
        select(Message, Delivery)
        .join(Delivery, Delivery.id == Message.delivery_id)
        .where(Message.conversation_id == conversation.id, Message.id != message.id)
        .where(Delivery.is_answer, Delivery.state == DeliveryState.AWAITING_APPROVAL)
        .order_by(Message.id)
    )
    return [(m, d) for m, d in session.execute(wanted)]


def _reword(change: Change, spec: ChannelSpec, message: Message, delivery: Delivery, text: str) -> None:
    """The same answer in the approver's words: counted, signed and bound anew."""
    session, conversation = change.session, change.conversation
    account = session.get_one(Account, conversation.account_id)
    target = thawed_target(delivery.payload["reply_to"])
    body = composing.body_of(spec, conversation, text, target, message.context.get("signature", ""))
    refs = [MediaRef(**{**one, "focus": focus_of(one)}) for one in delivery.payload["media"]]
    limits = spec.limits_for(account.settings)
    answering.refuse_problems(problems(body, [item_of(ref) for ref in refs], limits, target.surface))
    delivering.replace_content(session, change.actor, delivery, {**delivery.payload, "text": body}, "", change.now)
    message.text, message.context = body, {**message.context, "written": text}
    session.flush()
    searching.index(session, message)
    change.event("answer_reworded", message_id=message.id, by=message.staff_id)


def _review_of(session: Session, delivery: Delivery, now: datetime) -> AnswerReview:
    """What was asked; of what the start sent back to wait nothing was asked yet."""
    review = session.get(AnswerReview, delivery.id)
    if review is None:
        review = AnswerReview(
            delivery_id=delivery.id, content_hash=delivery.payload_hash, asked_by=delivery.actor_id, asked_at=now
        )
        session.add(review)
    return review


def _send_back(change: Change, message: Message, delivery: Delivery, reason: str) -> None:
    """To its author: the text into their draft, the conversation to where it stood."""
    session, now = change.session, change.now
    review = _review_of(session, delivery, now)
    review.state, review.reason = "rejected", reason
    review.settled_by, review.settled_at = change.actor.staff_id, now
    delivering.call_off(session, change.actor, delivery, now)
    delivery.reason_code = "rejected"
    delivery.reason = say("not approved: {reason}", reason=reason) if reason else say("another answer was approved")
    if message.staff_id is not None:
        taking_back.into_draft(session, message, delivery, message.staff_id, now)
    row = session.get(PendingAnswer, message.id)
    if row is not None and reason:
        taking_back.stand_as_before(change, row)
    pending.forget(session, message)
    message.context = {**message.context, "settled": str(DeliveryState.CANCELLED)}
    change.event("answer_rejected", message_id=message.id, by=message.staff_id)
    _tell_author(change, "rejected", message)
    audit.record(
        session, change.actor, "conversation.answer_rejected", change.conversation, now, message_id=message.id
    )  # fmt: skip


def _tell_author(change: Change, kind: str, message: Message) -> None:
    if message.staff_id is not None:
        notices.tell(change, kind, {message.staff_id}, message)
