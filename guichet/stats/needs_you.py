"""What needs a person: everything that would otherwise stay stuck or go wrong in silence,
on the accounts for which the actor may decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import Session, selectinload

from channels.sentences import say
from guichet.accounts.queries import sign_ins
from guichet.comparing.queries import list_open
from guichet.delivery.gates import right_stands
from guichet.delivery.states import AttemptState, State
from guichet.inbox.reviewing import list_to_approve
from guichet.metering.operations import spent_in
from guichet.metering.rules import level_of
from guichet.models import Account, Attempt, Delivery, Look, Post, Staff
from guichet.policy import Action, Actor, visible
from guichet.publishing.commenting import unseen_mentions
from guichet.publishing.deciding import list_to_decide
from guichet.publishing.reviewing import Turns, reviews_with_posts
from guichet.receiving import ingest

SHOWN = 100  # of each kind; the counts are complete


@dataclass(frozen=True)
class Doubt:
    """One thing to decide. `key` is stable; `choices` are what can be done about it."""

    key: str
    kind: str
    title: str
    text: str
    since: datetime
    account_id: int | None = None
    delivery: Delivery | None = None
    post_id: int | None = None
    post_version: int | None = None  # of the words that are shown here, to approve just these
    dead_letter_id: int | None = None
    account_ids: Sequence[int] = ()  # where several are asked about at once
    due_at: datetime | None = None  # when that goes out
    discrepancy_id: int | None = None
    staff_id: int | None = None  # in whose right it was to go out, or whose work it is
    evidence: Sequence[dict[str, Any]] = field(default_factory=tuple)
    choices: Sequence[str] = ()


@dataclass(frozen=True)
class NeedsYou:
    """`counts` by kind; `items` oldest first."""

    counts: dict[str, int]
    items: Sequence[Doubt]


def read(session: Session, actor: Actor, now: datetime) -> NeedsYou:
    """All that waits for a decision of somebody with the actor's rights."""
    counts: dict[str, int] = {}
    items: list[Doubt] = []
    for kind, where, choices in _KINDS:
        found = and_(_decidable(actor), where(now))
        n = session.scalar(select(func.count()).select_from(Delivery).where(found)) or 0
        if n:
            counts[kind] = n
            items += _of_deliveries(session, kind, found, choices)
    for kind, doubts in (
        ("awaiting_approval", _to_approve(session, actor, now)),
        ("answer_to_approve", _answers_to_approve(session, actor)),
        ("sent_unapproved", _sent_unapproved(session, actor, now)),
        ("mention", _mentions(session, actor)),
        ("account", [*_accounts(session, actor), *_ending(session, actor, now), *_dear(session, actor, now)]),
        ("dead_letter", _dead_letters(session, actor)),
        *_discrepancies(session, actor).items(),
    ):
        if doubts:
            counts[kind] = len(doubts)
            items += doubts[:SHOWN]
    return NeedsYou(counts, sorted(items, key=lambda d: (d.since, d.key)))


def _decidable(actor: Actor) -> ColumnElement[bool]:
    posts = and_(not_(Delivery.is_answer), visible(actor, Delivery.account_id, Action.POST_PUBLISH))
    answers = and_(Delivery.is_answer, visible(actor, Delivery.account_id, Action.CONVERSATION_ANSWER))
    return or_(posts, answers)


def _in_doubt(now: datetime) -> ColumnElement[bool]:
    """It may be out: an attempt's outcome is not known."""
    return and_(Delivery.state == State.NEEDS_HUMAN, _may_be_out())


def _stopped(now: datetime) -> ColumnElement[bool]:
    """It is surely not out, and does not go out by itself: too late, no right, no account."""
    return and_(Delivery.state == State.NEEDS_HUMAN, not_(_may_be_out()))


def _may_be_out() -> ColumnElement[bool]:
    is_open = Attempt.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN))
    return exists().where(Attempt.delivery_id == Delivery.id, is_open)


def _failed(now: datetime) -> ColumnElement[bool]:
    return and_(Delivery.state == State.FAILED, not_(Delivery.is_answer))


def _held(now: datetime) -> ColumnElement[bool]:
    return Delivery.state == State.HELD


def _orphaned(now: datetime) -> ColumnElement[bool]:
    """Planned in the right of somebody who has left, or has lost it. What an approver's
    standing right carries is not orphaned; what awaits one needs no right yet, only its author."""
    gone = exists().where(Staff.id == Delivery.actor_id, Staff.disabled_at.is_not(None))
    planned = Delivery.state.in_((State.SCHEDULED, State.DUE, State.BLOCKED))
    return or_(and_(planned, not_(right_stands(now))), and_(Delivery.state == State.AWAITING_APPROVAL, gone))


_KINDS = (
    ("unknown_delivery", _in_doubt, ("link", "resend", "drop")),
    ("stopped_delivery", _stopped, ("resend", "drop")),
    ("failed_delivery", _failed, ("retry", "drop")),
    ("held", _held, ()),
    ("orphaned_schedule", _orphaned, ("take_over", "drop")),
)


def _of_deliveries(session: Session, kind: str, where: ColumnElement[bool], choices: Sequence[str]) -> list[Doubt]:
    rows = session.scalars(
        select(Delivery).where(where).options(selectinload(Delivery.attempts)).order_by(Delivery.id).limit(SHOWN)
    ).all()
    looks = _looks(session, [a.id for d in rows for a in d.attempts])
    return [
        Doubt(
            key=f"{kind}:{d.id}",
            kind=kind,
            title=d.reason_code or kind,
            text=d.reason,
            since=d.updated_at,
            account_id=d.account_id,
            delivery=d,
            post_id=d.post_id,
            staff_id=d.actor_id,
            evidence=[*_lateness(d), *(_evidence(look) for a in d.attempts for look in looks.get(a.id, ()))],
            choices=choices,
        )
        for d in rows
    ]


def _lateness(delivery: Delivery) -> list[dict[str, Any]]:
    """By when it was to go out, of what is held because it did not."""
    if delivery.reason_code != "late" or delivery.deadline_at is None:
        return []
    minutes = int((delivery.deadline_at - delivery.due_at).total_seconds() // 60)
    return [{"at": delivery.deadline_at.isoformat(), "what": "late", "minutes": minutes}]


def _looks(session: Session, attempt_ids: Sequence[int]) -> dict[int, list[Look]]:
    found: dict[int, list[Look]] = {}
    for look in session.scalars(select(Look).where(Look.attempt_id.in_(attempt_ids)).order_by(Look.id)):
        found.setdefault(look.attempt_id, []).append(look)
    return found


def _evidence(look: Look) -> dict[str, Any]:
    return {"at": look.at.isoformat(), "what": look.result, **look.evidence}


def _to_approve(session: Session, actor: Actor, now: datetime) -> list[Doubt]:
    """Posts about which it is the actor's turn to decide."""
    return [
        Doubt(
            f"approve:{one.post.id}", "awaiting_approval", one.post.title or _first_words(one.post), "",
            one.post.updated_at, post_id=one.post.id, post_version=one.post.version, account_ids=one.account_ids,
            due_at=one.post.due_at, staff_id=one.post.author_id, choices=("approve", "reject"),
        )
        for one in list_to_decide(session, actor, now)
    ]  # fmt: skip


def _answers_to_approve(session: Session, actor: Actor) -> list[Doubt]:
    """Answers of colleagues that go out only once somebody with the actor's rights agreed."""
    return [
        Doubt(
            f"answer:{one.delivery.id}", "answer_to_approve", one.message.context.get("written", one.message.text), "",
            one.delivery.updated_at, account_id=one.delivery.account_id, delivery=one.delivery,
            staff_id=one.message.staff_id,
        )
        for one in list_to_approve(session, actor)
    ]  # fmt: skip


def _sent_unapproved(session: Session, actor: Actor, now: datetime) -> list[Doubt]:
    """What was sent without the approval of those who were asked for it, until they have seen."""
    turns = Turns(session, now)
    found = []
    for post, reviews in reviews_with_posts(session, "bypassed", since=now - timedelta(days=30)):
        by = {r.settled_by for r in reviews}
        seen = any(v.staff_id == actor.staff_id and v.choice == "seen" for r in reviews for v in r.votes)
        if seen or actor.staff_id in by or not any(turns.was_asked(actor, r, post) for r in reviews):
            continue
        words, why = post.title or _first_words(post), reviews[0].reason
        found.append(
            Doubt(
                f"unapproved:{post.id}", "sent_unapproved", words, why, reviews[0].settled_at or post.updated_at,
                post_id=post.id, staff_id=reviews[0].settled_by, choices=("seen",),
            )
        )  # fmt: skip
    return found


def _mentions(session: Session, actor: Actor) -> list[Doubt]:
    return [
        Doubt(f"mention:{c.id}", "mention", c.text, "", c.at, post_id=c.post_id, staff_id=c.staff_id, choices=("seen",))
        for c in unseen_mentions(session, actor)
    ]


def _first_words(post: Post) -> str:
    return next((v.text for v in post.variants if v.is_base), "")


def _accounts(session: Session, actor: Actor) -> list[Doubt]:
    rows = session.scalars(
        select(Account)
        .where(Account.state == "needs_reconnect", visible(actor, Account.id, Action.ACCOUNT_MANAGE))
        .order_by(Account.id)
    ).all()
    return [
        Doubt(
            f"account:{a.id}", "account", a.handle, a.state_reason, a.last_error_at or a.created_at, account_id=a.id,
            choices=("reconnect",),
        )
        for a in rows
    ]  # fmt: skip


def _ending(session: Session, actor: Actor, now: datetime) -> list[Doubt]:
    """Sign-ins that end within days and do not renew themselves."""
    mine = select(Account).where(Account.state == "connected", visible(actor, Account.id, Action.ACCOUNT_MANAGE))
    rows = session.scalars(mine.order_by(Account.id)).all()
    held = sign_ins(session, [a.id for a in rows], now)
    return [
        Doubt(
            f"ending:{a.id}", "account", a.handle,
            say("the sign-in ends on {day}: connect it again before", day=ends_at.date().isoformat()),
            now, account_id=a.id, choices=("reconnect",),
        )
        for a in rows
        if a.id in held and held[a.id].is_ending and (ends_at := held[a.id].ends_at) is not None
    ]  # fmt: skip


def _dear(session: Session, actor: Actor, now: datetime) -> list[Doubt]:
    """Accounts that have spent most of what they may cost this month."""
    limited = select(Account).where(Account.monthly_limit.is_not(None), Account.state != "disconnected")
    rows = session.scalars(limited.where(visible(actor, Account.id, Action.ACCOUNT_MANAGE)).order_by(Account.id))
    levels = [(a, level_of(spent_in(session, a.id, now), a.monthly_limit)) for a in rows]
    return [
        Doubt(
            f"spending:{a.id}", "account", a.handle,
            say("all that it may cost this month is spent: no new post goes out, customers are answered")
            if level >= 100
            else say("{percent} % of what it may cost this month is spent", percent=level),
            now, account_id=a.id,
        )
        for a, level in levels
        if level
    ]  # fmt: skip


_DIFFERS = {
    "unknown_hand": say("it stands on the network, and it was not published from here"),
    "twice": say("it stands there beside a post of ours with the same words: perhaps it went out twice"),
    "our_words": say("it has the words of a post of ours that did not go out, as far as we knew"),
    "gone": say("it was published, and it stands there no more: somebody took it down, or the network did"),
}


def _discrepancies(session: Session, actor: Actor) -> dict[str, list[Doubt]]:
    """In what the networks' timelines and our rows differ."""
    found: dict[str, list[Doubt]] = {}
    rows = list_open(session, actor)
    posts = select(Delivery.id, Delivery.post_id).where(Delivery.id.in_([r.delivery_id for r in rows if r.delivery_id]))
    post_of = {row.id: row.post_id for row in session.execute(posts)} if rows else {}
    for row in rows:
        said = say("published with {program}, and not from here", program=row.via) if row.via else _DIFFERS[row.code]
        found.setdefault(row.kind, []).append(
            Doubt(
                f"{row.kind}:{row.id}", row.kind, row.text, said if row.code == "unknown_hand" else _DIFFERS[row.code],
                row.at, account_id=row.account_id, post_id=post_of.get(row.delivery_id or 0), discrepancy_id=row.id,
                evidence=[{"candidates": [{"remote_id": row.remote_id, "url": row.url}]}], choices=("seen",),
            )
        )  # fmt: skip
    return found


def _dead_letters(session: Session, actor: Actor) -> list[Doubt]:
    return [
        Doubt(
            f"dead_letter:{r.id}", "dead_letter", r.stream, r.last_error, r.received_at, account_id=r.account_id,
            dead_letter_id=r.id, choices=("replay",),
        )
        for r in ingest.list_dead_letters(session, actor)
    ]  # fmt: skip
