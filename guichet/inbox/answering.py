"""Answering: from what an agent wrote to a delivery that reaches exactly the one answered.

Refuses to answer blindly (somebody wrote or answered since), beside a colleague who holds
the conversation, where the network will not take it, and what its limits would refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec, MediaLimit, Surface
from channels.limits import Problem, problems
from channels.sentences import say
from guichet import audit, live
from guichet.delivery import operations as delivering
from guichet.delivery.materials import choose, find_files, instead_of, made_of, ref_of
from guichet.delivery.payload import MediaRef, freeze, item_of
from guichet.errors import Conflict, Invalid
from guichet.inbox import crediting, field_values, followers, handling, notices, pending, searching, seeing, words
from guichet.inbox.changes import Change, changing
from guichet.inbox.composing import answered_in, body_of, subject_of, target_of
from guichet.inbox.pending import Later
from guichet.inbox.states import State
from guichet.models import Account, Attachment, Conversation, Delivery, Media, Message, ReplyDraft, Staff
from guichet.policy import Action, Actor, can, require

NOTE_LENGTH = 20_000  # code points


def reply(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    *,
    spec: ChannelSpec,
    text: str,
    media: Sequence[int] = (),
    seen_through: int,
    then_close: bool = False,
    to_message_id: int | None = None,
    undo_seconds: int = 0,
    later: Later | None = None,
    now: datetime,
) -> Message:
    """Send an answer through the delivery engine. An answer of somebody whose answers are reviewed
    waits for a colleague first (guichet.inbox.reviewing). Returns the outgoing message, whose
    `remote_id` stays empty until the network has accepted it; until then the wait goes on.

    `media` are ids of uploaded files; `seen_through` is the id of the newest message that
    the author had on screen; `to_message_id` the message answered (default: the customer's
    newest that can be answered). `spec` is the network's, for its limits and mentions. For
    `undo_seconds` (0–30) it may be taken back (guichet.inbox.taking_back); `later`: not before
    then, and only if it still answers the last word.

    Raises Conflict `held` (somebody else has it), `newer_messages` (`newer` lists what was
    written or answered since `seen_through`), `fields_lacking` (where `then_close`) or
    `not_possible_now`; Invalid with `problems`
    (names and figures of channels.limits) or on the field `to_message_id` where the network
    does not let us answer. The author's draft is kept in all these cases.
    """
    require(actor, Action.CONVERSATION_REPLY, conversation)
    author = author_of(session, actor)
    with changing(session, actor, conversation, now, "message") as change:
        if handling.is_held_by_other(conversation, author.id, now):
            raise handling.held(conversation)
        refuse_unseen(session, conversation, author.id, seen_through)
        if then_close:
            field_values.refuse_lacking(session, actor, conversation)
        due_at = pending.due_at(undo_seconds, later, now)
        account = session.get_one(Account, conversation.account_id)
        answered = answered_in(session, conversation, to_message_id)
        target = target_of(session, conversation, answered, due_at)
        files = files_of(session, actor, media)
        signature = crediting.signature_of(session, actor, account, author, conversation)
        body = body_of(spec, conversation, text, target, signature)
        limits = spec.limits_for(account.settings)
        refs = as_taken(session, files, limits.media.get(target.surface))
        refuse_problems(problems(body, [item_of(ref) for ref in refs], limits, target.surface))
        message = _outgoing(change, body, author.id, seen_through)
        message.came_to_id = answered.came_to_id  # a merge that is undone gives both back
        message.context = {"written": text, "signature": signature}  # the first goes back into the draft if it fails
        payload = freeze(
            text=body,
            surface=target.surface,
            media=refs,
            language=conversation.language,
            reply_to=target,
            subject=subject_of(conversation),
        )
        is_reviewed = actor.is_reviewed or crediting.is_reviewed(session, actor, conversation)
        delivery = delivering.create(
            session, actor, account=account, kind="direct" if target.surface is Surface.DIRECT else "reply",
            payload=payload, due_at=due_at, now=now, conversation_id=conversation.id, message_id=message.id,
            is_answer=True, awaits_approval=is_reviewed,
        )  # fmt: skip
        message.delivery_id = delivery.id
        enclose(session, message, files)
        searching.index_new(session, message, message.attachments)
        if is_reviewed:
            pending.ask_for_approval(change, delivery)
        else:
            pending.hold_back(change, "answered_meanwhile")
        if due_at > now or is_reviewed:
            pending.keep(change, message, later, then_close, is_reviewed=is_reviewed)
        _after_reply(change, author.id, message, then_close, due_at, later is not None, is_reviewed)
        audit.record(session, actor, "conversation.reply", conversation, now, message_id=message.id)
    return message


def _after_reply(
    change: Change,
    author_id: int,
    message: Message,
    then_close: bool,
    due_at: datetime,
    is_planned: bool,
    is_reviewed: bool,
) -> None:
    session, conversation = change.session, change.conversation
    handling.take(session, conversation, author_id, change.now)
    change.event("reply_sent", message_id=message.id, delivery_id=message.delivery_id)
    if due_at <= change.now and not is_reviewed:
        notices.tell_followers(change, "answer", message)
    if is_planned:
        handling.put_off(change, "answer_planned", message_id=message.id, at=due_at.isoformat())
    elif is_reviewed:
        handling.await_colleague(change, "answer_to_approve", message_id=message.id)
    elif then_close:
        handling.finish(change, "")
    elif conversation.state != State.WAITING_CUSTOMER:
        handling.await_customer(change)
    if conversation.topic_id is not None and not can(change.actor, Action.CONVERSATION_ANSWER, conversation):
        conversation.expert_id = author_id
    seeing.keep_mark(session, conversation.id, author_id, message.id, change.now)
    drop_draft(session, conversation.id, author_id, "answer")


def note(
    session: Session, actor: Actor, conversation: Conversation, *, text: str, media: Sequence[int] = (), now: datetime
) -> Message:
    """Write something that only colleagues see, with files if need be. No effect on any wait.
    Whom it calls by "@name" is told and follows (guichet.inbox.followers). Raises Invalid."""
    require(actor, Action.CONVERSATION_REPLY, conversation)
    clean = words.clean(text).strip()
    files = files_of(session, actor, media)
    if not (clean or files) or len(clean) > NOTE_LENGTH:
        raise Invalid("a note needs some text", {"text": say("must have 1 to {most} characters", most=NOTE_LENGTH)})
    author = author_of(session, actor)
    with changing(session, actor, conversation, now, "message") as change:
        message = Message(
            conversation_id=conversation.id, account_id=conversation.account_id, direction="note", kind="note",
            staff_id=author.id, text=clean, remote_at=now, received_at=now, sort_at=now,
        )  # fmt: skip
        add_message(session, conversation, message)
        enclose(session, message, files)
        searching.index_new(session, message, message.attachments)
        change.event("note", message_id=message.id)
        followers.call(change, actor, message)
        seeing.keep_mark(session, conversation.id, author.id, message.id, now)
        drop_draft(session, conversation.id, author.id, "note")
        audit.record(session, actor, "conversation.note", conversation, now, message_id=message.id)
    return message


def add_message(session: Session, conversation: Conversation, message: Message) -> None:
    """Append a message to its conversation's counts, within `changing`."""
    session.add(message)
    session.flush()
    conversation.message_count += 1
    conversation.last_message_id = max(conversation.last_message_id or 0, message.id)
    conversation.last_message_at = max(conversation.last_message_at, message.sort_at)


def save_draft(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    *,
    kind: str = "answer",
    text: str,
    media: Sequence[int] = (),
    seen_through: int | None = None,
    now: datetime,
) -> ReplyDraft | None:
    """Keep what the actor is writing ("answer" or "note"); nothing written drops it (None).
    Renews the actor's claim, if they hold one."""
    require(actor, Action.CONVERSATION_REPLY, conversation)
    author = author_of(session, actor)
    if kind not in ("answer", "note"):
        raise Invalid("a draft is an answer or a note", {"kind": "must be answer or note"})
    text = words.clean(text)
    if len(text) > NOTE_LENGTH:
        raise Invalid("this draft is too long", {"text": say("must have at most {most} characters", most=NOTE_LENGTH)})
    files_of(session, actor, media)
    handling.renew(session, actor, conversation, now)
    if not text and not media:
        drop_draft(session, conversation.id, author.id, kind)
        return None
    return keep_draft(session, conversation.id, author.id, kind, text, media, seen_through, now)


def find_draft(session: Session, actor: Actor, conversation: Conversation, kind: str = "answer") -> ReplyDraft | None:
    """What the actor was writing here."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    if actor.staff_id is None:
        return None
    return session.get(ReplyDraft, (conversation.id, actor.staff_id, kind))


def keep_draft(
    session: Session,
    conversation_id: int,
    staff_id: int,
    kind: str,
    text: str,
    media: Sequence[int],
    seen_through: int | None,
    now: datetime,
) -> ReplyDraft:
    """Write the draft row, whosever it is (an answer that failed goes back to its author)."""
    draft = session.get(ReplyDraft, (conversation_id, staff_id, kind))
    if draft is None:
        draft = ReplyDraft(conversation_id=conversation_id, staff_id=staff_id, kind=kind)
        session.add(draft)
    draft.text, draft.media, draft.seen_through, draft.updated_at = text, list(media), seen_through, now
    session.flush()
    return draft


def give_back(session: Session, message: Message, delivery: Delivery | None, now: datetime) -> None:
    """An answer that nobody got to read is in its author's box again, unless something stands there."""
    if message.staff_id is None:
        return
    if session.get(ReplyDraft, (message.conversation_id, message.staff_id, "answer")) is not None:
        return
    conversation = session.get_one(Conversation, message.conversation_id)
    media = [m["media_id"] for m in delivery.payload.get("media", ())] if delivery is not None else []
    text = message.context.get("written", message.text)
    keep_draft(session, conversation.id, message.staff_id, "answer", text, media, conversation.last_message_id, now)


def drop_draft(session: Session, conversation_id: int, staff_id: int, kind: str) -> None:
    session.execute(
        delete(ReplyDraft).where(
            ReplyDraft.conversation_id == conversation_id, ReplyDraft.staff_id == staff_id, ReplyDraft.kind == kind
        )
    )


def author_of(session: Session, actor: Actor) -> Staff:
    """Who writes. Raises Invalid for what is no person."""
    if actor.staff_id is None:
        raise Invalid("only a person can answer")
    return session.get_one(Staff, actor.staff_id)


def refuse_unseen(session: Session, conversation: Conversation, author_id: int, seen_through: int) -> None:
    """Raises Conflict `newer_messages` where somebody else wrote or answered since."""
    if seen_through > (conversation.last_message_id or 0):
        raise Invalid("there is no such message", {"seen_through": "is newer than anything here"})
    newer = session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.id > seen_through, Message.side_id.is_(None))
        .where(Message.direction != "note", Message.deleted_at.is_(None))
        .order_by(Message.id)
        .limit(50)
    ).all()
    unseen = [m for m in newer if m.staff_id != author_id]
    if unseen:
        raise Conflict(
            "something was written here since you looked", code="newer_messages",
            newer=[{"id": m.id, "direction": m.direction, "staff_id": m.staff_id} for m in unseen],
        )  # fmt: skip


def files_of(session: Session, actor: Actor, ids: Sequence[int]) -> list[Media]:
    """The files that the actor sends. Raises Invalid where one is not theirs to send."""
    found = find_files(session, actor, ids)
    missing = [i for i in ids if i not in found]
    if missing:
        raise Invalid("a file is not there", {"media": say("{id} is no file of yours", id=str(missing[0]))})
    return [found[i] for i in ids]


def as_taken(session: Session, files: Sequence[Media], limit: MediaLimit | None) -> list[MediaRef]:
    """The files with what was made in place of pictures that the network would refuse."""
    made = made_of(session, [f.id for f in files])
    plain = [ref_of(f) for f in files]
    chosen = [(ref, choose(ref, "", limit, made)) for ref in plain]
    return [instead_of(ref, found) if found else ref for ref, found in chosen]


def enclose(session: Session, message: Message, files: Sequence[Media]) -> None:
    """Show in the thread what went with the message; its bytes lie in the store once."""
    for file in files:
        session.add(
            Attachment(
                message_id=message.id, filename=file.filename, mime=file.mime, size=file.size, alt=file.alt,
                storage_key=file.storage_key,
            )
        )  # fmt: skip
    session.flush()
    session.refresh(message, ["attachments"])


def refuse_problems(found: Sequence[Problem]) -> None:
    if found:
        raise Invalid(
            "the network would refuse this",
            {"media" if "index" in p.data else "text": p.name for p in found},
            problems=[{"name": p.name, **p.data} for p in found],
        )


def _outgoing(change: Change, body: str, author_id: int, seen_through: int) -> Message:
    session, conversation, now = change.session, change.conversation, change.now
    message = Message(
        conversation_id=conversation.id, account_id=conversation.account_id, direction="out", kind="answer",
        staff_id=author_id, text=body, seen_through=seen_through, language=conversation.language,
        remote_at=now, received_at=now, sort_at=now,
    )  # fmt: skip
    add_message(session, conversation, message)
    live.tell(
        session, "message", now, account_id=message.account_id, id=message.id, conversation_id=conversation.id
    )  # fmt: skip
    return message
