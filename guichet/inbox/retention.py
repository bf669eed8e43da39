"""What a brand does not keep: when a conversation has been over, and silent, for the brand's number of days,
all that was said in it goes for good, and with the last of somebody's conversations what is known of them.

What is open, put off or on its way is never too old. guichet.inbox.forgetting says what stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.orm import Session

from guichet import audit
from guichet.db.changing import change_rows
from guichet.delivery.states import FINAL
from guichet.inbox import counts, forgetting, handling
from guichet.models import Account, Brand, Conversation, Customer, Delivery, Identity, Message, RawItem
from guichet.models.conversation import OVER
from guichet.policy import Action, Actor, require

LOT = 20  # conversations of one transaction
_LOOKED_AT = 200  # at most, to find a lot among those of which something is still on its way
_RAW_LOT = 1000
_MOST = 10_000  # that are counted
_unsettled = select(Delivery.id).where(Delivery.state.not_in(FINAL))  # an answer, a like, an open doubt


def brands_that_forget(session: Session, actor: Actor) -> Sequence[int]:
    """Ids of the brands that do not keep for ever."""
    require(actor, Action.SYSTEM)
    return session.scalars(select(Brand.id).where(Brand.keep_days.is_not(None)).order_by(Brand.id)).all()


def count_too_old(session: Session, actor: Actor, brand: Brand, days: int, now: datetime) -> int:
    """How many conversations would go at once if the brand kept for `days`; counted to 10,000."""
    require(actor, Action.BRAND_MANAGE)
    too_old = _too_old(session, brand.id, now - timedelta(days=days)).limit(_MOST)
    return session.scalar(select(func.count()).select_from(too_old.subquery())) or 0


def forget_lot(session: Session, actor: Actor, brand_id: int, now: datetime) -> tuple[int, list[str]]:
    """Forget some conversations of a brand, the oldest first. Returns how many, and the keys of files that
    nothing holds any more, to be given up once this is committed."""
    require(actor, Action.SYSTEM)
    brand = session.get_one(Brand, brand_id)
    if brand.keep_days is None:
        return 0, []
    before = now - timedelta(days=brand.keep_days)
    found = session.scalars(_too_old(session, brand_id, before).limit(_LOOKED_AT)).all()
    candidates = [session.get_one(Conversation, id_) for id_ in found]
    lot = [one for one in candidates if not _is_unsettled(session, one)][:LOT]
    customers = _lock(session, lot)
    still = session.scalars(_too_old(session, brand_id, before).where(Conversation.id.in_([one.id for one in lot])))
    forgotten = list(still)
    keys: list[str] = []
    with counts.deferred(session):
        for id_ in forgotten:
            keys += _forget(session, actor, session.get_one(Conversation, id_), now)
    session.flush()
    people = sum(_forget_person(session, customer, now) for customer in customers)
    if forgotten:
        audit.record(session, actor, "brand.forget", brand, now, conversations=len(forgotten), customers=people)
    return len(forgotten), keys


def forget_raw(session: Session, actor: Actor, brand_id: int, now: datetime) -> int:
    """Empty what networks handed over before the brand's days and was understood, some in the order in which
    it came; returns how many were looked at."""
    require(actor, Action.SYSTEM)
    brand = session.get_one(Brand, brand_id, with_for_update=True)
    if brand.keep_days is None:
        return 0
    before = now - timedelta(days=brand.keep_days)
    following = (
        select(RawItem.id, RawItem.received_at)
        .where(RawItem.id > brand.forgotten_raw_id)
        .order_by(RawItem.id)
        .limit(_RAW_LOT)
    )
    old = 0
    first = brand.forgotten_raw_id
    for id_, received_at in session.execute(following).tuples().all():
        if received_at >= before:
            break
        brand.forgotten_raw_id = id_
        old += 1
    own = select(Account.id).where(Account.brand_id == brand_id)
    change_rows(
        session,
        forgetting.EMPTY_RAW.where(
            RawItem.id > first, RawItem.id <= brand.forgotten_raw_id, RawItem.account_id.in_(own)
        ),
    )
    return old


def _too_old(session: Session, brand_id: int, before: datetime) -> Select[int]:
    accounts = session.scalars(select(Account.id).where(Account.brand_id == brand_id)).all()
    return (
        select(Conversation.id)
        .where(Conversation.account_id.in_(accounts), text(OVER), Conversation.last_message_at < before)
        .where(~_unsettled.where(Delivery.conversation_id == Conversation.id).exists())
        .order_by(Conversation.last_message_at, Conversation.id)
    )


def _is_unsettled(session: Session, conversation: Conversation) -> bool:
    """Whether an answer that came with what was merged into it is not over."""
    carried = select(Message.delivery_id).where(Message.conversation_id == conversation.id)
    return session.scalar(_unsettled.where(Delivery.id.in_(carried)).limit(1)) is not None


def _forget(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> list[str]:
    said = session.execute(
        select(Message.id, Message.came_to_id).where(Message.conversation_id == conversation.id).order_by(Message.id)
    ).tuples().all()  # fmt: skip
    ids = [id_ for id_, _ in said]
    merged = {home for _, home in said if home is not None and home != conversation.id}
    sent: list[ColumnElement[bool]] = forgetting.deliveries_of([conversation.id, *sorted(merged)], ids)
    keys = forgetting.forget_files(session, ids)
    forgetting.forget_raw(session, ids)
    forgetting.forget_messages(session, ids, now)
    forgetting.forget_sent(session, sent)
    for id_ in (conversation.id, *sorted(merged)):
        forgetting.forget_conversation(session, actor, session.get_one(Conversation, id_), now, "forgotten")
    return keys


def _lock(session: Session, conversations: Sequence[Conversation]) -> Sequence[Customer]:
    """Lock the conversations, after those with whom they were had, as everybody does who needs both; gives
    the customers."""
    theirs = {one.identity_id for one in conversations}
    of_them = select(Identity.customer_id).where(Identity.id.in_(theirs))
    customers = session.scalars(
        select(Customer).where(Customer.id.in_(of_them)).order_by(Customer.id).with_for_update()
    ).all()
    ids = [customer.id for customer in customers]
    session.execute(select(Identity.id).where(Identity.customer_id.in_(ids)).order_by(Identity.id).with_for_update())
    handling.lock_in_order(session, *conversations)
    session.expire_all()
    return customers


def _forget_person(session: Session, customer: Customer, now: datetime) -> bool:
    """Forget who they are if nothing that was said with them is kept. Who is blocked stays so."""
    identities = session.scalars(select(Identity).where(Identity.customer_id == customer.id)).all()
    kept = select(Conversation.id).where(
        Conversation.identity_id.in_([one.id for one in identities]), Conversation.forgotten_at.is_(None)
    )
    if customer.is_blocked or customer.erased_at is not None or session.scalar(kept.limit(1)) is not None:
        return False
    for identity in identities:
        forgetting.forget_identity(identity)
    forgetting.forget_people(session, customer, now)
    return True
