"""Agreeing to what a post says, sending it back, and sending it all the same.

Everybody decides about what they read: a version, or the hash of what one account gets.
Only the accounts are decided about whose turn is the decider's; a post goes out on one
account while another still waits.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from channels.sentences import say
from guichet import audit, live
from guichet.delivery import operations as delivering
from guichet.delivery.closing import close_posts
from guichet.delivery.states import EDITABLE, FINAL, State
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.models import Delivery, Post, Review, ReviewVote
from guichet.policy import SYSTEM, Action, Actor, can, require, require_for_post
from guichet.publishing.chains import accounts_of, deliveries_of, require_version
from guichet.publishing.drafting import contents_of, tell_of
from guichet.publishing.reviewing import Turns, ask, authors_of, close, lock, open_reviews, stand
from guichet.publishing.rules import content_hash
from guichet.publishing.steps import OPEN_STEP
from guichet.wording import in_words

Hashes = Collection[str]


def approve(
    session: Session, actor: Actor, post: Post, now: datetime, version: int | None = None, *, reason: str = "",
    only: Hashes | None = None, link_id: int | None = None,
) -> None:  # fmt: skip
    """Agree to it as it stands, on the accounts where it is the actor's turn: what they read,
    where they say which `version` that was, or (`only`) what has these hashes (Conflict
    `changed` where it is another now). Raises NotAllowed where it is not their turn."""
    require_version(session, post, version)
    turns = Turns(session, now)
    for review in _in_turn(session, actor, post, turns, only):
        standing = turns.standing(review, post)
        voter = actor.staff_id or 0
        review.votes.append(
            ReviewVote(
                step=review.step, staff_id=actor.staff_id, link_id=link_id, choice="approve", reason=reason, at=now,
                stands_in=voter in standing.deputies,
            )
        )  # fmt: skip
        if turns.standing(review, post).is_done:
            _go_on(session, turns, actor, post, review, now)
    post.rejected_reason = ""
    post.approved_by, post.approved_at = actor.staff_id, now
    settle(session, post, now)
    audit.record(session, actor, "post.approve", post, now, **_by(link_id))
    tell_of(session, post, now)


def reject(
    session: Session, actor: Actor, post: Post, reason: str, now: datetime, *, version: int | None = None,
    only: Hashes | None = None, link_id: int | None = None,
) -> None:  # fmt: skip
    """Send it back to its author, as a draft; where some of it is out already, only what
    waits is given up. `version`: as for `approve`."""
    require_version(session, post, version)
    for review in _in_turn(session, actor, post, Turns(session, now), only):
        review.votes.append(
            ReviewVote(
                step=review.step, staff_id=actor.staff_id, link_id=link_id, choice="reject", reason=reason, at=now
            )
        )
        close(review, "rejected", now, actor.staff_id, reason)
    deliveries = deliveries_of(session, post)
    if all(d.state in {*EDITABLE, State.CLAIMED, State.CANCELLED} for d in deliveries):
        _take_back(session, post, deliveries, now)
    else:
        given_up = {r.account_id for r in open_reviews(session, [post.id], ("rejected",))}
        for delivery in deliveries:
            if delivery.state == State.AWAITING_APPROVAL and delivery.account_id in given_up:
                delivering.cancel(session, SYSTEM, delivery, now)
        settle(session, post, now)
    post.rejected_reason, post.updated_at = reason, now
    flag_modified(post, "updated_at")
    audit.record(session, actor, "post.reject", post, now, **_by(link_id))
    tell_of(session, post, now)


def send_unapproved(session: Session, actor: Actor, post: Post, reason: str, now: datetime) -> None:
    """Break the glass: let it go out as it stands though nobody agreed. For administrators,
    with a reason; everybody who was asked is told, and it stays in the log."""
    require(actor, Action.APPROVAL_BYPASS)
    if not reason.strip():
        raise Invalid("say why nobody could be asked", {"reason": "is needed"})
    reviews = _waiting(session, post)
    lock(session, reviews)
    for review in reviews:
        close(review, "bypassed", now, actor.staff_id, reason.strip())
        review.carried_by = actor.staff_id
        release(session, post, review, now)
    post.approved_by, post.approved_at = actor.staff_id, now
    settle(session, post, now)
    audit.record(session, actor, "post.send_unapproved", post, now, reviews=[r.id for r in reviews])
    tell_of(session, post, now)


def acknowledge(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """One has seen that it was sent without approval."""
    require_for_post(actor, Action.POST_VIEW, post)
    if actor.staff_id is None:
        raise NotAllowed("only a person sees")
    for review in open_reviews(session, [post.id], ("bypassed",)):
        if all(v.staff_id != actor.staff_id or v.choice != "seen" for v in review.votes):
            review.votes.append(ReviewVote(step=review.step, staff_id=actor.staff_id, choice="seen", at=now))
    live.tell(session, "post", now, staff_id=actor.staff_id, id=post.id)


def ask_for_what_lost_its_approval(session: Session, actor: Actor, now: datetime) -> int:
    """Ask for what the gate turned back though nobody is asked about it: its time moved, or
    its brand began to demand an approval. Returns for how many posts. Else it would wait for
    nobody, for ever."""
    require(actor, Action.SYSTEM)
    waiting = select(Review.id).where(
        Review.post_id == Delivery.post_id, Review.account_id == Delivery.account_id, Review.state == "waiting"
    )
    turned_back = select(Delivery.post_id).where(
        Delivery.state == State.AWAITING_APPROVAL, Delivery.kind.in_(("post", "thread_item", "first_comment")),
        ~waiting.exists(),
    )  # fmt: skip
    posts = session.scalars(select(Post).where(Post.id.in_(turned_back)).order_by(Post.id).limit(100)).all()
    for post in posts:
        _ask_once_more(session, post, now)
    return len(posts)


def _ask_once_more(session: Session, post: Post, now: datetime) -> None:
    stopped = {d.account_id for d in deliveries_of(session, post) if d.state == State.AWAITING_APPROVAL}
    wanted = [c for c in contents_of(post) if c.account_id in stopped]
    for review in open_reviews(session, [post.id]):
        if review.account_id in stopped and review.state != "waiting":
            close(review, "void", now)
    session.flush()
    ask(session, SYSTEM, post, wanted, accounts_of(session, post), now, always=True, leave_others=True)
    settle(session, post, now)
    tell_of(session, post, now)


def settle(session: Session, post: Post, now: datetime) -> None:
    """What the post is now, by what still waits."""
    session.flush()
    waits = {r.account_id for r in open_reviews(session, [post.id], ("waiting",))}
    stand(post, waits)
    if not waits:
        post.editors.clear()
    post.updated_at = now
    flag_modified(post, "updated_at")
    session.flush()
    close_posts(session.connection(), {post.id}, now)
    session.refresh(post)


# ---------------------------------------------------------------- within


def _by(link_id: int | None) -> dict[str, int]:
    """What the log keeps of somebody from outside."""
    return {} if link_id is None else {"link": link_id}


def _waiting(session: Session, post: Post) -> list[Review]:
    reviews = open_reviews(session, [post.id], ("waiting",))
    if not reviews:
        raise Conflict(
            say("it is {state}: nobody waits for an approval", state=in_words(post.state)),
            code="wrong_state",
            current=post.state,
        )
    return reviews


def _in_turn(session: Session, actor: Actor, post: Post, turns: Turns, only: Hashes | None) -> list[Review]:
    """The reviews that it is the actor's turn to decide about, locked."""
    if not open_reviews(session, [post.id], ("waiting",)) and actor.kind != "guest":
        _require_any_right(actor, post)
    reviews = _waiting(session, post)
    lock(session, reviews)
    mine = [r for r in reviews if r.state == "waiting" and turns.may_decide(actor, r, post)]
    if not mine:
        _refuse(actor, post, reviews)
    said = {content_hash([c]) for c in contents_of(post)}
    if any(r.content_hash not in said for r in mine):
        raise Conflict("somebody changed it since you read it", code="changed", current=post.version)
    if only is not None:
        mine = [r for r in mine if r.content_hash in only]
        if not mine:
            raise Conflict("somebody changed it since you read it", code="changed", current=post.version)
    return mine


def _require_any_right(actor: Actor, post: Post) -> None:
    """Who could decide nothing anyway learns of no state."""
    if not any(can(actor, Action.POST_APPROVE, t.account_id) for t in post.targets):
        require_for_post(actor, Action.POST_APPROVE, post)


def _refuse(actor: Actor, post: Post, reviews: Sequence[Review]) -> None:
    if actor.staff_id in authors_of(post) and not all(r.authors_may for r in reviews):
        if actor.staff_id == post.author_id:
            raise NotAllowed("somebody else must approve what you wrote", code="own_post")
        raise NotAllowed("you changed it: somebody else must approve your words", code="own_words")
    if actor.kind != "guest":
        _require_any_right(actor, post)
    raise NotAllowed("it is not your turn: others are asked first, or you have agreed already", code="not_your_turn")


def _go_on(session: Session, turns: Turns, actor: Actor, post: Post, review: Review, now: datetime) -> None:
    """The step is done: the next one, or it goes out. Somebody who agreed must carry what its
    author may not publish; where none of them can, somebody who can is asked last."""
    carrier = _carrier(turns, review, actor)
    is_last = review.step + 1 >= len(review.steps)
    if is_last and carrier is None and not _planner_carries(session, turns, post, review):
        review.steps, is_last = [*review.steps, OPEN_STEP.plain()], False
    if not is_last:
        review.step, review.step_at = review.step + 1, now
        return
    close(review, "granted", now, actor.staff_id)
    review.carried_by = carrier
    release(session, post, review, now)


def _carrier(turns: Turns, review: Review, actor: Actor) -> int | None:
    """The last of those who agreed that may approve on the account in their own right."""
    if actor.staff_id is not None and can(actor, Action.POST_APPROVE, review.account_id):
        return actor.staff_id
    for vote in reversed(review.votes):
        found = turns.find(vote.staff_id) if vote.staff_id is not None and vote.choice == "approve" else None
        if found is not None and can(found, Action.POST_APPROVE, review.account_id):
            return found.staff_id
    return None


def _planner_carries(session: Session, turns: Turns, post: Post, review: Review) -> bool:
    planners = {d.actor_id for d in deliveries_of(session, post) if d.account_id == review.account_id}
    found = [turns.find(i) for i in planners if i is not None]
    return all(f is not None and can(f, Action.POST_PUBLISH, review.account_id) for f in found)


def release(session: Session, post: Post, review: Review, now: datetime) -> None:
    """The review let it; the start asks once more whether it still stands."""
    session.flush()
    for delivery in deliveries_of(session, post):
        if delivery.account_id == review.account_id:
            delivering.approve(session, SYSTEM, delivery, now)


def _take_back(session: Session, post: Post, deliveries: Sequence[Delivery], now: datetime) -> None:
    """All of it is a draft again. What others agreed to stays agreed where it stays the same."""
    for delivery in deliveries:
        if delivery.state not in FINAL:
            delivering.cancel(session, SYSTEM, delivery, now)
    for review in open_reviews(session, [post.id], ("waiting", "bypassed")):
        close(review, "void", now)
    post.state = "draft"
    session.flush()
