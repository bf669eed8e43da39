"""What a delivery that says nothing itself is about: what was to be liked, hidden or taken down, in its words."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from guichet.delivery.states import OPPOSITES
from guichet.inbox import personal, words
from guichet.models import Delivery, Message
from guichet.policy import Actor, visible_conversations

_SAYS_NOTHING = (*OPPOSITES, "delete")


def words_acted_on(session: Session, actor: Actor, deliveries: Sequence[Delivery]) -> dict[int, str]:
    """By the delivery's id: how the message begins that it likes or hides, with personal data covered
    as in lists, or the post that it takes down. Messages that the actor may not read are left out."""
    acts = [d for d in deliveries if d.kind in _SAYS_NOTHING and d.target_remote_id]
    if not acts:
        return {}
    targets = {_target(d) for d in acts}
    theirs = select(Message.account_id, Message.remote_id, Message.text, Message.kind).where(
        tuple_(Message.account_id, Message.remote_id).in_(targets),
        visible_conversations(actor, Message.account_id, Message.conversation_id),
    )
    ours = select(Delivery.account_id, Delivery.remote_id, Delivery.payload).where(
        tuple_(Delivery.account_id, Delivery.remote_id).in_(targets), Delivery.kind.not_in((*_SAYS_NOTHING, "edit"))
    )
    said = {
        (account, remote): personal.cover_public(text, kind) for account, remote, text, kind in session.execute(theirs)
    }
    said |= {(account, remote): str(payload.get("text", "")) for account, remote, payload in session.execute(ours)}
    return {d.id: words.preview(said[_target(d)]) for d in acts if _target(d) in said}


def _target(delivery: Delivery) -> tuple[int, str]:
    return delivery.account_id, delivery.target_remote_id or ""
