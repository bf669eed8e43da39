"""The states of a delivery, and every step between them that is allowed.

One table, read by everything that changes a state; a pair that is not in it is refused.
What is final for us can still be overtaken by evidence: what the network turns out to
have published is published, whatever we had decided (`cancelled → published`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from channels.sentences import say
from guichet.errors import Conflict
from guichet.wording import in_words

# What is done with a message of somebody else, and what takes it back.
OPPOSITES = {"like": "unlike", "unlike": "like", "hide": "unhide", "unhide": "hide"}
KINDS = ("post", "thread_item", "first_comment", "reply", "direct", "edit", "delete", *OPPOSITES)


class State(StrEnum):
    """Where a delivery stands (DESIGN §4)."""

    SCHEDULED = "scheduled"  # its time has not come
    BLOCKED = "blocked"  # waits for the thread item or post before it
    AWAITING_APPROVAL = "awaiting_approval"
    HELD = "held"  # its time came while a brake was on
    DUE = "due"
    CLAIMED = "claimed"  # a worker has it; nothing was sent
    SENDING = "sending"  # the start is committed: from here on it may be out
    UNKNOWN = "unknown"  # it may be out; nobody has looked yet
    RECONCILING = "reconciling"  # it may be out; we are looking
    NEEDS_HUMAN = "needs_human"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AttemptState(StrEnum):
    """Where one start of a send stands."""

    IN_FLIGHT = "in_flight"
    ACCEPTED = "accepted"
    REFUSED = "refused"  # the network said no
    UNSENT = "unsent"  # it surely never reached the network
    UNKNOWN = "unknown"
    ABSENT = "absent"  # was unknown, then proved not to be there
    MOOT = "moot"  # unknown, but repeating is harmless (a deletion, an edit, a key that is known still)


S = State

STEPS: Mapping[State, frozenset[State]] = {
    S.SCHEDULED: frozenset({S.DUE, S.HELD, S.AWAITING_APPROVAL, S.NEEDS_HUMAN, S.CANCELLED}),
    S.BLOCKED: frozenset({S.SCHEDULED, S.DUE, S.AWAITING_APPROVAL, S.NEEDS_HUMAN, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.SCHEDULED, S.BLOCKED, S.NEEDS_HUMAN, S.CANCELLED}),
    S.HELD: frozenset({S.SCHEDULED, S.DUE, S.NEEDS_HUMAN, S.CANCELLED}),
    # To unknown goes what was to be repeated under its key, and may not be any more.
    S.DUE: frozenset({S.SCHEDULED, S.CLAIMED, S.HELD, S.AWAITING_APPROVAL, S.NEEDS_HUMAN, S.CANCELLED, S.UNKNOWN}),
    S.CLAIMED: frozenset(
        {S.DUE, S.SENDING, S.HELD, S.AWAITING_APPROVAL, S.NEEDS_HUMAN, S.FAILED, S.CANCELLED, S.UNKNOWN}
    ),
    S.SENDING: frozenset({S.PUBLISHED, S.DUE, S.FAILED, S.UNKNOWN, S.NEEDS_HUMAN, S.CANCELLED}),
    S.UNKNOWN: frozenset({S.RECONCILING, S.PUBLISHED, S.NEEDS_HUMAN}),
    S.RECONCILING: frozenset({S.PUBLISHED, S.DUE, S.NEEDS_HUMAN, S.CANCELLED}),
    S.NEEDS_HUMAN: frozenset({S.PUBLISHED, S.DUE, S.SCHEDULED, S.CANCELLED}),
    S.PUBLISHED: frozenset(),
    S.FAILED: frozenset({S.DUE, S.PUBLISHED, S.CANCELLED}),
    S.CANCELLED: frozenset({S.PUBLISHED}),
}

# Nothing more will happen by itself, and no person is asked.
FINAL = frozenset({S.PUBLISHED, S.FAILED, S.CANCELLED})
# Content may still be changed.
EDITABLE = frozenset({S.SCHEDULED, S.BLOCKED, S.AWAITING_APPROVAL, S.HELD, S.DUE})
# Kinds of delivery that may be asked for twice without harm.
IDEMPOTENT = frozenset({"edit", "delete", *OPPOSITES})
# What is gone at the network is as it was to be.
DONE_IF_GONE = frozenset({"delete", "hide", "unhide", "unlike"})
# It may already be out.
IN_DOUBT = frozenset({S.SENDING, S.UNKNOWN, S.RECONCILING})


def can_step(before: str, after: str) -> bool:
    """Whether the table allows the step."""
    return State(after) in STEPS[State(before)]


def sources_of(after: State) -> tuple[State, ...]:
    """The states from which `after` may be reached, for a WHERE."""
    return tuple(s for s in State if after in STEPS[s])


def require_step(before: str, after: str) -> None:
    """Raises Conflict where the table does not allow it."""
    if not can_step(before, after):
        raise Conflict(
            say("a delivery that is {before} cannot become {after}", before=in_words(before), after=in_words(after)),
            code="wrong_state",
            current=str(before),
        )
