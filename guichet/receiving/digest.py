"""From what a network handed over to customers, conversations and messages.

Idempotent by account and remote id: the same thing again changes nothing, a newer version
of it becomes a version, its deletion a tombstone. Nothing here looks anything up outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Inbound, InboundKind, RemoteMedia, Surface
from guichet import live
from guichet.delivery.doubts import match_echo
from guichet.inbox import answering, likeness, notices, pending, pool, searching, states, waiting, words
from guichet.inbox.changes import Change, changing, lock
from guichet.inbox.states import State
from guichet.models import (
    Account,
    Attachment,
    Conversation,
    Identity,
    Message,
    MessageVersion,
    RawItem,
    SenderPace,
    SideConversation,
)
from guichet.policy import Action, Actor, require
from guichet.receiving import bounces, languages, layouts, pacing, people, previews, side_mail, threads, withdrawals
from guichet.receiving.following import follow_delivery
from guichet.receiving.mail_order import stands_at
from guichet.receiving.sanitise import sanitise
from guichet.storage import FileStore

FILE_BYTES = 25 * 2**20  # of one attachment; beyond it only its name is kept
FILES = 50
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_SAID = frozenset(
    {InboundKind.MENTION, InboundKind.REPLY, InboundKind.QUOTE, InboundKind.DIRECT, InboundKind.MAIL}
)  # fmt: skip


@dataclass(frozen=True)
class _Case:
    """One thing to digest, with what it came in."""

    session: Session
    actor: Actor
    account: Account
    raw: RawItem
    inbound: Inbound
    store: FileStore | None
    now: datetime

    @property
    def remote_at(self) -> datetime:
        """The network's time, within reason: what was handed over was said before that."""
        return max(_EARLIEST, min(self.inbound.remote_at.astimezone(UTC), self.raw.received_at))

    @property
    def arrived_at(self) -> datetime:
        """When the network took it in, which its author cannot choose."""
        return min(self.inbound.arrived_at or self.remote_at, self.raw.received_at)

    @property
    def remote_id(self) -> str:
        return words.clean(self.inbound.remote_id, people.ID_LENGTH)

    def known(self) -> Message | None:
        return self.session.scalars(
            select(Message).where(Message.account_id == self.account.id, Message.remote_id == self.remote_id)
        ).one_or_none()


def digest(
    session: Session,
    actor: Actor,
    raw: RawItem,
    inbounds: Iterable[Inbound],
    now: datetime,
    *,
    store: FileStore | None = None,
) -> list[Message]:
    """Take up what one raw item says; returns the messages of customers that are new.
    `store` keeps attached files (None: only their names). The caller marks the item done."""
    require(actor, Action.SYSTEM)
    account = session.get_one(Account, raw.account_id)
    new = []
    for inbound in inbounds:
        message = _digest_one(_Case(session, actor, account, raw, inbound, store, now))
        if message is not None:
            new.append(message)
    return new


def _digest_one(case: _Case) -> Message | None:
    """The customer's message if it is new."""
    kind = case.inbound.kind
    if kind is InboundKind.DELETION:
        gone = case.known()
        if gone is None:
            withdrawals.remember(case.session, case.account.id, case.remote_id, case.now)
        else:
            withdrawals.take_back(case.session, case.actor, gone, case.now)
    elif (side := side_mail.find_side(case.session, case.account, case.inbound)) is not None:
        _beside(case, side)
    elif kind is InboundKind.ECHO:
        _echo(case)
    elif kind in _SAID and (answer := bounces.find_bounced(case.session, case.account, case.inbound)) is not None:
        _came_back(case, answer)
    elif kind in _SAID:
        known = case.known()
        if known is not None and _is_another(case, known):
            case = _under_its_own_id(case)
            known = case.known()
        if known is None:
            message = _said(case)
            if not withdrawals.is_remembered(case.session, case.account.id, case.remote_id):
                return message
            withdrawals.take_back(case.session, case.actor, message, case.now)
            return None
        _edit(case, known)
    return None  # a reaction changes nothing


def _beside(case: _Case, side: SideConversation) -> None:
    """Said beside a conversation, by somebody outside, or by us in our own mail program."""
    session = case.session
    if case.inbound.kind is InboundKind.ECHO:
        delivery = match_echo(session, case.account.id, case.inbound, case.now)
        if delivery is not None:
            follow_delivery(session, case.actor, delivery, case.now)
            return
    conversation = session.get_one(Conversation, side.conversation_id)
    lock(session, conversation)
    session.refresh(side)  # a merge may just have moved it
    conversation = session.get_one(Conversation, side.conversation_id)
    with changing(session, case.actor, conversation, case.now, "sides") as change:
        message = side_mail.take_in(change, side, case.raw, case.inbound, case.remote_at)
        if message is not None:
            searching.index_new(session, message, _attach(case, message))
            side_mail.told(change, side, message)


def _came_back(case: _Case, answer: Message) -> None:
    """A report that an answer of ours did not arrive: it stands in that answer's conversation."""
    if case.known() is not None:
        return
    session = case.session
    conversation = session.get_one(Conversation, answer.conversation_id)
    identity = people.identity_of(session, case.account.network, case.inbound.author, case.now)
    with changing(session, case.actor, conversation, case.now, "message") as change:
        session.refresh(answer)
        message = _message(case, conversation, "in", identity)
        answering.add_message(session, conversation, message)
        files = _attach(case, message)
        waiting.said(change, message, False)
        bounces.take_in(change, answer, case.inbound)
        searching.index_new(session, message, files)
        _tell(case, message)


def _is_another(case: _Case, known: Message) -> bool:
    """Whether a mail only has the same Message-ID: a sender's faulty program gives two mails
    one, and neither may be lost. A copy that was changed on its way still says the same."""
    inbound = case.inbound
    if inbound.kind is not InboundKind.MAIL or known.deleted_at is not None:
        return False
    return (known.text, known.subject) != (words.clean(inbound.text), words.clean_short(inbound.subject))


def _under_its_own_id(case: _Case) -> _Case:
    """Known by its content as well; answers go on naming its Message-ID (`context`)."""
    digest_ = hashlib.sha256(f"{case.inbound.subject}\0{case.inbound.text}".encode("utf-8", "surrogatepass"))
    remote_id = f"{words.clean(case.inbound.remote_id, people.ID_LENGTH - 20)}#{digest_.hexdigest()[:16]}"
    return replace(case, inbound=replace(case.inbound, remote_id=remote_id))


def _said(case: _Case) -> Message:
    session, account, inbound = case.session, case.account, case.inbound
    identity, is_stranger = people.meet(session, account.network, inbound.author, case.now)
    # Most write once, and leave no row: counting begins with the second message.
    rush = None if is_stranger else pacing.count(session, account, identity, inbound, case.arrived_at)
    conversation = _gathered(case, identity, rush) or threads.conversation_for(
        session, case.actor, account, identity, inbound, case.now
    )
    is_new = conversation.last_message_id is None and conversation.created_at == case.now
    with changing(session, case.actor, conversation, case.now, "message", is_new=is_new) as change:
        message = _message(case, conversation, "in", identity)
        message.came_to_id = _came_to(case, conversation, identity)
        counts = not inbound.automatic and conversation.state != State.SPAM
        if rush is not None:
            pacing.took(change, rush, inbound)
        if counts:
            _to_the_front(change)
        answering.add_message(session, conversation, message)
        files = _attach(case, message)
        previews.show(conversation, message)
        waiting.said(change, message, counts)
        if counts and not is_new:
            pending.hold_back(change, "customer_wrote")
        if counts and not is_new and (rush is None or rush.count == 1):
            pool.came_back(change)
            notices.tell_followers(change, "message", message)
        searching.index_new(session, message, files)
        _tell(case, message)
    return message


def _gathered(case: _Case, identity: Identity, rush: SenderPace | None) -> Conversation | None:
    """Where somebody writes too often, what begins another thread comes to the rest."""
    if rush is None:
        return None
    going_on = threads.find_conversation(case.session, case.account, identity, case.inbound)
    if going_on is not None and going_on.state != State.CLOSED:
        return None
    return pacing.find_gathering(case.session, rush, case.inbound)


def _message(case: _Case, conversation: Conversation, direction: str, identity: Identity | None) -> Message:
    inbound = case.inbound
    text = words.clean(inbound.text)
    stated = languages.code(inbound.language)
    return Message(
        conversation_id=conversation.id,
        account_id=case.account.id,
        direction=direction,
        kind=inbound.kind.value,
        remote_id=case.remote_id,
        identity_id=identity.id if identity else None,
        text=text,
        same_key=likeness.key(text) if direction == "in" else None,
        html=_html(inbound),
        subject=words.clean_short(inbound.subject),
        # People set their language once; what they write shows it better.
        language=languages.detect(text, case.account.brand.languages) or stated,
        in_reply_to=words.clean(inbound.in_reply_to, people.ID_LENGTH),
        url=people.web_address(inbound.url),
        is_automatic=inbound.automatic,
        can_reply=inbound.can_reply,
        cannot_reply_reason=words.clean_short(inbound.cannot_reply_reason),
        reply_until=inbound.reply_until,
        context=words.clean_data(dict(inbound.context)),
        raw_item_id=case.raw.id,
        remote_at=case.remote_at,
        received_at=case.raw.received_at,
        sort_at=stands_at(case.session, case.remote_at, Message.conversation_id == conversation.id)
        if inbound.surface is Surface.MAIL
        else case.remote_at,
        edited_at=inbound.edited_at,
    )


def _came_to(case: _Case, conversation: Conversation, identity: Identity | None) -> int | None:
    """The conversation that it is for, where that was merged into this one."""
    own = words.clean(case.inbound.thread_root, people.ID_LENGTH)
    if identity is None or (conversation.thread_root, conversation.identity_id) == (own, identity.id):
        return None
    return threads.came_to(case.session, case.account, identity, case.inbound, conversation)


def _html(inbound: Inbound) -> str:
    return sanitise(_looks(inbound))


def _looks(inbound: Inbound) -> str:
    """Only a mail's HTML is how its author wanted it to look."""
    return inbound.html if inbound.surface is Surface.MAIL else ""


def _to_the_front(change: Change) -> None:
    """A customer's message takes up again what was put off or finished."""
    conversation = change.conversation
    after = states.after_customer(conversation.state)
    if after != conversation.state:
        new_cycle = states.is_reopened_by_customer(conversation.state)
        change.event("reopened", was=conversation.state, new_cycle=new_cycle, by_customer=True)
        conversation.cycle += new_cycle
        conversation.state = after
        conversation.hold_until = conversation.resolved_at = None


def _attach(case: _Case, message: Message) -> list[Attachment]:
    files = []
    for media in case.inbound.media[:FILES]:
        data = media.data
        key = case.store.put(data) if case.store and data and len(data) <= FILE_BYTES else ""
        files.append(_attachment(message, media, key))
    case.session.add_all(files)
    layouts.keep_layout(case.session, case.actor, message, _looks(case.inbound))
    return files


def _attachment(message: Message, media: RemoteMedia, key: str) -> Attachment:
    return Attachment(
        message_id=message.id,
        filename=words.clean_short(media.filename),
        mime=words.clean_short(media.mime).lower(),
        size=len(media.data) if media.data else 0,
        alt=words.clean(media.alt, 10_000),
        storage_key=key,
        remote_url=people.web_address(media.url),
        inline_id=words.clean_short(media.inline_id),
    )


def _edit(case: _Case, message: Message) -> None:
    """A newer version of what is stored. No effect on any wait."""
    edited_at = case.inbound.edited_at
    if edited_at is None or message.deleted_at is not None:
        return
    if message.edited_at is not None and edited_at <= message.edited_at:
        return
    text, html = words.clean(case.inbound.text), _html(case.inbound)
    conversation = case.session.get_one(Conversation, message.conversation_id)
    with changing(case.session, case.actor, conversation, case.now, "message") as change:
        message.edited_at = edited_at
        if (text, html) != (message.text, message.html):
            case.session.add(
                MessageVersion(message_id=message.id, text=message.text, html=message.html, replaced_at=edited_at)
            )
            message.text, message.html = text, html
            layouts.forget_layout(case.session, case.actor, message)
            layouts.keep_layout(case.session, case.actor, message, _looks(case.inbound))
            message.same_key = likeness.key(text) if message.direction == "in" else None
            change.event("edited", message_id=message.id)
            previews.refresh(change)
            searching.index(case.session, message)
        _tell(case, message)


def _echo(case: _Case) -> None:
    """Our account spoke: through us, or in the network's own app."""
    session, account, inbound = case.session, case.account, case.inbound
    if case.known() is not None:
        return
    delivery = match_echo(session, account.id, inbound, case.now)
    if delivery is not None:
        follow_delivery(session, case.actor, delivery, case.now)
        return
    conversation = _conversation_of_echo(case)
    if conversation is None:
        return  # said to everybody: no answer to anybody
    with changing(session, case.actor, conversation, case.now, "message") as change:
        message = _message(case, conversation, "out", None)
        recipient = words.clean(inbound.recipient_id, people.ID_LENGTH)
        message.came_to_id = _came_to(case, conversation, people.find_identity(session, account.network, recipient))
        answering.add_message(session, conversation, message)
        files = _attach(case, message)
        waiting.echoed(change, message)
        pending.hold_back(change, "answered_meanwhile")
        if conversation.state in (State.NEW, State.OPEN) and conversation.waiting_since is None:
            change.event("waiting_customer", was=conversation.state)
            conversation.state = State.WAITING_CUSTOMER
        searching.index_new(session, message, files)
        _tell(case, message)


def _conversation_of_echo(case: _Case) -> Conversation | None:
    """Whom our account spoke to. A new conversation begins only where it answered somebody
    or wrote to them alone, not where a post happens to name them."""
    session, account, inbound = case.session, case.account, case.inbound
    recipient = words.clean(inbound.recipient_id, people.ID_LENGTH)
    if not recipient:
        return None
    identity = people.find_identity(session, account.network, recipient)
    if identity is not None:
        found = threads.find_conversation(session, account, identity, inbound)
        if found is not None and found.state != State.CLOSED:
            return found
    if inbound.surface is Surface.PUBLIC and not inbound.in_reply_to:
        return None
    if identity is None:
        identity = people.identity_of(session, account.network, people.stranger(recipient), case.now)
    return threads.conversation_for(session, case.actor, account, identity, inbound, case.now)


def _tell(case: _Case, message: Message) -> None:
    live.tell(
        case.session, "message", case.now, account_id=message.account_id, id=message.id,
        conversation_id=message.conversation_id,
    )  # fmt: skip
