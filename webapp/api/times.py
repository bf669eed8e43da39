"""When an account's posts did better, the posts behind that, and times for a post to come."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from guichet.accounts import queries as accounts
from guichet.timing import phrases, queries, suggesting
from guichet.timing.choosing import ROUNDED, Suggestion
from guichet.timing.queries import Measure
from guichet.timing.rules import NEEDED_DAYS, NEEDED_POSTS, Judgement, Measured, Part
from webapp.api import briefs
from webapp.api.schemas.common import IdPath
from webapp.api.schemas.times import (
    Known,
    PartOfWeek,
    PartQuery,
    PastPost,
    PastPosts,
    Reason,
    SuggestedQuery,
    SuggestedTime,
    SuggestedTimes,
    Times,
)
from webapp.asking import Asked, Room

room = Room("times")
_MOST = 100  # posts behind a figure


@room.get("/accounts/<int:id>/times", Times)
def get_times(asked: Asked, path: IdPath) -> Times:
    """What the account's own posts say of the times at which they went out."""
    account = accounts.get_account(asked.session, asked.actor, path.id)
    history = queries.history_of(asked.session, asked.actor, account, asked.now)
    judged = history.judged()
    week = [m for part, m in judged.parts.items() if part.weekday is not None and part.hour is not None]
    return Times(
        account=briefs.account(account), time_zone=account.time_zone, verdict=judged.verdict.value,
        said=phrases.summed_up(judged), measure=history.measure.value, posts=judged.posts, days=judged.days,
        needed_posts=NEEDED_POSTS, needed_days=NEEDED_DAYS, usual=judged.usual,
        best=[_part(m, judged, history.measure) for m in judged.best],
        week=[
            _part(m, judged, history.measure)
            for m in sorted(week, key=lambda m: (m.part.weekday or 0, m.part.hour or 0))
        ],
    )  # fmt: skip


@room.get("/accounts/<int:id>/times/posts", PastPosts)
def list_posts_in(asked: Asked, path: IdPath, query: PartQuery) -> PastPosts:
    """The posts behind a figure: those of one part of the week; of all where none is named."""
    account = accounts.get_account(asked.session, asked.actor, path.id)
    part = Part(query.weekday, query.hour)
    history, found = queries.posts_in(asked.session, asked.actor, account, part, asked.now)
    items = [
        PastPost(post_id=p.post_id, text=p.text, url=p.url or None, at=p.at, brought=p.brought) for p in found[:_MOST]
    ]
    return PastPosts(measure=history.measure.value, posts=len(found), items=items)


@room.get("/times/suggested", SuggestedTimes, scope=("read", "publish"))
def suggest_times(asked: Asked, query: SuggestedQuery) -> SuggestedTimes:
    """Coming times for a post on these accounts together; nothing is taken."""
    rows = [accounts.get_account(asked.session, asked.actor, i) for i in dict.fromkeys(query.account_id)]
    found = suggesting.suggest(
        asked.session, asked.actor, rows, not_before=query.not_before, post_id=query.post_id, now=asked.now
    )
    zone = query.time_zone or next((r.time_zone for r in rows), "UTC")
    return SuggestedTimes(
        items=[_suggested(one, found, zone) for one in found.times],
        accounts=[
            Known(account_id=id_, verdict=judged.verdict.value, said=phrases.summed_up(judged))
            for id_, (_, judged) in found.judged.items()
        ],
    )


def _suggested(one: Suggestion, found: suggesting.Suggested, zone: str) -> SuggestedTime:
    wall = one.at.astimezone(ZoneInfo(zone))
    reasons = [_reason(id_, measured, *found.judged[id_]) for id_, measured in one.reasons.items()]
    return SuggestedTime(at=one.at, wall_time=f"{wall:%Y-%m-%dT%H:%M}", time_zone=zone, reasons=reasons)


def _reason(account_id: int, measured: Measured, measure: Measure, judged: Judgement) -> Reason:
    part, said = measured.part, phrases.why(measured, judged.usual, measure)
    return Reason(account_id=account_id, weekday=part.weekday, hour=part.hour, said=said)


def _part(measured: Measured, judged: Judgement, measure: Measure) -> PartOfWeek:
    part, minute = measured.part, measured.minute // ROUNDED * ROUNDED
    return PartOfWeek(
        weekday=part.weekday, hour=part.hour, posts=measured.posts, brought=measured.brought,
        better=round(measured.better, 2), stands_out=measured.stands_out,
        usual_time=f"{minute // 60:02}:{minute % 60:02}",
        said=phrases.why(measured, judged.usual, measure),
    )  # fmt: skip
