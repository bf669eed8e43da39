"""A customer who is to be forgotten: what was said with them, and what is known of them, goes for good.

What stays holds nothing that they or anybody said: rows of messages without words, the waits and the
figures made of them, the labels, the history in numbers and codes, the audit. The ids that networks gave to messages
stay as well, or a poll that overlaps would bring back what was erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from guichet import audit
from guichet.db import dialect
from guichet.delivery.payload import freeze
from guichet.delivery.states import FINAL
from guichet.errors import Conflict
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
from guichet.policy import Action, Actor, require

_MANY = 500  # ids in one statement


def erase(session: Session, actor: Actor, customer: Customer, now: datetime) -> list[str]:
    """Forget the customer and everybody who was joined with them: words, names, addresses, files, notes,
    fields, drafts, what networks handed over, and what was asked about them beside. Open conversations
    are closed. Who writes again is somebody new. It cannot be taken back.

    Returns the keys of files that nothing holds any more, to be given up once this is committed. Raises
    NotAllowed; Conflict `joined` for who was joined into another, `erased` for who is gone already, and
    `on_its_way` while anything that is for them is not over (an answer, a like, an open doubt)."""
    require(actor, Action.CUSTOMER_ERASE)
    session.flush()
    session.refresh(customer, with_for_update=True)
    if customer.joined_into_id is not None:
        raise Conflict("they were joined with another: that one is erased", code="joined", into=customer.joined_into_id)
    if customer.erased_at is not None:
        raise Conflict("they are erased already", code="erased")
    # Whoever brings a message of theirs locks its identity first, too: it is either here by now or of somebody new.
    own = select(Identity).where(Identity.customer_id == customer.id).order_by(Identity.id).with_for_update()
    identities = session.scalars(own).all()
    mine = (
        select(Conversation).where(Conversation.identity_id.in_([i.id for i in identities])).order_by(Conversation.id)
    )
    conversations = session.scalars(mine).all()
    handling.lock_in_order(session, *conversations)
    said = _said(session, [i.id for i in identities], [c.id for c in conversations])
    sent = _deliveries([c.id for c in conversations], said)
    _refuse_unsettled(session, sent)
    keys = _files(session, said)
    _forget_raw(session, identities, conversations, said)
    _forget_messages(session, said, now)
    _forget_sent(session, sent)
    for conversation in conversations:
        _forget_conversation(session, actor, conversation, now)
    for identity in identities:
        _forget_identity(identity)
    _forget_people(session, customer, now)
    session.flush()
    audit.record(session, actor, "customer.erase", customer, now, conversations=len(conversations), messages=len(said))
    return keys


def _said(session: Session, identity_ids: Sequence[int], conversation_ids: Sequence[int]) -> list[int]:
    """What was said with them, and about them: theirs wherever it stands, and all of their own
    conversations, wherever those were merged into."""
    home = func.coalesce(Message.came_to_id, Message.conversation_id)
    theirs = or_(Message.identity_id.in_(identity_ids), home.in_(conversation_ids))
    return list(session.scalars(select(Message.id).where(theirs).order_by(Message.id)))


def _lots(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[at : at + _MANY] for at in range(0, len(ids), _MANY)]


def _deliveries(conversation_ids: Sequence[int], said: Sequence[int]) -> list[ColumnElement[bool]]:
    """What was sent to them, in lots: answers, and what carries no message (likes, hidings, deletions)."""
    bare = and_(Delivery.conversation_id.in_(conversation_ids), Delivery.message_id.is_(None))
    return [bare, *(Delivery.message_id.in_(lot) for lot in _lots(said))]


def _refuse_unsettled(session: Session, sent: Sequence[ColumnElement[bool]]) -> None:
    for lot in sent:
        open_ = select(Delivery.id).where(lot, Delivery.state.not_in(FINAL)).limit(1)
        if (found := session.scalar(open_)) is not None:
            raise Conflict(
                "something that is for them is not over: wait for it or call it off", code="on_its_way",
                delivery_id=found,
            )  # fmt: skip


def _files(session: Session, said: Sequence[int]) -> list[str]:
    """Keys of what came with it, unless something else holds the same file; the rows go."""
    keys: set[str] = set()
    for lot in _lots(said):
        for table in (Attachment, MailPicture):
            held = select(table.storage_key).where(table.message_id.in_(lot), table.storage_key != "")
            keys |= set(session.scalars(held))
            session.execute(delete(table).where(table.message_id.in_(lot)))
    for held_by in (Attachment, MailPicture, Media, Rendition):
        keys -= set(session.scalars(select(held_by.storage_key).where(held_by.storage_key.in_(keys))))
    return sorted(keys)


def _forget_raw(
    session: Session, identities: Sequence[Identity], conversations: Sequence[Conversation], said: Sequence[int]
) -> None:
    """What networks handed over: that in which they spoke, and that which names them (edits, reactions).
    What was not understood may hold what others said, and nowhere else: it stays."""
    empty = (
        update(RawItem).where(RawItem.state == "done").values(body=b"", headers={}, last_error="")
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    for lot in _lots(said):
        of_it = select(Message.raw_item_id).where(Message.id.in_(lot), Message.raw_item_id.is_not(None))
        session.execute(empty.where(RawItem.id.in_(of_it)))
    accounts = {c.account_id for c in conversations}
    for identity in identities:
        # In JSON an id stands between quotes; in a mail an address stands free.
        name = identity.remote_id if identity.network == "email" else f'"{identity.remote_id}"'
        named = dialect.holds_bytes(session, RawItem.body, name.encode())
        session.execute(empty.where(RawItem.account_id.in_(accounts), named))


def _forget_messages(session: Session, said: Sequence[int], now: datetime) -> None:
    for lot in _lots(said):
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


def _forget_sent(session: Session, sent: Sequence[ColumnElement[bool]]) -> None:
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


def _forget_conversation(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> None:
    id_ = conversation.id
    with changing(session, actor, conversation, now) as change:
        if conversation.state != State.CLOSED and conversation.merged_into_id is None:
            handling.shut(change)
        conversation.subject = conversation.preview = conversation.language = ""
        conversation.above, conversation.thread_root = {}, f"erased-{id_}"
        conversation.can_reply, conversation.cannot_reply_reason = False, ""
        change.event("erased")
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


def _forget_repeats(session: Session, path: str) -> None:
    """What colleagues' programs send twice is answered from what was answered first: that says it all again.
    What is not answered yet, this very request perhaps, says nothing."""
    answered = IdempotencyKey.route.contains(path, autoescape=True), IdempotencyKey.status.is_not(None)
    session.execute(delete(IdempotencyKey).where(*answered))


def _forget_identity(identity: Identity) -> None:
    identity.remote_id = identity.handle = _alias(identity.id)
    identity.name = identity.avatar_url = identity.url = ""
    identity.followers = None


def _forget_people(session: Session, customer: Customer, now: datetime) -> None:
    for id_ in uniting.all_of(session, customer):
        one = session.get_one(Customer, id_)
        one.name, one.note, one.language = _alias(one.id), "", ""
        one.is_vip = one.is_blocked = False
        one.erased_at = now
        for table in (FieldValue, CustomerNote):
            session.execute(delete(table).where(table.customer_id == id_))
        session.execute(delete(CustomerJoin).where(or_(CustomerJoin.kept_id == id_, CustomerJoin.gone_id == id_)))
        _forget_repeats(session, f"/customers/{id_}/")


def _alias(id_: int) -> str:
    """What stands where a name stood."""
    return f"erased-{id_}"
