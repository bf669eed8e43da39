"""What an answer would be as it stands at the network: whom it answers, where it goes, its body."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec, Surface, Target
from channels.limits import Problem, count, problems
from channels.sentences import say
from guichet.errors import Invalid
from guichet.inbox import crediting, words
from guichet.models import Account, Conversation, Delivery, Identity, Message, Staff
from guichet.policy import Actor


@dataclass(frozen=True)
class Foreseen:
    """An answer that nobody has sent. `room`: what its network takes, as it counts; 0: no limit."""

    body: str
    used: int
    room: int
    problems: Sequence[Problem]


def foresee(
    session: Session,
    actor: Actor,
    author: Staff,
    conversation: Conversation,
    spec: ChannelSpec,
    text: str,
    at: datetime,
) -> Foreseen:
    """What `text` would be as an answer here that goes out `at` that moment; writes nothing. Raises
    Invalid where the network would not let us answer. Rights are the caller's matter."""
    account = session.get_one(Account, conversation.account_id)
    target = target_of(session, conversation, answered_in(session, conversation, None), at)
    signature = crediting.signature_of(session, actor, account, author, conversation)
    body = body_of(spec, conversation, text, target, signature)
    limits = spec.limits_for(account.settings)
    limit = limits.text.get(target.surface)
    used = count(body, limit) if limit else len(body)
    return Foreseen(body, used, (limit.max_length or 0) if limit else 0, problems(body, [], limits, target.surface))


def target_of(session: Session, conversation: Conversation, answered: Message, at: datetime) -> Target:
    """Where an answer goes that goes out `at` that moment."""
    if not answered.can_reply:
        reason = answered.cannot_reply_reason or say("the network does not let us answer this")
        raise Invalid(reason, {"to_message_id": reason}, code="cannot_reply")
    require_window(answered, at)
    identity = session.get_one(Identity, answered.identity_id)
    thread = session.get_one(Conversation, answered.came_to_id or conversation.id)
    return Target(
        remote_id=answered.remote_id or "",
        author_id=identity.remote_id,
        author_handle=identity.handle,
        thread_root=thread.thread_root,
        surface=Surface(conversation.surface),
        context=answered.context,
    )


def require_window(answered: Message, at: datetime) -> None:
    if answered.reply_until is not None and answered.reply_until <= at:
        reason = say("the network's time for an answer is over")
        raise Invalid(reason, {"to_message_id": reason}, code="reply_window_over")


def require_open_until(session: Session, conversation: Conversation, message: Message, at: datetime) -> None:
    """The network still takes this answer `at` that moment. Raises Invalid `reply_window_over`."""
    target = session.get_one(Delivery, message.delivery_id).payload["reply_to"]["remote_id"]
    here = (Message.conversation_id == conversation.id, Message.direction == "in", Message.remote_id == target)
    for answered in session.scalars(select(Message).where(*here)):
        require_window(answered, at)


def answered_in(session: Session, conversation: Conversation, to_message_id: int | None) -> Message:
    incoming = (
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.direction == "in", Message.deleted_at.is_(None))
        .order_by(Message.can_reply.desc(), Message.sort_at.desc(), Message.id.desc())
        .limit(1)
    )
    if to_message_id is not None:
        incoming = incoming.where(Message.id == to_message_id)
    found = session.scalars(incoming).first()
    if found is None:
        raise Invalid("there is nothing here to answer", {"to_message_id": "is no message of the customer here"})
    return found


def body_of(spec: ChannelSpec, conversation: Conversation, text: str, target: Target, signature: str) -> str:
    """The text as it will stand: with who signs it, and whom it is for."""
    body = words.clean(text).strip()
    if signature and body:
        body += ("\n\n" if conversation.surface == Surface.MAIL else " ") + signature
    return spec.answer_text(body, target) if spec.answer_text and body else body


def subject_of(conversation: Conversation) -> str:
    if conversation.surface != Surface.MAIL:
        return ""
    subject = conversation.subject
    return subject if subject.casefold().startswith("re:") else f"Re: {subject}".strip()
