"""What comes in for a side conversation: told from customers' mail, and kept out of their sight.

A mail belongs to a side conversation when it brings back the token, or answers a mail that we
sent there. It begins no conversation and no wait, and no rule answers it; whoever it says it is
from is compared with those who were written to and shown with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Inbound, InboundKind, Surface
from guichet.delivery.states import FINAL
from guichet.delivery.states import State as DeliveryState
from guichet.inbox import awaiting, handling, notices, side_rules, siding, words
from guichet.inbox.changes import Change
from guichet.inbox.states import State
from guichet.models import Account, Conversation, Delivery, Message, RawItem, SideConversation
from guichet.receiving.mail_order import stands_at
from guichet.receiving.people import ID_LENGTH
from guichet.receiving.sanitise import sanitise

_MOST_IDS = 100


def find_side(session: Session, account: Account, inbound: Inbound) -> SideConversation | None:
    """The side conversation that a mail belongs to, if it does to one of the mailbox's brand."""
    if inbound.surface is not Surface.MAIL:
        return None
    side = SideConversation
    of_brand = side.account_id.in_(select(Account.id).where(Account.brand_id == account.brand_id))
    if inbound.tokens:
        found = session.scalars(select(side).where(side.token.in_(inbound.tokens), of_brand).order_by(side.id)).first()
        if found is not None:
            return found
    ids = [words.clean(id_, ID_LENGTH) for id_ in (inbound.in_reply_to, *inbound.references[-_MOST_IDS:]) if id_]
    if not ids:
        return None
    answered = select(Message.side_id).where(
        Message.side_id.is_not(None), Message.direction == "side_out", Message.remote_id.in_(ids)
    )
    return session.scalars(select(side).where(side.id.in_(answered), of_brand).order_by(side.id.desc())).first()


def take_in(
    change: Change, side: SideConversation, raw: RawItem, inbound: Inbound, remote_at: datetime
) -> Message | None:
    """Keep what came in, within `changing` of its conversation; None where it is there already, or
    is our own mail. The caller puts its files with it and calls `told`."""
    session, conversation, now = change.session, change.conversation, change.now
    session.refresh(side)
    ours = inbound.kind is InboundKind.ECHO
    if ours and _is_on_its_way(session, side):
        return None
    remote_id = _free_id(session, side, conversation, inbound)
    if remote_id is None:
        return None
    address = words.clean_short(inbound.author.handle).lower()
    sender = side_rules.sender_of(address, side.recipients, siding.addresses_of_customer(session, conversation))
    message = Message(
        conversation_id=conversation.id, came_to_id=side.came_to_id, side_id=side.id,
        account_id=conversation.account_id, direction="side_out" if ours else "side_in", kind="side",
        remote_id=remote_id, text=words.clean(inbound.text), html=sanitise(inbound.html),
        subject=words.clean_short(inbound.subject), in_reply_to=words.clean(inbound.in_reply_to, ID_LENGTH),
        is_automatic=inbound.automatic, raw_item_id=raw.id, remote_at=remote_at, received_at=raw.received_at,
        sort_at=stands_at(session, remote_at, Message.side_id == side.id),
        context={
            **_threading(inbound),
            "sender": "" if ours else sender.value,
            "name": words.clean_short(inbound.author.name),
            "address": address,
            "bounce": bool(inbound.raw.get("bounce")),
        },
    )  # fmt: skip
    session.add(message)
    session.flush()
    side.last_at = max(side.last_at, now)
    return message


def told(change: Change, side: SideConversation, message: Message) -> None:
    """Who waits for it is told, and the conversation is open again. An auto-responder's mail is
    no answer; that ours could not be delivered is worth as much as one."""
    change.event("side_received" if message.direction == "side_in" else "side_sent", side_id=side.id,
                 message_id=message.id)  # fmt: skip
    if message.direction == "side_in" and (not message.is_automatic or message.context["bounce"]):
        change.conversation.last_beside_id = message.id
        awaiting.answered(change, side_id=side.id)
        notices.tell_owner_and_followers(change, "side_answer", also=[side.staff_id])
    siding.tell(change, side)


def follow(change: Change, message: Message, delivery: Delivery) -> None:
    """Bring what we wrote in step with its delivery. Within `changing`."""
    session = change.session
    side = session.get_one(SideConversation, message.side_id)
    if delivery.state == DeliveryState.PUBLISHED:
        message.remote_id = delivery.remote_id
        message.remote_at = message.sort_at = delivery.accepted_at or change.now
        message.context = {**delivery.remote_context, **message.context}
        change.event("side_accepted", side_id=side.id, message_id=message.id, delivery_id=delivery.id)
    elif delivery.state == DeliveryState.NEEDS_HUMAN:
        change.event("side_in_doubt", side_id=side.id, message_id=message.id, delivery_id=delivery.id)
    else:
        data = {"side_id": side.id, "message_id": message.id, "reason_code": delivery.reason_code}
        if change.conversation.state == State.WAITING_INTERNAL:
            handling.returned_to_front(change, "side_failed", **data)
        else:
            change.event("side_failed", **data)
        author = () if message.staff_id is None else (message.staff_id,)
        notices.tell_owner_and_followers(change, "side_failed", also=author)
    siding.tell(change, side)


def _free_id(session: Session, side: SideConversation, conversation: Conversation, inbound: Inbound) -> str | None:
    """The id to keep it under: its own, or with its content where a faulty or hostile sender gave
    two mails one id; None where it is known."""
    own = words.clean(inbound.remote_id, ID_LENGTH - 40)
    text = words.clean(inbound.text)
    digest = hashlib.sha256(f"{side.id}\0{inbound.subject}\0{text}".encode("utf-8", "surrogatepass"))
    for candidate in (own, f"{own}#{digest.hexdigest()[:16]}"):
        known = session.scalars(
            select(Message).where(Message.account_id == conversation.account_id, Message.remote_id == candidate)
        ).one_or_none()
        if known is None:
            return candidate
        same = (known.text, known.subject) == (text, words.clean_short(inbound.subject))
        if known.side_id == side.id and (same or known.direction == "side_out"):
            return None
    return None


def _is_on_its_way(session: Session, side: SideConversation) -> bool:
    """Whether a mail of ours may be out of which we do not know it yet: a copy in Sent is that one."""
    pending = (
        select(Message.id)
        .join(Delivery, Delivery.id == Message.delivery_id)
        .where(Message.side_id == side.id, Message.remote_id.is_(None), Delivery.state.not_in(FINAL))
    )
    return session.scalar(pending.limit(1)) is not None


def _threading(inbound: Inbound) -> dict[str, object]:
    ids: Sequence[object] = inbound.references[-30:]
    return {
        "message_id": words.clean(inbound.remote_id, ID_LENGTH),
        "references": [words.clean(str(id_), ID_LENGTH) for id_ in ids],
    }
