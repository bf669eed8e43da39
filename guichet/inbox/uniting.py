"""One person on several networks: customers joined by hand, and separated again exactly.

An answer is routed by the identity of the message that it answers, never by the customer: joining
moves no conversation and changes no route. What came with an identity goes back with it: the row of
who was joined stays as it was, with notes and marks, and what the join changed is written down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, aliased

from guichet import audit, live
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import field_rows
from guichet.models import Conversation, Customer, CustomerJoin, Identity
from guichet.policy import Action, Actor, visible
from guichet.promises.operations import ask_to_remeasure

MOST_IDENTITIES = 50


def join(session: Session, actor: Actor, customer: Customer, *, other: Customer, now: datetime) -> CustomerJoin:
    """Say that `other` is the same person: its identities are `customer`'s. A VIP stays one;
    blocked is only who was so on both sides, for what they write is put aside unread. Fields that are
    empty are filled with theirs. Needs the
    right to answer both. Of two who join crosswise one wins. Raises NotFound, NotAllowed, Invalid,
    Conflict `joined`."""
    require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    require_known(session, actor, other, Action.CONVERSATION_ANSWER)
    if customer.id == other.id:
        raise Invalid("a customer cannot be joined with themselves", {"other_id": "is the same customer"})
    _lock(session, customer, other)
    for one in (customer, other):
        if one.joined_into_id is not None:
            raise Conflict("one of them is joined with another already", code="joined", into=one.joined_into_id)
    moving = _identities(session, other)
    if len(moving) + len(_identities(session, customer)) > MOST_IDENTITIES:
        raise Invalid("this customer has too many identities", {"other_id": "would be too many identities"})
    marks: dict[str, Any] = {
        "is_vip": [customer.is_vip, customer.is_vip or other.is_vip],
        "is_blocked": [customer.is_blocked, customer.is_blocked and other.is_blocked],
    }
    marks["fields"] = field_rows.take_over(session, other, customer)
    made = CustomerJoin(
        kept_id=customer.id, gone_id=other.id, identity_ids=moving, before=marks, staff_id=actor.staff_id, at=now
    )
    session.add(made)
    customer.is_vip, customer.is_blocked = marks["is_vip"][1], marks["is_blocked"][1]
    other.joined_into_id = customer.id
    _move(session, moving, customer.id)
    audit.record(session, actor, "customer.join", customer, now, other=other.id, join_id=made.id)
    _tell(session, actor, [customer.id], now)
    return made


def separate(session: Session, actor: Actor, customer: Customer, join_id: int, now: datetime) -> Customer:
    """Take a join back: what came with it is its own customer again, whom it returns, with notes and
    marks as they were. Marks and fields of the one that stays are as before, unless somebody changed
    them since. Raises NotFound, NotAllowed; Conflict `joined` where that one was joined on, and `merged`
    where conversations of both were merged into one."""
    require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    made = session.get(CustomerJoin, join_id)
    if made is None or made.kept_id != customer.id:
        raise NotFound("there is no such customer here")
    other = session.get_one(Customer, made.gone_id)
    _lock(session, customer, other)
    session.refresh(made)
    if customer.joined_into_id is not None:
        raise Conflict("that one was joined on: separate that first", code="joined", into=customer.joined_into_id)
    if made.undone_at is not None or other.joined_into_id != customer.id:
        raise Conflict("somebody else has just done that", code="not_possible_now")
    own = set(_identities(session, customer))
    back = [id_ for id_ in made.identity_ids if id_ in own]
    _refuse_merged(session, back)
    _restore_marks(session, customer, made)
    _restore_fields(session, customer, made)
    made.undone_at, other.joined_into_id = now, None
    _move(session, back, other.id)
    audit.record(session, actor, "customer.separate", customer, now, other=other.id, join_id=made.id)
    _tell(session, actor, [customer.id, other.id], now)
    return other


def home_of(session: Session, customer_id: int) -> Customer | None:
    """The customer, or who they turned out to be."""
    found = session.get(Customer, customer_id)
    while found is not None and found.joined_into_id is not None:
        found = session.get(Customer, found.joined_into_id)
    return found


def all_of(session: Session, customer: Customer) -> list[int]:
    """Ids of the customer and of everybody who was joined with them."""
    ids = level = [customer.id]
    while level:
        level = list(
            session.scalars(select(Customer.id).where(Customer.joined_into_id.in_(level)).order_by(Customer.id))
        )
        ids = [*ids, *level]
    return ids


def read_joins(session: Session, customer: Customer) -> Sequence[CustomerJoin]:
    """What can be taken back, the latest first. Rights are the caller's matter."""
    stands = select(CustomerJoin).where(CustomerJoin.kept_id == customer.id, CustomerJoin.undone_at.is_(None))
    return session.scalars(stands.order_by(CustomerJoin.id.desc())).all()


def require_known(session: Session, actor: Actor, customer: Customer, action: Action) -> None:
    """The actor may do `action` on an account that the customer wrote to. Raises NotFound for who
    sees none of them, else NotAllowed; Conflict `erased` where more is asked than to see somebody erased."""
    own = select(Conversation.id).join(Identity).where(Identity.customer_id == customer.id).limit(1)
    if session.scalar(own.where(visible(actor, Conversation.account_id, action))) is not None:
        if customer.erased_at is not None and action is not Action.CONVERSATION_VIEW:
            raise Conflict("they are erased already", code="erased")
        return
    if session.scalar(own.where(visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW))) is None:
        raise NotFound("there is no such customer, or they are not yours to see")
    raise NotAllowed("you have no right to change what is noted about customers here")


def _lock(session: Session, *customers: Customer) -> None:
    """Lock both rows, lowest id first, and read them again."""
    session.flush()
    ids = sorted(c.id for c in customers)
    session.execute(select(Customer.id).where(Customer.id.in_(ids)).order_by(Customer.id).with_for_update())
    for one in customers:
        session.refresh(one)


def _identities(session: Session, customer: Customer) -> list[int]:
    return list(session.scalars(select(Identity.id).where(Identity.customer_id == customer.id).order_by(Identity.id)))


def _move(session: Session, identity_ids: Sequence[int], customer_id: int) -> None:
    session.flush()
    session.execute(
        update(Identity)
        .where(Identity.id.in_(identity_ids))
        .values(customer_id=customer_id)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()


def _restore_marks(session: Session, customer: Customer, made: CustomerJoin) -> None:
    """The marks as if `made` had never been, whichever of several joins it is. What somebody changed
    by hand since stays."""
    joins = read_joins(session, customer)[::-1]
    marks = {}
    for name, is_alone_enough in (("is_vip", True), ("is_blocked", False)):
        stood = value = joins[0].before[name][0]
        for one in joins:
            before, after = one.before[name]
            value = value if before == stood else before
            stood = after
            if one.id != made.id:
                theirs = getattr(session.get_one(Customer, one.gone_id), name)
                now = (value or theirs) if is_alone_enough else (value and theirs)
                one.before = {**one.before, name: [value, now]}
                value = now
        marks[name] = value if getattr(customer, name) == stood else getattr(customer, name)
    customer.is_vip, customer.is_blocked = marks["is_vip"], marks["is_blocked"]


def _restore_fields(session: Session, customer: Customer, made: CustomerJoin) -> None:
    """What `made` filled in is empty again, or filled by the next of the other joins that could have."""
    gone = session.get_one(Customer, made.gone_id)
    empty = field_rows.give_back(session, gone, customer, made.before.get("fields", []))
    for one in read_joins(session, customer)[::-1]:
        if one.id != made.id and empty:
            filled = field_rows.take_over(session, session.get_one(Customer, one.gone_id), customer, only=empty)
            one.before = {**one.before, "fields": [*one.before.get("fields", []), *filled]}


def _refuse_merged(session: Session, identity_ids: Sequence[int]) -> None:
    """A merge is within one customer: what would fall apart is undone first."""
    into = aliased(Conversation)
    leaves, stays = Conversation.identity_id.in_(identity_ids), into.identity_id.in_(identity_ids)
    across = (
        select(Conversation.id)
        .join(into, into.id == Conversation.merged_into_id)
        .where(or_(leaves & ~stays, ~leaves & stays))
        .order_by(Conversation.id)
    )
    merged = session.scalars(across.limit(1)).first()
    if merged is not None:
        raise Conflict(
            "conversations of both were merged: undo that merge first", code="merged", conversation_id=merged
        )


def _tell(session: Session, actor: Actor, customer_ids: Sequence[int], now: datetime) -> None:
    """Who waits is measured anew, and the pages that show any of their conversations look again."""
    session.flush()
    for id_ in customer_ids:
        ask_to_remeasure(session, now, customer_id=id_)
    own = select(Identity.id).where(Identity.customer_id.in_(customer_ids))
    accounts = (
        select(Conversation.account_id).where(Conversation.identity_id.in_(own)).group_by(Conversation.account_id)
    )
    for account_id in session.scalars(accounts.order_by(func.min(Conversation.id))):
        live.tell(session, "conversation", now, account_id=account_id, what="customer")
