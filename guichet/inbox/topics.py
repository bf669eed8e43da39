"""Topics and their experts: making, changing, taking away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.accounts.queries import in_brands_seen
from guichet.errors import Conflict, Invalid, NotFound
from guichet.inbox import counts, pool
from guichet.inbox.changes import changing
from guichet.models import Brand, Conversation, Staff, Topic, TopicExpert
from guichet.policy import Action, Actor, require

SHORTEST, LONGEST = 5, 7 * 24 * 60  # minutes in the pool


def list_topics(session: Session, actor: Actor) -> Sequence[Topic]:
    """Those of every brand and of the brands that the actor sees, by name."""
    require(actor, Action.STAFF_VIEW)
    seen = or_(Topic.brand_id.is_(None), in_brands_seen(session, actor, Topic.brand_id))
    return session.scalars(select(Topic).where(seen).order_by(Topic.name, Topic.id)).all()


def get_topic(session: Session, actor: Actor, topic_id: int) -> Topic:
    """Raises NotFound, also for one of a brand that is not the actor's to see."""
    for topic in list_topics(session, actor):
        if topic.id == topic_id:
            return topic
    raise NotFound("there is no such topic")


def experts_of(session: Session, topic_ids: Sequence[int]) -> dict[int, list[Staff]]:
    """Who answers for each, in one query. Rights are the caller's matter."""
    rows = session.execute(
        select(TopicExpert.topic_id, Staff)
        .join(Staff, Staff.id == TopicExpert.staff_id)
        .where(TopicExpert.topic_id.in_(topic_ids))
        .order_by(Staff.name, Staff.id)
    )
    found: dict[int, list[Staff]] = {}
    for topic_id, staff in rows:
        found.setdefault(topic_id, []).append(staff)
    return found


def add_topic(
    session: Session,
    actor: Actor,
    *,
    name: str,
    brand_id: int | None = None,
    reviewed: bool = False,
    return_minutes: int = 120,
    expert_ids: Sequence[int] = (),
    now: datetime,
) -> Topic:
    """A new topic. Its brand stays. Raises Invalid, Conflict where the name is taken."""
    require(actor, Action.GRANT_MANAGE)
    if brand_id is not None and session.get(Brand, brand_id) is None:
        raise Invalid("it does not exist", {"brand_id": "does not exist"})
    topic = Topic(brand_id=brand_id, created_at=now)
    _set(session, topic, {"name": name, "reviewed": reviewed, "return_minutes": return_minutes})
    session.add(topic)
    session.flush()
    _set_experts(session, topic, expert_ids, now)
    audit.record(session, actor, "topic.add", topic, now)
    return topic


def change_topic(session: Session, actor: Actor, topic: Topic, changes: dict[str, Any], now: datetime) -> Topic:
    """Change name, reviewed, return_minutes, expert_ids. Who is no expert any more sees nothing
    of it from their next question on; what they have in hand returns when their lease ends."""
    require(actor, Action.GRANT_MANAGE)
    values = dict(changes)
    expert_ids = values.pop("expert_ids", None)
    _set(session, topic, values)
    if expert_ids is not None:
        _set_experts(session, topic, expert_ids, now)
    audit.record(session, actor, "topic.change", topic, now, fields=sorted(changes))
    return topic


def remove_topic(session: Session, actor: Actor, topic: Topic, now: datetime) -> None:
    """Take it away: what lies in its pool is the desk's alone again."""
    require(actor, Action.GRANT_MANAGE)
    inside = select(Conversation.id).where(Conversation.topic_id == topic.id)
    with counts.deferred(session):
        for id_ in session.scalars(inside.order_by(Conversation.id)).all():
            with changing(session, actor, session.get_one(Conversation, id_), now, "owner") as change:
                pool.leave(change)
    session.execute(delete(TopicExpert).where(TopicExpert.topic_id == topic.id))
    audit.record(session, actor, "topic.remove", topic, now)
    session.delete(topic)
    session.flush()


def _set(session: Session, topic: Topic, values: dict[str, Any]) -> None:
    if not SHORTEST <= values.get("return_minutes", SHORTEST) <= LONGEST:
        phrase = say("must be from {least} to {most}", least=SHORTEST, most=LONGEST)
        raise Invalid("that is no time in a pool", {"return_minutes": phrase})
    taken = select(Topic.id).where(Topic.name == values.get("name"), Topic.id != (topic.id or 0))
    if "name" in values and session.scalar(taken) is not None:
        raise Conflict("there is a topic of this name already", code="name_taken")
    for name, value in values.items():
        setattr(topic, name, value)


def _set_experts(session: Session, topic: Topic, staff_ids: Sequence[int], now: datetime) -> None:
    wanted = set(staff_ids)
    if wanted - set(session.scalars(select(Staff.id).where(Staff.id.in_(wanted)))):
        raise Invalid("it does not exist", {"expert_ids": "does not exist"})
    mark = TopicExpert
    held = set(session.scalars(select(mark.staff_id).where(mark.topic_id == topic.id)))
    session.execute(delete(mark).where(mark.topic_id == topic.id, mark.staff_id.in_(held - wanted)))
    session.add_all([TopicExpert(topic_id=topic.id, staff_id=one) for one in sorted(wanted - held)])
    session.flush()
    for one in sorted(wanted ^ held):
        live.tell(session, "rights", now, staff_id=one)
