"""What we note about a customer. Nothing here reaches a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.models import Conversation, Customer, Identity
from guichet.policy import Action, Actor, visible
from guichet.promises.operations import ask_to_remeasure

_FIELDS = frozenset({"note", "is_vip", "is_blocked"})


def change_customer(
    session: Session, actor: Actor, customer: Customer, changes: Mapping[str, Any], now: datetime
) -> Customer:
    """Change the note, or the marks `is_vip` and `is_blocked`. Needs the right to answer on
    an account that the customer wrote to; NotFound for who sees none of them."""
    own = select(Conversation.id).join(Identity).where(Identity.customer_id == customer.id).limit(1)
    if session.scalar(own.where(visible(actor, Conversation.account_id, Action.CONVERSATION_ANSWER))) is None:
        if session.scalar(own.where(visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW))) is None:
            raise NotFound("there is no such customer, or they are not yours to see")
        raise NotAllowed("you have no right to change what is noted about customers here")
    if set(changes) - _FIELDS:
        raise Invalid("this cannot be changed", dict.fromkeys(sorted(set(changes) - _FIELDS), "cannot be changed"))
    for name, value in changes.items():
        setattr(customer, name, value)
    if {"is_vip", "is_blocked"} & set(changes):
        ask_to_remeasure(session, now, customer_id=customer.id)
    audit.record(session, actor, "customer.change", customer, now, fields=sorted(changes))
    return customer
