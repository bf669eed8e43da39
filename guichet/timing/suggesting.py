"""Times for a post on its accounts, from what these accounts know of themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.models import Account, Post, PostTarget
from guichet.policy import Action, Actor, require
from guichet.promises.hours import from_row
from guichet.publishing.rules import zone_of
from guichet.publishing.slots import STANDING
from guichet.timing.choosing import LOOK_AHEAD, NOTICE, Candidate, Suggestion, choose
from guichet.timing.queries import Measure, history_of
from guichet.timing.rules import Judgement

_REACH = timedelta(days=7)  # the longest distance that an account may want


@dataclass(frozen=True)
class Suggested:
    """Times for these accounts together, the best first, and what is known of each account."""

    times: Sequence[Suggestion]
    judged: dict[int, tuple[Measure, Judgement]]


def suggest(
    session: Session, actor: Actor, accounts: Sequence[Account], *, not_before: datetime | None = None,
    post_id: int | None = None, now: datetime,
) -> Suggested:  # fmt: skip
    """Coming times at which nothing of theirs is in the way: other posts (`post_id` itself is not),
    the distance that an account wants, the closed hours of its brand, an embargo (`not_before`)."""
    for account in accounts:
        require(actor, Action.POST_WRITE, account)
    after = max(now + NOTICE, not_before or now)
    taken = _taken(session, [a.id for a in accounts], after, post_id)
    judged = {}
    for account in accounts:
        history = history_of(session, actor, account, now, Action.POST_WRITE)
        judged[account.id] = (history.measure, history.judged())
    candidates = [_candidate(a, judged[a.id][1], taken[a.id]) for a in accounts]
    return Suggested(choose(candidates, after), judged)


def _candidate(account: Account, judged: Judgement, taken: Sequence[datetime]) -> Candidate:
    calendar = account.brand.calendar
    return Candidate(
        account.id, zone_of(account.time_zone), judged, taken, timedelta(minutes=account.min_gap_minutes),
        from_row(calendar) if calendar else None,
    )  # fmt: skip


def _taken(
    session: Session, account_ids: Sequence[int], after: datetime, post_id: int | None
) -> dict[int, list[datetime]]:  # fmt: skip
    """When these accounts have other posts, in order."""
    rows = session.execute(
        select(PostTarget.account_id, Post.due_at, Post.id)
        .join(Post, Post.id == PostTarget.post_id)
        .where(
            PostTarget.account_id.in_(account_ids), Post.state.in_(STANDING),
            Post.due_at.between(after - _REACH, after + LOOK_AHEAD + _REACH),
        )
        .order_by(Post.due_at)
    )  # fmt: skip
    found: dict[int, list[datetime]] = defaultdict(list)
    for account_id, at, id_ in rows:
        if at is not None and id_ != post_id:
            found[account_id].append(at)
    return found
