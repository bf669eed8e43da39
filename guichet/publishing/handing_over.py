"""What somebody had planned, taken over by a colleague: it neither fails in silence nor
goes out in the right of who has left."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.delivery.states import EDITABLE, State
from guichet.errors import Conflict, NotAllowed
from guichet.models import Delivery
from guichet.policy import Action, Actor, require
from guichet.wording import in_words


def adopt(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Send it in the actor's own right from now on. Raises Conflict for what is being sent
    or over (what needs a person for a right that is gone is sent again by deciding so)."""
    require(actor, Action.CONVERSATION_ANSWER if delivery.is_answer else Action.POST_PUBLISH, delivery)
    if actor.staff_id is None:
        raise NotAllowed("only a person takes over")
    session.refresh(delivery, with_for_update=True)
    if delivery.state not in EDITABLE and delivery.state != State.NEEDS_HUMAN:
        raise Conflict(
            say("it is {state}: too late to take over", state=in_words(delivery.state)),
            code="too_late",
            current=delivery.state,
        )
    delivery.actor_id, delivery.updated_at = actor.staff_id, now
    audit.record(session, actor, "delivery.adopt", delivery, now)
    live.tell(
        session, "delivery", now, account_id=delivery.account_id, id=delivery.id, state=delivery.state,
        post_id=delivery.post_id, conversation_id=delivery.conversation_id,
    )  # fmt: skip
