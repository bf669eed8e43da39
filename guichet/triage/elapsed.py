"""Rules that act after a time: finding whose time has come, and acting once for each time that a
rule's clock began.

A rule goes through the conversations of a brand in the order of its clock and remembers how far it
came, so that a look costs what is new, not what there is. Clocks begin by our own time (guichet.
inbox.clocks), so nothing ever begins behind it. A rule or a calendar that was changed begins again;
what it did is known by its firings. A lot is one transaction: who is killed did all of it or nothing,
and who looks at the same time waits for the row of the rule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, text
from sqlalchemy.orm import Session, aliased

from guichet.db.dialect import kind_of, no_way_in
from guichet.inbox import counts
from guichet.inbox.changes import changing, lock
from guichet.inbox.states import UNFINISHED, State
from guichet.models import (
    Account,
    Brand,
    Conversation,
    ConversationLabel,
    Message,
    Rule,
    RuleFiring,
    RuleWalk,
)
from guichet.models.base import table_of
from guichet.models.conversation import GOES_ON
from guichet.policy import Action, Actor, require
from guichet.promises import hours
from guichet.triage import elapsed_acts, facts, moments, rules
from guichet.triage.moments import When
from guichet.triage.rules import Fact

LOT = 200  # conversations looked at in one transaction
# In one round: what an outage left is done in rounds, the oldest first.
MOST_LOTS, MOST_ACTS = 20, 1000
LAG = timedelta(minutes=10)  # a walk is brought up to date at least so often, also where nothing is due
_ANY = 2**53  # above every id


@dataclass(frozen=True)
class Lot:
    """A rule in a brand: what one transaction looks at."""

    rule_id: int
    brand_id: int


@dataclass(frozen=True)
class Looked:
    """A conversation, what its customer said last, and what rules may ask of both."""

    conversation: Conversation
    message: Message
    fact: Fact


def list_lots(session: Session, actor: Actor, now: datetime) -> list[Lot]:
    """Where somebody's time has come, or the walk is far behind, in the order of the rules."""
    require(actor, Action.SYSTEM)
    timed = select(Rule).where(Rule.is_on, Rule.since != "").order_by(Rule.position, Rule.id)
    brands = session.scalars(select(Brand).order_by(Brand.id)).all()
    walks = {(w.rule_id, w.brand_id): w for w in session.scalars(select(RuleWalk))}
    return [
        Lot(rule.id, brand.id)
        for rule in session.scalars(timed)
        for brand in brands
        if rule.brand_id in (None, brand.id) and _is_any_due(session, rule, brand, walks.get((rule.id, brand.id)), now)
    ]


def take_lot(session: Session, actor: Actor, lot: Lot, now: datetime) -> tuple[int, int]:
    """Look at the next conversations of a lot and act on those that fit. Returns how many were
    looked at, and how many it acted on; nothing looked at: all is done."""
    require(actor, Action.SYSTEM)
    rule = session.scalars(select(Rule).where(Rule.id == lot.rule_id).with_for_update()).first()
    brand = session.get_one(Brand, lot.brand_id)
    if rule is None or not rule.is_on or not rule.since:
        return 0, 0
    walk = _walk(session, rule, brand)
    begun_by = due_by(when_of(rule), brand, now)
    if begun_by is None:
        return 0, 0
    rows = [(row[0], row[1]) for row in session.execute(_next(session, rule, brand, walk, begun_by).limit(LOT))]
    acted = 0
    begun = dict(rows)
    with counts.deferred(session):
        for one in gather(session, sorted(begun), rule.conditions, now):
            acted += _act(session, actor, rule, one, begun[one.conversation.id], now)
    # All of this brand up to here is seen: what others have in between is not read again.
    walk.through_id, walk.through_at = rows[-1] if len(rows) == LOT else (_ANY, begun_by)
    session.flush()
    return len(rows), acted


def when_of(rule: Rule) -> When:
    return When(rule.since, rule.after_minutes, rule.in_hours)


def due_by(when: When, brand: Brand, now: datetime) -> datetime | None:
    """What began in this brand by then is due; None: nothing is."""
    kept = hours.from_row(brand.calendar) if brand.calendar is not None else None
    return moments.begun_by(when, kept, now)


def started(when: When) -> tuple[Any, Any]:
    """The column of a clock, and in which conversations it runs; worded for its index."""
    column = getattr(Conversation, moments.CLOCKS[when.since])
    return column, text(GOES_ON) if when.since == "created" else column.is_not(None)


def _read_as(rule: Rule, brand: Brand) -> str:
    kept = brand.calendar if rule.in_hours else None
    standing = f"{kept.id} {kept.version}" if kept is not None else ""
    return f"{rule.updated_at.isoformat()} {standing}"


def _walk(session: Session, rule: Rule, brand: Brand) -> RuleWalk:
    walk = session.get(RuleWalk, (rule.id, brand.id), populate_existing=True)
    if walk is None:
        walk = RuleWalk(rule_id=rule.id, brand_id=brand.id, read_as="", through_id=0)
        session.add(walk)
    if walk.read_as != (asked := _read_as(rule, brand)):
        walk.read_as, walk.through_at, walk.through_id = asked, None, 0
    return walk


def _is_any_due(session: Session, rule: Rule, brand: Brand, walk: RuleWalk | None, now: datetime) -> bool:
    begun_by = due_by(when_of(rule), brand, now)
    if begun_by is None:
        return False
    known = walk if walk is not None and walk.read_as == _read_as(rule, brand) else None
    if known is None or known.through_at is None or known.through_at < begun_by - LAG:
        return True
    return session.execute(_next(session, rule, brand, known, begun_by).limit(1)).first() is not None


def _next(session: Session, rule: Rule, brand: Brand, walk: RuleWalk | None, begun_by: datetime) -> Select[Any]:
    """Id and beginning of what the rule has not come to, the oldest first."""
    begun, runs = started(when_of(rule))
    accounts = select(Account.id).where(Account.brand_id == brand.id)
    # By the clock's index and no other: by the account's, all that was ever said would be read.
    here = no_way_in(kind_of(session.connection()), table_of(Conversation).c.account_id).in_(accounts)
    due = select(Conversation.id, begun).where(runs, begun <= begun_by, here)
    if walk is not None and walk.through_at is not None:
        due = due.where(or_(begun > walk.through_at, and_(begun == walk.through_at, Conversation.id > walk.through_id)))
        due = due.where(begun >= walk.through_at)  # by itself, so that the index is entered there
    return due.order_by(begun, Conversation.id)


def gather(
    session: Session, ids: Collection[int], conditions: Sequence[Mapping[str, Any]], now: datetime
) -> list[Looked]:
    """What the conditions ask of each, by id; hours are those of now."""
    newest = (
        select(func.max(Message.id))
        .where(Message.conversation_id.in_(ids), Message.direction == "in", Message.deleted_at.is_(None))
        .group_by(Message.conversation_id)
    )
    messages = session.scalars(select(Message).where(Message.id.in_(newest)).order_by(Message.conversation_id)).all()
    found = facts.of_messages(session, messages, conditions, at=now)
    conversations = {c.id: c for c in session.scalars(select(Conversation).where(Conversation.id.in_(ids)))}
    labels = _labels(session, ids)
    return [
        Looked(conversation, message, _standing(fact, conversation, labels.get(conversation.id, ())))
        for message, fact in zip(messages, found, strict=True)
        for conversation in (conversations[message.conversation_id],)
    ]


def _labels(session: Session, ids: Collection[int]) -> dict[int, set[int]]:
    mark = ConversationLabel
    marks: dict[int, set[int]] = {}
    for id_, label_id in session.execute(
        select(mark.conversation_id, mark.label_id).where(mark.conversation_id.in_(ids))
    ):
        marks.setdefault(id_, set()).add(label_id)
    return marks


def _standing(fact: Fact, conversation: Conversation, labels: Iterable[int]) -> Fact:
    return replace(fact, priority=conversation.priority, state=conversation.state, labels=frozenset(labels))


def _meanwhile(session: Session, rule: Rule, looked: Looked) -> Fact:
    """What somebody may have changed until its row was ours, as it is now."""
    id_ = looked.conversation.id
    custom = facts.custom_of(session, [id_], rule.conditions).get(id_, frozenset())
    labels = _labels(session, [id_]).get(id_, ())
    return replace(_standing(looked.fact, looked.conversation, labels), custom=custom)


def _is_done(session: Session, rule: Rule, conversation: Conversation, began_at: datetime) -> bool:
    """Whether the rule acted on this already, or one before it that counts the same and lets none follow."""
    before = aliased(Rule)
    stopped = and_(before.stops, before.since == rule.since, before.position < rule.position)
    acted = exists().where(
        RuleFiring.conversation_id == conversation.id, RuleFiring.began_at == began_at,
        RuleFiring.rule_id == before.id, or_(before.id == rule.id, stopped),
    )  # fmt: skip
    return bool(session.scalar(select(acted)))


def _act(session: Session, actor: Actor, rule: Rule, looked: Looked, began_at: datetime, now: datetime) -> bool:
    """Whether it fitted, once its row is ours: meanwhile somebody may have answered."""
    conversation = looked.conversation
    lock(session, conversation)
    goes_on = conversation.merged_into_id is None and State(conversation.state) in UNFINISHED
    if not goes_on or getattr(conversation, moments.CLOCKS[rule.since]) != began_at:
        return False
    if not rules.holds(rule.conditions, _meanwhile(session, rule, looked)):
        return False
    if _is_done(session, rule, conversation, began_at):
        return False
    session.merge(RuleFiring(rule_id=rule.id, conversation_id=conversation.id, began_at=began_at, acted_at=now))
    with changing(session, actor, conversation, now, "rules") as change:
        change.rule_id = rule.id
        elapsed_acts.carry_out(change, rule, began_at)
    return True
