"""An account's own posts and what they brought: the history that times are judged by.

Two measures, never mixed: what the network told when a post was a day or two old (likes, shares
and answers), or, where too little of that is known, the answers that came to us within two days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from guichet.delivery.states import State
from guichet.models import Account, Conversation, Delivery, Message, Reception
from guichet.policy import Action, Actor, require
from guichet.publishing.rules import zone_of
from guichet.timing.rules import LOOK_BACK, NEEDED_POSTS, Judgement, Part, Seen, judge

ANSWERED_WITHIN = timedelta(hours=48)


class Measure(StrEnum):
    """What counts as brought."""

    REACTIONS = "reactions"  # likes, shares and answers
    ANSWERS = "answers"


@dataclass(frozen=True)
class History:
    """An account's posts of the last LOOK_BACK that are old enough, by one measure."""

    account_id: int
    zone: ZoneInfo
    measure: Measure
    seen: Sequence[Seen]

    def judged(self) -> Judgement:
        return judge(self.seen, self.zone)


@dataclass(frozen=True)
class Past:
    """One of the posts that a figure stands for."""

    post_id: int
    text: str
    url: str
    at: datetime
    brought: int


def history_of(
    session: Session, actor: Actor, account: Account, now: datetime, action: Action = Action.STATS_VIEW
) -> History:
    """The measure is the network's where it knows enough of them, or at least as many as we.
    `action`: what the figures are read for."""
    require(actor, action, account)
    zone = zone_of(account.time_zone)
    told = _told(session, account, now)
    if len(told) >= NEEDED_POSTS:
        return History(account.id, zone, Measure.REACTIONS, told)
    heard = _heard(session, account, now)
    if len(told) >= len(heard) or not any(one.brought for one in heard):
        return History(account.id, zone, Measure.REACTIONS, told)
    return History(account.id, zone, Measure.ANSWERS, heard)


def posts_in(session: Session, actor: Actor, account: Account, part: Part, now: datetime) -> tuple[History, list[Past]]:
    """The posts behind a figure, what brought most first."""
    require(actor, Action.POST_VIEW, account)
    history = history_of(session, actor, account, now)
    mine = {s.post_id: s for s in history.seen if part.has(s.at.astimezone(history.zone))}
    rows = session.execute(
        select(Delivery.post_id, Delivery.payload, Delivery.remote_url).where(
            Delivery.account_id == account.id, Delivery.kind == "post", Delivery.post_id.in_(mine)
        )
    )
    found = [
        Past(post_id, payload["text"], url, mine[post_id].at, mine[post_id].brought)
        for post_id, payload, url in rows
        if post_id is not None
    ]
    return history, sorted(found, key=lambda p: (-p.brought, p.at))


def _told(session: Session, account: Account, now: datetime) -> list[Seen]:
    brought = Reception.likes + Reception.shares + Reception.answers
    rows = session.execute(
        select(Delivery.post_id, Reception.published_at, brought)
        .join(Delivery, Delivery.id == Reception.delivery_id)
        .where(Reception.account_id == account.id, Reception.published_at >= now - LOOK_BACK)
    )
    return [Seen(post_id, at, brought) for post_id, at, brought in rows if post_id is not None]


def _heard(session: Session, account: Account, now: datetime) -> list[Seen]:
    """Answers of customers under our posts, of which the last had as long to come as the first."""
    posts = session.execute(
        select(Delivery.id, Delivery.post_id, Delivery.accepted_at).where(
            Delivery.account_id == account.id, Delivery.kind == "post", Delivery.state == State.PUBLISHED,
            Delivery.post_id.is_not(None), Delivery.accepted_at >= now - LOOK_BACK,
            Delivery.accepted_at <= now - ANSWERED_WITHIN,
        )
    ).all()  # fmt: skip
    came = session.execute(
        select(Delivery.id, Message.remote_at)
        .join(Conversation, and_(Conversation.account_id == account.id, Conversation.thread_root == Delivery.remote_id))
        .join(Message, and_(Message.conversation_id == Conversation.id, Message.direction == "in"))
        .where(
            Delivery.account_id == account.id, Delivery.kind == "post", Delivery.accepted_at >= now - LOOK_BACK,
            Delivery.accepted_at <= now - ANSWERED_WITHIN,
        )
    )  # fmt: skip
    when = {id_: at for id_, _, at in posts if at is not None}
    counted = Counter(id_ for id_, at in came if id_ in when and at <= when[id_] + ANSWERED_WITHIN)
    return [Seen(post_id, when[id_], counted[id_]) for id_, post_id, _ in posts if post_id is not None and id_ in when]
