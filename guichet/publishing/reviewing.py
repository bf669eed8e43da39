"""The reviews of a post, one for each account that needs one: who is asked now, and what
becomes of them when it says something else, or goes out at another time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from guichet.models import Account, Post, Review, ReviewVote, Staff, TeamMember
from guichet.policy import Action, Actor, can, load_actor
from guichet.publishing.policies import asks_on, find_policy
from guichet.publishing.queries import sees_posts_on
from guichet.publishing.rules import Content, content_hash
from guichet.publishing.steps import GUEST, People, Standing, Step, standing, step_of
from guichet.staff.rules import absence

OPEN = ("waiting", "granted", "bypassed")
AGREED = ("granted", "bypassed")


def open_reviews(session: Session, post_ids: Collection[int], states: Sequence[str] = OPEN) -> list[Review]:
    """Those that count, with their votes, oldest first."""
    wanted = select(Review).where(Review.post_id.in_(post_ids), Review.state.in_(states))
    return list(session.scalars(wanted.options(selectinload(Review.votes)).order_by(Review.id)))


def reviews_with_posts(session: Session, state: str, since: datetime | None = None) -> list[tuple[Post, list[Review]]]:
    """Posts with their reviews in this state (settled `since`), oldest first."""
    wanted = select(Review).where(Review.state == state).options(selectinload(Review.votes)).order_by(Review.id)
    if since is not None:
        wanted = wanted.where(Review.settled_at >= since)
    by_post: dict[int, list[Review]] = {}
    for review in session.scalars(wanted):
        by_post.setdefault(review.post_id, []).append(review)
    loaded = (selectinload(Post.variants), selectinload(Post.editors))
    posts = session.scalars(select(Post).where(Post.id.in_(by_post)).options(*loaded).order_by(Post.id)).all()
    return [(post, by_post[post.id]) for post in posts]


def ask(
    session: Session, actor: Actor, post: Post, contents: Iterable[Content], accounts: Mapping[int, Account],
    now: datetime, *, always: bool = False, leave_others: bool = False,
) -> set[int]:  # fmt: skip
    """Bring the post's reviews in step with what it says; returns the accounts that wait for
    one. What was agreed to and says the same stays agreed; only what changed is asked for
    anew. `always`: asked for on every account, also where nobody demands it. `leave_others`:
    reviews of accounts that are not among the contents stay as they are."""
    policy = find_policy(session, post.brand_id)
    due_at = post.due_at if policy.binds_time else None
    here = {r.account_id: r for r in open_reviews(session, [post.id])}
    waits: set[int] = set()
    for content in contents:
        digest, review = content_hash([content]), here.pop(content.account_id, None)
        account = accounts[content.account_id]
        if review is not None and review.content_hash == digest and review.due_at == due_at:
            if review.state == "waiting":
                waits.add(account.id)
            continue
        was_asked = review is not None and review.state == "waiting"
        if review is not None:
            close(review, "void", now)
            session.flush()  # one at a time is open
        if always or was_asked or asks_on(account) or not can(actor, Action.POST_PUBLISH, account):
            waits.add(account.id)
            session.add(
                Review(
                    post_id=post.id, account_id=account.id, state="waiting", content_hash=digest, due_at=due_at,
                    steps=[s.plain() for s in policy.asked], step_at=now, asked_by=actor.staff_id, asked_at=now,
                    authors_may=policy.authors_may_approve and account.approval != "four_eyes",
                )
            )  # fmt: skip
    for review in () if leave_others else here.values():
        close(review, "void", now)
    session.flush()
    return waits


def stand(post: Post, waits: Collection[int]) -> None:
    """What the post is with these accounts waiting for somebody's approval."""
    post.state = "awaiting_approval" if waits else "scheduled"
    if waits:
        post.approved_by = post.approved_at = None


def close(review: Review, state: str, now: datetime, staff_id: int | None = None, reason: str = "") -> None:
    """End it, or its waiting."""
    review.state, review.settled_at, review.settled_by, review.reason = state, now, staff_id, reason


def lock(session: Session, reviews: Sequence[Review]) -> None:
    """Nobody else votes on these until we have."""
    session.flush()
    for review in reviews:
        session.refresh(review, with_for_update=True)
        session.expire(review, ["votes"])


def step_at(review: Review) -> Step:
    return step_of(review.steps[review.step])


def authors_of(post: Post) -> frozenset[int]:
    """Whose words are in it."""
    return frozenset({post.author_id, *(e.staff_id for e in post.editors)})


class Turns:
    """Whose turn it is, for many reviews: people are read once."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now
        self._actors: dict[int, Actor | None] = {}
        self._away: set[int] = set()
        self._teams: dict[int, frozenset[int]] = {}

    def standing(self, review: Review, post: Post) -> Standing:
        """How its step stands now. Who has left, is away, or does not see the account is absent."""
        step = step_at(review)
        return standing(step, self._who(step, review, post), _approved(review), review.step_at, self._now)

    def may_decide(self, actor: Actor, review: Review, post: Post) -> bool:
        """Whether it is the turn of this person (of a guest: that of one)."""
        if actor.kind == "guest":
            return self.standing(review, post).lets(GUEST, False)
        if actor.staff_id is None or not sees_posts_on(actor, review.account_id):
            return False
        may_approve = can(actor, Action.POST_APPROVE, review.account_id)
        return self.standing(review, post).lets(actor.staff_id, may_approve)

    def was_asked(self, actor: Actor, review: Review, post: Post) -> bool:
        """Whether one of its steps counts on this person, whatever its state is now."""
        if actor.staff_id is None or not sees_posts_on(actor, review.account_id):
            return False
        may_approve = can(actor, Action.POST_APPROVE, review.account_id)
        for step in map(step_of, review.steps):
            people = self._who(step, review, post)
            if actor.staff_id in people.named | people.deputies or (step.is_open and may_approve):
                return actor.staff_id not in people.authors
        return False

    def _who(self, step: Step, review: Review, post: Post) -> People:
        named = {*step.staff, *(i for team in step.teams for i in self._members(team))}
        there = {i for i in (*named, *step.deputies) if self._is_there(i, review.account_id)}
        guest = {GUEST} if step.external else set()
        return People(
            named=frozenset(named | guest), absent=frozenset(named - there),
            authors=frozenset() if review.authors_may else authors_of(post),
            deputies=frozenset(set(step.deputies) & there),
        )  # fmt: skip

    def _members(self, team_id: int) -> frozenset[int]:
        if team_id not in self._teams:
            members = select(TeamMember.staff_id).where(TeamMember.team_id == team_id)
            self._teams[team_id] = frozenset(self._session.scalars(members))
        return self._teams[team_id]

    def _is_there(self, staff_id: int, account_id: int) -> bool:
        found = self.find(staff_id)
        return found is not None and staff_id not in self._away and can(found, Action.POST_VIEW, account_id)

    def find(self, staff_id: int) -> Actor | None:
        """The rights that somebody has now; None for who works here no longer."""
        if staff_id not in self._actors:
            staff = self._session.get(Staff, staff_id)
            is_here = staff is not None and staff.disabled_at is None
            self._actors[staff_id] = load_actor(self._session, staff, self._now) if staff and is_here else None
            if staff is not None and absence(staff.absent_until, self._now):
                self._away.add(staff_id)
        return self._actors[staff_id]


def _approved(review: Review) -> set[int]:
    return {_voter(v) for v in review.votes if v.step == review.step and v.choice == "approve"}


def _voter(vote: ReviewVote) -> int:
    return GUEST if vote.staff_id is None else vote.staff_id
