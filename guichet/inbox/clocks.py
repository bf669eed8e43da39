"""Since when a conversation stands as it does, by our own clock: what rules that act after a time
count from. Kept within every change of it, under its lock; what is finished or merged has none."""

from __future__ import annotations

from datetime import datetime

from guichet.inbox.states import ACTIVE, UNFINISHED, State
from guichet.models import Conversation

_PUT_OFF = (State.WAITING_CUSTOMER, State.WAITING_INTERNAL)


def keep(conversation: Conversation, before: str, now: datetime) -> None:
    """Start what began with this change, stop what ended with it. `before`: its state until then."""
    state = State(conversation.state)
    goes_on = state in UNFINISHED and conversation.merged_into_id is None
    is_waited_for = goes_on and conversation.waiting_since is not None
    lies = goes_on and state in ACTIVE and conversation.assignee_id is None
    conversation.asked_at = (conversation.asked_at or now) if is_waited_for else None
    conversation.unassigned_at = (conversation.unassigned_at or now) if lies else None
    if not goes_on or state not in _PUT_OFF:
        conversation.put_off_at = None
    elif before != state or conversation.put_off_at is None:
        conversation.put_off_at = now
    if not goes_on:
        conversation.said_at = conversation.answered_at = None


def customer_wrote(conversation: Conversation, now: datetime) -> None:
    conversation.said_at, conversation.answered_at = now, None


def we_answered(conversation: Conversation, now: datetime) -> None:
    """A person of ours: what a rule or a machine sends starts nothing anew."""
    conversation.answered_at = now
