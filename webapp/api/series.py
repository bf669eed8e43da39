"""Posts that repeat: what a rule means, making them, and this one and the following."""

from __future__ import annotations

from dataclasses import replace

from guichet import jobs
from guichet.accounts import queries as accounts
from guichet.models import Post as PostRow
from guichet.models import Series as SeriesRow
from guichet.policy import Action, require, require_somewhere
from guichet.publishing import queries, series
from guichet.publishing.drafting import words_of
from guichet.publishing.recurrence import occurrences
from guichet.publishing.rules import standing
from webapp.api.posts import specs_given, words_given
from webapp.api.schemas.common import Empty, IdPath
from webapp.api.schemas.publishing import PostApprove, PostChange, PostSchedule
from webapp.api.schemas.series import PostRepeat, Recurrence, RecurrenceDate, RecurrenceIn, Series, SeriesPost
from webapp.asking import Asked, Room

room = Room("series")


@room.post("/recurrences/preview", Recurrence, scope="publish")
def preview_recurrence(asked: Asked, body: RecurrenceIn) -> Recurrence:
    """Every date of a rule; nothing is saved. For who may write posts somewhere."""
    require_somewhere(asked.actor, Action.POST_WRITE)
    rows = [accounts.get_account(asked.session, asked.actor, i) for i in dict.fromkeys(body.account_id)]
    for row in rows:
        require(asked.actor, Action.POST_WRITE, row)
    dates = occurrences(body.rule, body.wall_time, body.time_zone, body.fold, body.gap)
    return Recurrence(
        dates=[RecurrenceDate(wall_time=d.wall_time, at=d.at, shown=d.shown) for d in dates],
        repeats_refused=[row.id for row in rows if asked.spec(row.network).refuses_repeats],
    )


@room.post("/posts/<int:id>/repeat", Series, scope="publish")
def repeat_post(asked: Asked, path: IdPath, body: PostRepeat) -> Series:
    """Schedule a draft at every date of a rule; each is a post of its own."""
    row = _get(asked, path)
    series.repeat(
        asked.session, asked.actor, row, rule=body.rule, wall_time=body.wall_time, time_zone=body.time_zone,
        fold_rule=body.fold, gap_rule=body.gap, for_approval=body.for_approval, specs=asked.networks.specs(),
        now=asked.now,
    )  # fmt: skip
    return _show(asked, row)


@room.get("/posts/<int:id>/series", Series)
def get_series(asked: Asked, path: IdPath) -> Series:
    """Every post of the series that this one is of."""
    return _show(asked, _get(asked, path))


@room.patch("/posts/<int:id>/following", Series, scope="publish")
def change_following(asked: Asked, path: IdPath, body: PostChange) -> Series:
    """Let this one and those after it say this; times stay."""
    row, given = _get(asked, path), words_given(body)
    embargo = body.embargo_wall_time
    series.change_following(
        asked.session, asked.actor, row, version=body.version,
        words=replace(words_of(row), **given) if given else None,
        variants=None if body.variants is None else specs_given(body.variants), title=body.title,
        late_limit=body.late_limit, goes_on=body.goes_on,
        tags_links=body.tags_links,
        embargo=None if embargo is None else (embargo, body.embargo_time_zone or row.embargo_time_zone),
        tag_ids=body.tag_ids, specs=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _show(asked, row)


@room.post("/posts/<int:id>/following/reschedule", Series, scope="publish")
def reschedule_following(asked: Asked, path: IdPath, body: PostSchedule) -> Series:
    """Move this one, and those after it by as much on their own clocks."""
    row = _get(asked, path)
    series.move_following(
        asked.session, asked.actor, row, wall_time=body.wall_time, time_zone=body.time_zone, fold_rule=body.fold,
        gap_rule=body.gap, now=asked.now,
    )  # fmt: skip
    return _show(asked, row)


@room.post("/posts/<int:id>/following/cancel", Series, scope="publish")
def cancel_following(asked: Asked, path: IdPath, body: Empty) -> Series:
    """Do not send this one, nor those after it."""
    row = _get(asked, path)
    series.cancel_following(asked.session, asked.actor, row, asked.now)
    return _show(asked, row)


@room.post("/posts/<int:id>/following/approve", Series, scope="publish")
def approve_following(asked: Asked, path: IdPath, body: PostApprove) -> Series:
    """Let this one and those after it go out, as far as they say the same."""
    row = _get(asked, path)
    series.approve_following(asked.session, asked.actor, row, asked.now, body.version)
    return _show(asked, row)


def _get(asked: Asked, path: IdPath) -> PostRow:
    return queries.get_post(asked.session, asked.actor, path.id)


def _show(asked: Asked, row: PostRow) -> Series:
    posts = series.occurrences_of(asked.session, asked.actor, row)
    asked.session.flush()
    if asked.writes:
        asked.unit.enqueue(jobs.DRAIN)
    of = asked.session.get_one(SeriesRow, row.series_id)
    deliveries = queries.deliveries_of(asked.session, asked.actor, [p.id for p in posts])
    return Series(
        id=of.id,
        rule=of.rule,
        time_zone=of.time_zone,
        posts=[
            SeriesPost(
                post_id=p.id, wall_time=p.wall_time, due_at=p.due_at,
                state=standing(p.state, [d.state for d in deliveries.get(p.id, ())]), is_exception=p.is_exception,
            )
            for p in posts
        ],
    )  # fmt: skip
