"""Deciding about many posts in one act: what it is somebody's turn to decide about, and
agreeing to several, or sending them back.

Each post is judged by itself, by the same rules as one alone, and as it was read: its version
is named, and another one is not agreed to unseen. What is refused holds back no other, and
says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from channels.sentences import say
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed, NotFound
from guichet.models import Post, Review
from guichet.policy import Action, Actor, require_somewhere
from guichet.publishing import approving, queries
from guichet.publishing.reviewing import Turns, reviews_with_posts

CHOICES = ("approve", "reject")
MOST = 100  # posts in one act
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ToDecide:
    """A post about which it is somebody's turn, and the reviews that wait for them."""

    post: Post
    reviews: Sequence[Review]

    @property
    def account_ids(self) -> list[int]:
        """The accounts that they are asked about."""
        return [r.account_id for r in self.reviews]


@dataclass(frozen=True)
class Read:
    """A post as somebody read it."""

    post_id: int
    version: int | None  # None: whatever it says now


@dataclass(frozen=True)
class Outcome:
    """What became of one of them: its `state`, or why nothing did."""

    post_id: int
    state: str = ""
    refused: GuichetError | None = None

    @property
    def still_waits(self) -> bool:
        """Others are asked too."""
        return self.state == "awaiting_approval"


def list_to_decide(session: Session, actor: Actor, now: datetime) -> list[ToDecide]:
    """The posts about which it is the actor's turn to decide, those that go out first first."""
    turns = Turns(session, now)
    found = [
        ToDecide(post, mine)
        for post, reviews in reviews_with_posts(session, "waiting")
        if (mine := [r for r in reviews if turns.may_decide(actor, r, post)])
    ]
    return sorted(found, key=lambda one: (one.post.due_at or _NEVER, one.post.id))


def require_askable(actor: Actor, choice: str, read: Sequence[Read], reason: str = "") -> None:
    """Raises NotAllowed for who sees no post at all, and Invalid for what can be done with none."""
    require_somewhere(actor, Action.POST_VIEW)
    if choice not in CHOICES:
        raise Invalid("choose approve or reject", {"choice": say("not “{choice}”", choice=choice)})
    if choice == "reject" and not reason.strip():
        raise Invalid("say what should be otherwise", {"reason": "is needed"})
    if len({one.post_id for one in read}) < len(read) or len(read) > MOST:
        raise Invalid("name each post once", {"posts": say("must be at most {most}, each once", most=MOST)})


def decide(session: Session, actor: Actor, choice: str, one: Read, now: datetime, reason: str = "") -> Outcome:
    """Agree to one of them ("approve") or send it back ("reject", with a reason), where it is the
    actor's turn and it still is what was read; else nothing of it is done, and the outcome says
    why. Give each a transaction of its own: a hundred in one would keep everybody else waiting."""
    require_somewhere(actor, Action.POST_VIEW)
    try:
        with session.begin_nested():
            post = queries.get_post(session, actor, one.post_id)
            if choice == "approve":
                approving.approve(session, actor, post, now, one.version, reason=reason.strip())
            else:
                approving.reject(session, actor, post, reason.strip(), now, version=one.version)
            return Outcome(one.post_id, post.state)
    except (NotFound, NotAllowed, Conflict, Invalid) as refused:
        return Outcome(one.post_id, refused=refused)
    except StaleDataError:
        return Outcome(one.post_id, refused=Conflict("somebody changed it since you read it", code="changed"))
