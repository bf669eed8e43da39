"""Side conversations: asking somebody outside, by e-mail, without the customer seeing it.

What is written goes out through the delivery engine with all its promises. What comes back is
told from customers' mail by a token that nobody can guess, or by the ids of what we sent
(guichet.receiving.side_mail).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from channels.contract import ChannelSpec, Surface, Target
from channels.limits import problems
from guichet import audit, live
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze, item_of
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import awaiting, searching, side_rules
from guichet.inbox.answering import as_taken, author_of, enclose, files_of, refuse_problems
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import State
from guichet.inbox.thread import MessageRow, dressed
from guichet.inbox.words import clean_short
from guichet.models import Account, Conversation, Identity, Message, SideConversation
from guichet.policy import Action, Actor, can, require, visible

MOST = 50  # side conversations of one conversation
WINDOW = 100  # messages of one that are shown


@dataclass(frozen=True)
class Writing:
    """What goes out: whom to (name and address of each), the text, ids of messages that are
    quoted below it, and of files."""

    to: Sequence[Mapping[str, str]]
    text: str
    quoted: Sequence[int] = ()
    media: Sequence[int] = ()


@dataclass(frozen=True)
class SideRow:
    """A side conversation with the newest of what was said in it, oldest first."""

    side: SideConversation
    messages: Sequence[MessageRow]


def open_side(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    *,
    account: Account,
    spec: ChannelSpec,
    subject: str,
    writing: Writing,
    waits: bool = True,
    remind_at: datetime | None = None,
    even_customer: bool = False,
    now: datetime,
) -> tuple[SideConversation, Message]:
    """Write to somebody outside from `account`, a mailbox of the conversation's brand. `waits`:
    the conversation then waits for them, until they answer or `remind_at` comes.

    Raises Conflict `is_customer` where an address is one of the customer's and `even_customer` is
    not said, or `not_possible_now`; Invalid on the fields account_id, to, subject, text, media.
    """
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    author = author_of(session, actor)
    with changing(session, actor, conversation, now, "sides") as change:
        _refuse_gone(conversation)
        _require_mailbox(session, actor, conversation, account, spec)
        side = SideConversation(
            conversation_id=conversation.id, account_id=account.id, staff_id=author.id,
            subject=clean_short(subject), token=secrets.token_hex(10), recipients=[], created_at=now, last_at=now,
        )  # fmt: skip
        if not side.subject:
            raise Invalid("a mail needs a subject", {"subject": "is needed"})
        if _count(session, conversation) >= MOST:
            raise Invalid("there are too many side conversations here", {"to": "is too much for one conversation"})
        side.recipients = _recipients(session, conversation, writing, even_customer)
        session.add(side)
        session.flush()
        change.event("side_opened", side_id=side.id)
        message = _send(change, actor, side, account, spec, writing)
        _await(change, side, waits, remind_at)
        audit.record(
            session, actor, "conversation.side_open", conversation, now, side_id=side.id, account_id=account.id
        )  # fmt: skip
    return side, message


def write_side(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    side: SideConversation,
    *,
    spec: ChannelSpec,
    writing: Writing,
    waits: bool = True,
    remind_at: datetime | None = None,
    even_customer: bool = False,
    now: datetime,
) -> Message:
    """Write on in a side conversation; `writing.to` empty: to those written to before. Raises as
    `open_side` does."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    author_of(session, actor)
    with changing(session, actor, conversation, now, "sides") as change:
        session.refresh(side)
        if side.conversation_id != conversation.id:
            raise NotFound("there is no such side conversation here")
        _refuse_gone(conversation)
        account = session.get_one(Account, side.account_id)
        _require_mailbox(session, actor, conversation, account, spec)
        if writing.to:
            known = {one["address"] for one in side.recipients}
            recipients = _recipients(session, conversation, writing, even_customer, known)
            side.recipients = recipients
        message = _send(change, actor, side, account, spec, writing)
        _await(change, side, waits, remind_at)
        audit.record(session, actor, "conversation.side_write", conversation, now, side_id=side.id)
    return message


def list_mailboxes(
    session: Session, actor: Actor, conversation: Conversation, specs: Mapping[str, ChannelSpec]
) -> Sequence[Account]:
    """The mailboxes of the conversation's brand that the actor may answer from, the
    conversation's own first."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    home = session.get_one(Account, conversation.account_id)
    mail = [name for name, spec in specs.items() if _is_mail(spec)]
    wanted = (
        select(Account)
        .where(Account.brand_id == home.brand_id, Account.network.in_(mail), Account.state == "connected")
        .where(visible(actor, Account.id, Action.CONVERSATION_ANSWER))
        .order_by((Account.id != home.id), Account.id)
    )
    return session.scalars(wanted).all()


def get_side(session: Session, actor: Actor, conversation: Conversation, side_id: int) -> SideConversation:
    """Raises NotFound."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    side = session.get(SideConversation, side_id)
    if side is None or side.conversation_id != conversation.id:
        raise NotFound("there is no such side conversation here")
    return side


def read_sides(session: Session, actor: Actor, conversation: Conversation) -> list[SideRow]:
    """What is said beside the conversation, the latest side conversation first."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    own = select(SideConversation).where(SideConversation.conversation_id == conversation.id)
    sides = session.scalars(own.order_by(SideConversation.last_at.desc(), SideConversation.id.desc())).all()
    return [SideRow(side, read_side_messages(session, side)) for side in sides]


def read_side_messages(session: Session, side: SideConversation) -> list[MessageRow]:
    """The newest messages of one, oldest first. Rights are the caller's matter."""
    newest = (
        select(Message)
        .where(Message.side_id == side.id)
        .order_by(Message.sort_at.desc(), Message.id.desc())
        .limit(WINDOW)
        .options(selectinload(Message.attachments))
    )
    return dressed(session, session.scalars(newest).all()[::-1])


def addresses_of_customer(session: Session, conversation: Conversation) -> frozenset[str]:
    """By which the conversation's customer is known anywhere."""
    customer = select(Identity.customer_id).where(Identity.id == conversation.identity_id).scalar_subquery()
    rows = session.execute(select(Identity.remote_id, Identity.handle).where(Identity.customer_id == customer))
    return frozenset(name.lower() for row in rows for name in row if "@" in name)


# ---------------------------------------------------------------- writing


def _send(
    change: Change, actor: Actor, side: SideConversation, account: Account, spec: ChannelSpec, writing: Writing
) -> Message:
    session, conversation, now = change.session, change.conversation, change.now
    files = files_of(session, actor, writing.media)
    body = side_rules.body_of(writing.text, _quotes(session, conversation, writing.quoted))
    limits = spec.limits_for(account.settings)
    refs = as_taken(session, files, limits.media.get(Surface.MAIL))
    refuse_problems(problems(body, [item_of(ref) for ref in refs], limits, Surface.MAIL))
    above = _above(session, side)
    message = Message(
        conversation_id=conversation.id, came_to_id=side.came_to_id, side_id=side.id,
        account_id=conversation.account_id, direction="side_out", kind="side", staff_id=actor.staff_id, text=body,
        subject=side.subject, context={"written": writing.text}, remote_at=now, received_at=now, sort_at=now,
    )  # fmt: skip
    session.add(message)
    session.flush()
    payload = freeze(
        text=body, surface=Surface.MAIL, media=refs, reply_to=_target(side, above),
        subject=f"Re: {side.subject}" if above else side.subject,
        options={"to": side.recipients, "token": side.token},
    )  # fmt: skip
    delivery = delivering.create(
        session, actor, account=account, kind="reply", payload=payload, due_at=now, now=now,
        conversation_id=conversation.id, message_id=message.id, is_answer=True,
    )  # fmt: skip
    message.delivery_id, side.last_at = delivery.id, now
    enclose(session, message, files)
    searching.index_new(session, message, message.attachments)
    change.event("side_sent", side_id=side.id, message_id=message.id, delivery_id=delivery.id)
    tell(change, side)
    return message


def _await(change: Change, side: SideConversation, waits: bool, remind_at: datetime | None) -> None:
    if waits and change.conversation.state in awaiting.MAY_WAIT:
        awaiting.wait_for(change, side_rules.named(side.recipients), None, remind_at)
    elif remind_at is not None:
        raise Invalid("nobody is waited for here", {"remind_at": "needs a conversation that waits for them"})


def _recipients(
    session: Session,
    conversation: Conversation,
    writing: Writing,
    even_customer: bool,
    known: frozenset[str] | set[str] = frozenset(),
) -> list[dict[str, str]]:
    mail = select(Account.remote_id).where(Account.remote_id.like("%@%"))
    own = {side_rules.plain_address(address) for address in session.scalars(mail)}
    found = side_rules.recipients_of(writing.to, own)
    theirs = addresses_of_customer(session, conversation) - known
    if not even_customer and (meant := [one["address"] for one in found if one["address"] in theirs]):
        raise Conflict("this address is the customer's own", code="is_customer", addresses=meant)
    return found


def _quotes(session: Session, conversation: Conversation, ids: Sequence[int]) -> list[tuple[str, datetime, str]]:
    """Who, when and what of messages here: what was said with the customer, not what was noted."""
    wanted = select(Message).where(
        Message.id.in_(ids), Message.conversation_id == conversation.id, Message.direction.in_(("in", "out")),
        Message.deleted_at.is_(None),
    )  # fmt: skip
    rows = dressed(session, session.scalars(wanted.order_by(Message.sort_at, Message.id)).all())
    if len(rows) != len(set(ids)):
        raise Invalid("there is no such message", {"quote": "holds what is no message of this conversation"})
    return [
        (row.identity.name or row.identity.handle if row.identity else row.staff_name or "–", row.message.sort_at,
         row.message.text)
        for row in rows
    ]  # fmt: skip


def _above(session: Session, side: SideConversation) -> Message | None:
    """What the next mail answers: the newest that a mail program can know."""
    newest = select(Message).where(Message.side_id == side.id, Message.remote_id.is_not(None))
    return session.scalars(newest.order_by(Message.sort_at.desc(), Message.id.desc()).limit(1)).first()


def _target(side: SideConversation, above: Message | None) -> Target:
    context = above.context if above is not None else {}
    first = side.recipients[0]["address"]
    return Target(
        remote_id=(above.remote_id or "") if above is not None else "",
        author_id=first,
        author_handle=first,
        thread_root="",
        surface=Surface.MAIL,
        context={
            "reply_to": first,
            "message_id": str(context.get("message_id", "")),
            "references": list(context.get("references", ())),
        },
    )


def _require_mailbox(
    session: Session, actor: Actor, conversation: Conversation, account: Account, spec: ChannelSpec
) -> None:
    require(actor, Action.CONVERSATION_ANSWER, account)
    if actor.is_reviewed:
        raise NotAllowed("a colleague must approve what you write to the outside: ask one to write this")
    home = session.get_one(Account, conversation.account_id)
    if not _is_mail(spec) or account.brand_id != home.brand_id:
        raise Invalid("this is no mailbox of the brand", {"account_id": "is no mailbox of the conversation's brand"})
    if account.state != "connected":
        raise Invalid("this mailbox is not connected", {"account_id": "is not connected"})


def _is_mail(spec: ChannelSpec) -> bool:
    return Surface.MAIL in spec.limits.text


def _refuse_gone(conversation: Conversation) -> None:
    if conversation.merged_into_id is not None or conversation.state == State.CLOSED:
        raise Conflict("this conversation is closed", code="not_possible_now", state=conversation.state)


def _count(session: Session, conversation: Conversation) -> int:
    own = SideConversation.conversation_id == conversation.id
    return session.scalar(select(func.count()).select_from(SideConversation).where(own)) or 0


def tell(change: Change, side: SideConversation) -> None:
    """The pages that show the conversation look at its side conversations again."""
    live.tell(
        change.session, "side", change.now, account_id=change.conversation.account_id, id=side.id,
        conversation_id=change.conversation.id,
    )  # fmt: skip


def may_write(actor: Actor, conversation: Conversation, side: SideConversation) -> bool:
    """Whether `write_side` would let the actor."""
    return can(actor, Action.CONVERSATION_ANSWER, conversation) and can(
        actor, Action.CONVERSATION_ANSWER, side.account_id
    )
