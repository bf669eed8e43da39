"""Posts that repeat. Each occurrence is a post of its own, made when the series is: it can be
seen in the calendar, approved, moved and cancelled like any other.

An occurrence that is changed or moved by itself is an exception: what is done to "this and
the following" passes it over, unless it is the one that it is done to. All of it is done or,
where one occurrence refuses, nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Conflict, Invalid, NotFound
from guichet.models import Brand, Post, PostTarget, Series
from guichet.policy import Action, Actor, require, require_for_post, visible
from guichet.publishing import approving, operations
from guichet.publishing.chains import inherit
from guichet.publishing.checking import Specs
from guichet.publishing.drafting import VariantSpec, Words, contents_of, create, specs_of, words_of
from guichet.publishing.embargo import set_embargo
from guichet.publishing.queries import sees_post
from guichet.publishing.recurrence import occurrences
from guichet.publishing.rules import Content
from guichet.publishing.tags import tag_post

MOST_MESSAGES = 1000  # of a whole series, on all its accounts
_PAST = timedelta(minutes=1)
CHANGEABLE = ("awaiting_approval", "scheduled")


def repeat(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    rule: str,
    wall_time: str,
    time_zone: str,
    fold_rule: str = "first",
    gap_rule: str = "later",
    for_approval: bool = False,
    specs: Specs,
    now: datetime,
) -> list[Post]:
    """Schedule a draft at every date of a rule; returns the occurrences, itself the first.
    Raises Invalid for a rule that we do not take, Conflict for what is no draft."""
    require_for_post(actor, Action.POST_WRITE, post)
    if post.state != "draft":
        raise Conflict("only a draft is made to repeat", code="already_scheduled", current=post.state)
    dates = occurrences(rule, wall_time, time_zone, fold_rule, gap_rule)
    if dates[0].at < now - _PAST:
        raise Invalid("that time is past", {"wall_time": "is in the past"})
    messages = len(dates) * sum(len(c.parts) for c in contents_of(post))
    if messages > MOST_MESSAGES:
        raise Invalid(
            "this is too much at once",
            {
                "rule": say(
                    "means {count} messages; at most {most} are made at once", count=messages, most=MOST_MESSAGES
                )
            },
        )
    series = Series(
        brand_id=post.brand_id, author_id=post.author_id, rule=rule.strip(), wall_time=wall_time,
        time_zone=time_zone, fold_rule=fold_rule, gap_rule=gap_rule, created_at=now,
    )  # fmt: skip
    session.add(series)
    session.flush()
    audit.record(session, actor, "series.add", series, now, posts=len(dates))
    posts = [post, *(_copy(session, actor, post, now) for _ in dates[1:])]
    for one, date in zip(posts, dates, strict=True):
        one.series_id = series.id
        operations.schedule(
            session, actor, one, wall_time=date.wall_time, time_zone=time_zone, fold_rule=fold_rule,
            gap_rule=gap_rule, for_approval=for_approval, specs=specs, now=now,
        )  # fmt: skip
    return posts


def _copy(session: Session, actor: Actor, post: Post, now: datetime) -> Post:
    copy = create(
        session, actor, brand=session.get_one(Brand, post.brand_id), words=words_of(post), title=post.title,
        variants=specs_of(post), late_limit=post.late_limit, now=now,
    )  # fmt: skip
    inherit(copy, post)
    return copy


@dataclass(frozen=True)
class Standing:
    """A series, how many posts it has, how many of them are still to come, and when the next."""

    series: Series
    posts: int
    to_come: int
    next_at: datetime | None


def list_series(session: Session, actor: Actor) -> list[Standing]:
    """Those of which the actor sees a post, newest first."""
    require(actor, Action.STAFF_VIEW)
    seen = select(PostTarget.post_id).where(visible(actor, PostTarget.account_id, Action.POST_VIEW))
    comes = Post.state.in_(CHANGEABLE)
    rows = session.execute(
        select(Series, func.count(), func.count().filter(comes), func.min(Post.due_at).filter(comes))
        .join(Post, Post.series_id == Series.id)
        .where(Post.id.in_(seen))
        .group_by(Series.id)
        .order_by(Series.id.desc())
    )
    return [Standing(*row) for row in rows.tuples()]


def get_series(session: Session, actor: Actor, series_id: int) -> Series:
    """Raises NotFound, also for one of which the actor sees no post."""
    found = session.get(Series, series_id)
    if found is None or not posts_of(session, actor, found):
        raise NotFound("there is no such series, or it is not yours to see")
    return found


def posts_of(session: Session, actor: Actor, series: Series) -> list[Post]:
    """Its posts that the actor sees, earliest first."""
    require(actor, Action.STAFF_VIEW)
    rows = session.scalars(select(Post).where(Post.series_id == series.id).order_by(Post.due_at, Post.id))
    return [post for post in rows if sees_post(actor, post)]


def occurrences_of(session: Session, actor: Actor, post: Post) -> list[Post]:
    """Every post of a post's series, earliest first. Raises Conflict for one of no series."""
    require_for_post(actor, Action.POST_VIEW, post)
    return _siblings(session, post)


def change_following(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    version: int | None = None,
    words: Words | None = None,
    variants: Sequence[VariantSpec] | None = None,
    title: str | None = None,
    late_limit: int | None = None,
    goes_on: bool | None = None,
    tags_links: bool | None = None,
    embargo: tuple[str, str] | None = None,
    tag_ids: Sequence[int] | None = None,
    specs: Specs,
    now: datetime,
) -> None:
    """Let this one and those after it say this. What is None stays; `embargo` is a wall time
    ("": none) and its zone, the same moment for all."""
    require_for_post(actor, Action.POST_WRITE, post)
    for one in _following(session, post):
        if tag_ids is not None:
            tag_post(session, actor, one, tag_ids, now)
        operations.change(
            session, actor, one, version=version if one is post else None, words=words, variants=variants,
            title=title, late_limit=late_limit, goes_on=goes_on, tags_links=tags_links, specs=specs, now=now,
        )  # fmt: skip
        if embargo is not None:
            set_embargo(session, actor, one, embargo[0] or None, embargo[1], now)
        one.is_exception = False


def move_following(
    session: Session,
    actor: Actor,
    post: Post,
    *,
    wall_time: str,
    time_zone: str,
    fold_rule: str = "first",
    gap_rule: str = "later",
    now: datetime,
) -> None:
    """Move this one to a wall time, and those after it by as much, on their own clocks."""
    require_for_post(actor, Action.POST_WRITE, post)
    by = _wall(wall_time) - _wall(post.wall_time or wall_time)
    posts = _following(session, post)
    for one in reversed(posts) if by > timedelta(0) else posts:  # so that none meets the next on its way
        to = _wall(one.wall_time or wall_time) + by
        operations.reschedule(
            session, actor, one, wall_time=to.isoformat(timespec="minutes"), time_zone=time_zone,
            fold_rule=fold_rule, gap_rule=gap_rule, now=now,
        )  # fmt: skip
        one.is_exception = False


def cancel_following(session: Session, actor: Actor, post: Post, now: datetime) -> None:
    """Do not send this one, nor those after it, exceptions among them."""
    require_for_post(actor, Action.POST_WRITE, post)
    for one in _following(session, post, with_exceptions=True):
        operations.cancel(session, actor, one, now)


def approve_following(session: Session, actor: Actor, post: Post, now: datetime, version: int | None = None) -> None:
    """Let this one and those after it go out, as far as they say the same and wait for it."""
    require_for_post(actor, Action.POST_APPROVE, post)
    said = _written(post)
    for one in _following(session, post):
        if one.state == "awaiting_approval" and _written(one) == said:
            approving.approve(session, actor, one, now, version if one is post else None)


def _written(post: Post) -> list[Content]:
    """What it says, as somebody wrote it: its links may tell its own date or number."""
    plain = [(c, tuple(replace(part, text=part.written) for part in c.parts)) for c in contents_of(post)]
    return [replace(content, parts=parts) for content, parts in plain]


def _wall(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("that is no time", {"wall_time": "must look like 2026-03-29T14:30"}) from None


def _siblings(session: Session, post: Post) -> list[Post]:
    if post.series_id is None:
        raise Conflict("this post does not repeat", code="no_series")
    return list(session.scalars(select(Post).where(Post.series_id == post.series_id).order_by(Post.due_at, Post.id)))


def _following(session: Session, post: Post, *, with_exceptions: bool = False) -> list[Post]:
    """This one and what is still to come after it."""
    found = [
        one
        for one in _siblings(session, post)
        if one is post
        or (
            one.state in CHANGEABLE
            and (with_exceptions or not one.is_exception)
            and post.due_at is not None
            and one.due_at is not None
            and one.due_at > post.due_at
        )
    ]
    return found
