"""How a conversation stands, and what may follow what. Pure; refuses every pair that is
not in the table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from channels.sentences import say
from guichet.errors import Conflict
from guichet.wording import in_words


class State(StrEnum):
    """Where a conversation stands. `closed` is for good: who writes again gets a new one."""

    NEW = "new"
    OPEN = "open"
    WAITING_CUSTOMER = "waiting_customer"
    WAITING_INTERNAL = "waiting_internal"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    CLOSED = "closed"
    SPAM = "spam"


# Where an agent still has something to do.
UNFINISHED = frozenset({State.NEW, State.OPEN, State.WAITING_CUSTOMER, State.WAITING_INTERNAL, State.SNOOZED})
# Where one is asked to act now.
ACTIVE = frozenset({State.NEW, State.OPEN})

_HELD = frozenset({State.WAITING_INTERNAL, State.SNOOZED})
_DONE = frozenset({State.RESOLVED, State.CLOSED, State.SPAM})

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.NEW: frozenset({State.OPEN, State.WAITING_CUSTOMER}) | _HELD | _DONE,
    State.OPEN: frozenset({State.WAITING_CUSTOMER}) | _HELD | _DONE,
    State.WAITING_CUSTOMER: frozenset({State.OPEN}) | _HELD | _DONE,
    State.WAITING_INTERNAL: frozenset({State.OPEN, State.WAITING_CUSTOMER, State.SNOOZED}) | _DONE,
    State.SNOOZED: frozenset({State.OPEN, State.WAITING_CUSTOMER, State.WAITING_INTERNAL, State.SNOOZED}) | _DONE,
    State.RESOLVED: frozenset({State.OPEN, State.WAITING_CUSTOMER, State.CLOSED, State.SPAM}),
    State.SPAM: frozenset({State.OPEN, State.CLOSED}),
    State.CLOSED: frozenset(),
}


def check(before: str, after: str) -> None:
    """Raises Conflict (`not_possible_now`) unless the table lets `after` follow `before`."""
    if State(after) not in TRANSITIONS[State(before)]:
        raise Conflict(
            say(
                "a conversation that is {before} cannot become {after}", before=in_words(before), after=in_words(after)
            ),
            code="not_possible_now",
            state=before,
        )


def after_customer(state: str) -> State:
    """Where a customer's message leaves a conversation that is not closed."""
    if state in (State.WAITING_CUSTOMER, State.SNOOZED, State.RESOLVED):
        return State.OPEN
    return State(state)


def is_reopened_by_customer(state: str) -> bool:
    """Whether a customer's message starts a new cycle."""
    return state == State.RESOLVED
