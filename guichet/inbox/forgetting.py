"""The words of what was said, and of what is known of somebody, go for good; rows stay, without words.

What stays holds nothing that anybody said: the waits and the figures made of them, the labels, the history in
numbers and codes, the audit. The ids that networks gave to messages stay as well, or a poll that overlaps would
bring back what was forgotten. Who calls has locked the conversations and asked for the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from guichet.delivery.payload import freeze
from guichet.inbox import handling, searching, uniting
from guichet.inbox.changes import changing
from guichet.inbox.states import State
from guichet.models import (
    AnswerReview,
    Attachment,
    Attempt,
    BulkReplyRow,
    Conversation,
    Customer,
    CustomerJoin,
    CustomerNote,
    Decision,
    Delivery,
    FieldValue,
    IdempotencyKey,
    Identity,
    Look,
    MailPicture,
    Media,
    Message,
    MessageLayout,
    MessageVersion,
    Notice,
    RawItem,
    Rendition,
    ReplyDraft,
    SideConversation,
    Staged,
)
from guichet.policy import Actor

_MANY = 500  # ids in one statement


# What was not understood may hold what others said, and nowhere else: it stays.
EMPTY_RAW = (
    update(RawItem).where(RawItem.state == "done").values(body=b"", headers={}, last_error="")
    .execution_options(synchronize_session=False)
)  # fmt: skip


def lots(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[at : at + _MANY] for at in range(0, len(ids), _MANY)]


def deliveries_of(conversation_ids: Sequence[int], said: Sequence[int]) -> list[ColumnElement[bool]]:
    """What was sent to them, in lots: answers, and what carries no message (likes, hidings, deletions)."""
    bare = and_(Delivery.conversation_id.in_(conversation_ids), Delivery.message_id.is_(None))
    carried = select(Message.delivery_id).where(Message.delivery_id.is_not(None))
    return [bare, *(Delivery.id.in_(carried.where(Message.id.in_(lot))) for lot in lots(said))]


def forget_files(session: Session, said: Sequence[int]) -> list[str]:
    """Keys of what came with it, unless something else holds the same file; the rows go."""
    keys: set[str] = set()
    for lot in lots(said):
        for table in (Attachment, MailPicture):
            held = select(table.storage_key).where(table.message_id.in_(lot), table.storage_key != "")
            keys |= set(session.scalars(held))
            session.execute(delete(table).where(table.message_id.in_(lot)))
    for held_by in (Attachment, MailPicture, Media, Rendition):
        keys -= set(session.scalars(select(held_by.storage_key).where(held_by.storage_key.in_(keys))))
    return sorted(keys)


def forget_raw(session: Session, said: Sequence[int]) -> None:
    """What networks handed over in which it was said."""
    for lot in lots(said):
        of_it = select(Message.raw_item_id).where(Message.id.in_(lot), Message.raw_item_id.is_not(None))
        session.execute(EMPTY_RAW.where(RawItem.id.in_(of_it)))


def forget_messages(session: Session, said: Sequence[int], now: datetime) -> None:
    for lot in lots(said):
        session.execute(
            update(Message)
            .where(Message.id.in_(lot))
            .values(
                text="", html="", subject="", url="", same_key=None, language="", in_reply_to="",
                context={"erased": True}, can_reply=False, deleted_at=func.coalesce(Message.deleted_at, now),
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        for table in (MessageVersion, MessageLayout):
            session.execute(delete(table).where(table.message_id.in_(lot)))
    session.expire_all()
    searching.forget(session, said)


def forget_sent(session: Session, sent: Sequence[ColumnElement[bool]]) -> None:
    """Of what we sent stays that it went out, when, and under which id."""
    for lot in sent:
        deliveries = session.scalars(select(Delivery).where(lot)).all()
        for one in deliveries:
            target = one.payload.get("reply_to")
            one.payload = freeze(text="", surface=one.payload["surface"])
            if target:
                blank = {"remote_id": "", "author_id": "", "author_handle": "", "thread_root": "", "context": {}}
                one.payload = {**one.payload, "reply_to": {**blank, "surface": target["surface"]}}
            one.remote_url, one.remote_context, one.reason = "", {}, ""
        ids = [one.id for one in deliveries]
        attempts = select(Attempt.id).where(Attempt.delivery_id.in_(ids))
        quietly = {"synchronize_session": False}
        session.flush()
        for statement in (
            update(Look).where(Look.attempt_id.in_(attempts)).values(evidence={}),
            update(Attempt).where(Attempt.delivery_id.in_(ids)).values(prepared={}, evidence={}, error=""),
            update(Staged).where(Staged.delivery_id.in_(ids)).values(made={}),
            update(Decision).where(Decision.delivery_id.in_(ids)).values(reason=""),
            update(AnswerReview).where(AnswerReview.delivery_id.in_(ids)).values(reason=""),
        ):
            session.execute(statement.execution_options(**quietly))


def forget_conversation(session: Session, actor: Actor, conversation: Conversation, now: datetime, event: str) -> None:
    id_ = conversation.id
    """`event`: what its history says of it."""
    with changing(session, actor, conversation, now) as change:
        if conversation.state != State.CLOSED and conversation.merged_into_id is None:
            handling.shut(change)
        conversation.subject = conversation.preview = conversation.language = ""
        conversation.above, conversation.thread_root = {}, f"erased-{id_}"
        conversation.can_reply, conversation.cannot_reply_reason = False, ""
        conversation.forgotten_at = now
        change.event(event)
    for table in (ReplyDraft, FieldValue, Notice):
        session.execute(delete(table).where(table.conversation_id == id_))
    session.execute(
        update(BulkReplyRow).where(BulkReplyRow.conversation_id == id_)
        .values(text=None, said="", body="", reason="", problems=[], notes=[])
    )  # fmt: skip
    beside = func.coalesce(SideConversation.came_to_id, SideConversation.conversation_id)
    session.execute(
        update(SideConversation).where(beside == id_).values(subject="", recipients=[])
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    _forget_repeats(session, f"/conversations/{id_}/")


def forget_identity(identity: Identity) -> None:
    identity.remote_id = identity.handle = _alias(identity.id)
    identity.name = identity.avatar_url = identity.url = ""
    identity.followers = None


def forget_people(session: Session, customer: Customer, now: datetime) -> None:
    for id_ in uniting.all_of(session, customer):
        one = session.get_one(Customer, id_)
        one.name, one.note, one.language = _alias(one.id), "", ""
        one.is_vip = one.is_blocked = False
        one.erased_at = now
        for table in (FieldValue, CustomerNote):
            session.execute(delete(table).where(table.customer_id == id_))
        session.execute(delete(CustomerJoin).where(or_(CustomerJoin.kept_id == id_, CustomerJoin.gone_id == id_)))
        _forget_repeats(session, f"/customers/{id_}/")


def _forget_repeats(session: Session, path: str) -> None:
    """What colleagues' programs send twice is answered from what was answered first: that says it all again.
    What is not answered yet, this very request perhaps, says nothing."""
    answered = IdempotencyKey.route.contains(path, autoescape=True), IdempotencyKey.status.is_not(None)
    session.execute(delete(IdempotencyKey).where(*answered))


def _alias(id_: int) -> str:
    """What stands where a name stood."""
    return f"erased-{id_}"
