"""What somebody may do with a post as it stands, so that a page offers it or does not. Pure:
the operations ask the same questions, and more where rows must be locked first. Whose turn
it is to approve is told in `reviewing`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from guichet.delivery.states import EDITABLE, FINAL, AttemptState, State
from guichet.models import Delivery, Post
from guichet.policy import Action, Actor, can, can_for_post

# An attempt that may have reached the network.
UNSETTLED = (AttemptState.IN_FLIGHT, AttemptState.UNKNOWN)


UNPLANNED = ("draft", "evergreen")  # states of posts that have no time, nor deliveries


class Standing(Protocol):
    """A delivery, as far as moving it is asked: where it is to go, and how it stands."""

    @property
    def account_id(self) -> int: ...

    @property
    def state(self) -> str: ...


Stands = TypeVar("Stands", bound=Standing)


class Deed(StrEnum):
    """What can be done with a post; "move" is its time."""

    CHANGE = "change"
    MOVE = "move"
    CANCEL = "cancel"
    DELETE = "delete"


def deeds(actor: Actor, post: Post, deliveries: Sequence[Delivery]) -> list[Deed]:
    """What `actor` may do with `post`, of which `deliveries` are all."""
    found = []
    if can_for_post(actor, Action.POST_WRITE, post):
        alive = [d for d in deliveries if d.state != State.CANCELLED]
        if is_editable(post, alive):
            found.append(Deed.CHANGE)
        if post.state == "draft" or (may_move(actor, movable(deliveries)) and not _is_in_doubt(deliveries)):
            found.append(Deed.MOVE)
        if post.state != "draft" and any(d.state not in FINAL for d in deliveries):
            found.append(Deed.CANCEL)
        if post.state == "draft" and not deliveries:
            found.append(Deed.DELETE)
    return found


def is_editable(post: Post, deliveries: Sequence[Delivery]) -> bool:
    """Whether what it says may still be changed: nothing of it is being sent, or was."""
    if post.state in UNPLANNED:
        return True
    return (
        post.state in ("awaiting_approval", "scheduled")
        and bool(deliveries)
        and all(d.state in {*EDITABLE, State.CLAIMED} for d in deliveries)
    )


def movable(deliveries: Sequence[Stands]) -> list[Stands]:
    """Those of a post that can be given another time."""
    return [d for d in deliveries if d.state in {*EDITABLE, State.CLAIMED, State.NEEDS_HUMAN}]


def may_move(actor: Actor, movable: Sequence[Standing]) -> bool:
    """Whether these may be given another time. What was agreed was agreed for its time."""
    agreed = [d for d in movable if d.state != State.AWAITING_APPROVAL]
    return bool(movable) and all(can(actor, Action.POST_PUBLISH, d) for d in agreed)


def _is_in_doubt(deliveries: Sequence[Delivery]) -> bool:
    """Whether it may be out already, which somebody decides first."""
    return any(d.state == State.NEEDS_HUMAN and any(a.state in UNSETTLED for a in d.attempts) for d in deliveries)
