"""Settling many deliveries that need a person in one act, as after an outage: the same choice for
each, and each judged by itself, with what the person saw of it. Nothing is guessed: what is said
to be out is named one by one, and what became another meanwhile is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.delivery import operations
from guichet.delivery.operations import CHOICES
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed, NotFound
from guichet.models import Delivery
from guichet.policy import Action, Actor, require, require_somewhere, visible_accounts

MOST = 100  # deliveries in one act


@dataclass(frozen=True)
class Seen:
    """A delivery as somebody saw it; to link it, which one on the network it is."""

    delivery_id: int
    generation: int
    remote_id: str = ""
    url: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of it, or why nothing did."""

    delivery_id: int
    delivery: Delivery | None = None
    refused: GuichetError | None = None


def require_settleable(actor: Actor, choice: str, seen: Sequence[Seen]) -> None:
    """Raises NotAllowed for who decides about no delivery at all, and Invalid for what can be done with none."""
    if visible_accounts(actor, Action.CONVERSATION_ANSWER) == frozenset():
        require_somewhere(actor, Action.POST_PUBLISH)
    if choice not in CHOICES:
        raise Invalid("choose one of link, resend, drop", {"choice": say("not “{choice}”", choice=choice)})
    if len({one.delivery_id for one in seen}) < len(seen) or len(seen) > MOST:
        raise Invalid("name each delivery once", {"deliveries": say("must be at most {most}, each once", most=MOST)})


def decide_one(session: Session, actor: Actor, choice: str, one: Seen, now: datetime, reason: str = "") -> Outcome:
    """Decide about one of them as `operations.decide` does, where it still is what was seen; else
    nothing of it is done, and the outcome says why. Give each a transaction of its own."""
    try:
        with session.begin_nested():
            delivery = _get(session, actor, one)
            operations.decide(
                session, actor, delivery, choice, now, remote_id=one.remote_id, url=one.url, reason=reason
            )
            return Outcome(one.delivery_id, delivery)
    except (NotFound, NotAllowed, Conflict, Invalid) as refused:
        return Outcome(one.delivery_id, refused=refused)


def _get(session: Session, actor: Actor, one: Seen) -> Delivery:
    delivery = session.get(Delivery, one.delivery_id)
    if delivery is None:
        raise NotFound("there is no such delivery, or it is not yours to see")
    require(actor, Action.ACCOUNT_VIEW, delivery)
    if delivery.generation != one.generation:
        raise Conflict("somebody decided about it already", code="already_decided", current=delivery.state)
    return delivery
