"""Finishing a conversation until the customer writes again, with what it means for an answer that
was planned there."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Invalid
from guichet.inbox import field_values, handling, pending
from guichet.inbox.changes import changing
from guichet.inbox.handling import RESOLVED_AS
from guichet.models import Conversation
from guichet.policy import Action, Actor, require


def resolve(
    session: Session, actor: Actor, conversation: Conversation, *, how: str = "", now: datetime
) -> Conversation:
    """Finish it until the customer writes again.

    A person fills in first what the brand asks for (`fields_lacking`: guichet.inbox.field_values).
    `how` says what becomes of a wait that is still open: "answered" (on the phone, in
    another thread), "not_needed" (a bare thank-you), "" (it ends as closed_unanswered and is
    counted as such). An answer on its way keeps the wait open until it has arrived, unless
    `how` says that none is wanted: then what was planned is held back, and its author told.
    """
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    if how not in RESOLVED_AS:
        raise Invalid("say answered or not_needed", {"how": "must be answered, not_needed or empty"})
    with changing(session, actor, conversation, now) as change:
        field_values.refuse_lacking(session, actor, conversation)
        handling.finish(change, how)
        if how:
            pending.hold_back(change, "resolved")
        audit.record(session, actor, "conversation.resolve", conversation, now, how=how)
    return conversation
