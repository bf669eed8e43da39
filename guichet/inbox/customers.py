"""What we note about a customer. Nothing here reaches a network."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Invalid
from guichet.inbox import uniting
from guichet.models import Customer
from guichet.policy import Action, Actor
from guichet.promises.operations import ask_to_remeasure

_FIELDS = frozenset({"note", "is_vip", "is_blocked"})


def change_customer(
    session: Session, actor: Actor, customer: Customer, changes: Mapping[str, Any], now: datetime
) -> Customer:
    """Change the note, or the marks `is_vip` and `is_blocked`. Needs the right to answer on
    an account that the customer wrote to; NotFound for who sees none of them."""
    uniting.require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    if set(changes) - _FIELDS:
        raise Invalid("this cannot be changed", dict.fromkeys(sorted(set(changes) - _FIELDS), "cannot be changed"))
    for name, value in changes.items():
        setattr(customer, name, value)
    if {"is_vip", "is_blocked"} & set(changes):
        ask_to_remeasure(session, now, customer_id=customer.id)
    audit.record(session, actor, "customer.change", customer, now, fields=sorted(changes))
    return customer
