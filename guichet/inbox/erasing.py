"""A customer who is to be forgotten: what was said with them, and what is known of them, goes for good
(guichet.inbox.forgetting says what stays)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.db import dialect
from guichet.delivery.states import FINAL
from guichet.errors import Conflict
from guichet.inbox import forgetting, handling
from guichet.models import Conversation, Customer, Delivery, Identity, Message, RawItem
from guichet.policy import Action, Actor, require


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
    sent = forgetting.deliveries_of([c.id for c in conversations], said)
    _refuse_unsettled(session, sent)
    keys = forgetting.forget_files(session, said)
    _forget_raw(session, identities, conversations, said)
    forgetting.forget_messages(session, said, now)
    forgetting.forget_sent(session, sent)
    for conversation in conversations:
        forgetting.forget_conversation(session, actor, conversation, now, "erased")
    for identity in identities:
        forgetting.forget_identity(identity)
    forgetting.forget_people(session, customer, now)
    session.flush()
    audit.record(session, actor, "customer.erase", customer, now, conversations=len(conversations), messages=len(said))
    return keys


def _said(session: Session, identity_ids: Sequence[int], conversation_ids: Sequence[int]) -> list[int]:
    """What was said with them, and about them: theirs wherever it stands, and all of their own
    conversations, wherever those were merged into."""
    home = func.coalesce(Message.came_to_id, Message.conversation_id)
    theirs = or_(Message.identity_id.in_(identity_ids), home.in_(conversation_ids))
    return list(session.scalars(select(Message.id).where(theirs).order_by(Message.id)))


def _refuse_unsettled(session: Session, sent: Sequence[ColumnElement[bool]]) -> None:
    for lot in sent:
        open_ = select(Delivery.id).where(lot, Delivery.state.not_in(FINAL)).limit(1)
        if (found := session.scalar(open_)) is not None:
            raise Conflict(
                "something that is for them is not over: wait for it or call it off", code="on_its_way",
                delivery_id=found,
            )  # fmt: skip


def _forget_raw(
    session: Session, identities: Sequence[Identity], conversations: Sequence[Conversation], said: Sequence[int]
) -> None:
    """What networks handed over: that in which they spoke, and that which names them (edits, reactions)."""
    forgetting.forget_raw(session, said)
    accounts = {c.account_id for c in conversations}
    for identity in identities:
        # In JSON an id stands between quotes; in a mail an address stands free.
        name = identity.remote_id if identity.network == "email" else f'"{identity.remote_id}"'
        named = dialect.holds_bytes(session, RawItem.body, name.encode())
        session.execute(forgetting.EMPTY_RAW.where(RawItem.account_id.in_(accounts), named))
