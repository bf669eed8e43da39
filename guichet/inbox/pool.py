"""Questions that are put before those who know: the pool of a topic.

What is in a pool stays in the desk's own lists as well: an expert claims it by the same lease, so
that two never answer at once, and what none of them touched in time is the desk's alone again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.errors import Conflict, Invalid
from guichet.inbox import counts, notices
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import ACTIVE
from guichet.models import Account, Conversation, ConversationFollower, Staff, TeamMember, Topic, TopicExpert
from guichet.policy import Action, Actor, require

# Who answered a question has it first when the customer writes again.
FIRST_CALL = timedelta(minutes=30)
BATCH = 500


def put(session: Session, actor: Actor, conversation: Conversation, topic: Topic, now: datetime) -> Conversation:
    """Put it before the experts of a topic. Whoever has it gives it up; its team keeps it. Raises
    Invalid for a topic of another brand, Conflict for what is not open."""
    require(actor, Action.CONVERSATION_ASSIGN, conversation)
    if not is_for(session, topic, conversation):
        raise Invalid("this topic is of another brand", {"topic_id": "is of another brand"})
    with changing(session, actor, conversation, now, "owner") as change:
        if conversation.state not in ACTIVE or conversation.merged_into_id is not None:
            raise Conflict("only an open question is put before experts", code="not_possible_now")
        place(change, topic)
        audit.record(session, actor, "conversation.pool", conversation, now, topic_id=topic.id)
    return conversation


def is_for(session: Session, topic: Topic, conversation: Conversation) -> bool:
    """Whether a topic is one of the conversation's brand."""
    return topic.brand_id in (None, session.get_one(Account, conversation.account_id).brand_id)


def take_out(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """The desk answers it itself. Nothing happens to what is in no pool."""
    require(actor, Action.CONVERSATION_ASSIGN, conversation)
    with changing(session, actor, conversation, now, "owner") as change:
        if conversation.topic_id is not None:
            _leave(change, "pool_left")
            audit.record(session, actor, "conversation.unpool", conversation, now)
    return conversation


def place(change: Change, topic: Topic) -> None:
    """Within `changing`; rights and brand are the caller's matter."""
    conversation = change.conversation
    conversation.topic_id, conversation.pooled_at = topic.id, change.now
    conversation.pooled_by, conversation.expert_id = change.actor.staff_id, None
    conversation.assignee_id = conversation.claimed_until = None
    change.event("pooled", topic_id=topic.id)
    _tell_experts(change)


def came_back(change: Change) -> None:
    """The customer wrote again: who answered as an expert has it first, then all of the topic. Within
    `changing`."""
    conversation = change.conversation
    if conversation.topic_id is None:
        return
    conversation.pooled_at = change.now
    _tell_experts(change)
    if conversation.assignee_id not in (None, conversation.expert_id) or conversation.expert_id is None:
        return
    expert = _able(change.session, conversation, change.now)
    if expert is not None:
        conversation.assignee_id, conversation.claimed_until = expert, change.now + FIRST_CALL
        change.event("pool_first_call", to_staff_id=expert)


def _tell_experts(change: Change) -> None:
    """Each in person: they see nothing of the account."""
    conversation = change.conversation
    experts = select(TopicExpert.staff_id).where(TopicExpert.topic_id == conversation.topic_id)
    for staff_id in change.session.scalars(experts.order_by(TopicExpert.staff_id)).all():
        live.tell(change.session, "conversation", change.now, staff_id=staff_id, id=conversation.id)


def _able(session: Session, conversation: Conversation, now: datetime) -> int | None:
    mark = TopicExpert
    found = session.scalars(
        select(Staff)
        .join(mark, mark.staff_id == Staff.id)
        .where(mark.topic_id == conversation.topic_id, Staff.id == conversation.expert_id)
        .where(Staff.disabled_at.is_(None))
    ).first()
    if found is None or (found.absent_until is not None and found.absent_until > now):
        return None
    return found.id


def return_untouched(session: Session, actor: Actor, now: datetime) -> int:
    """What no expert took for its topic's time is the desk's alone again; who put it there, who
    follows it and its team are told. Returns how many."""
    require(actor, Action.SYSTEM)
    done = 0
    with counts.deferred(session):
        for topic in session.scalars(select(Topic).order_by(Topic.id)).all():
            before = now - timedelta(minutes=topic.return_minutes)
            lying = (
                select(Conversation.id)
                .where(Conversation.topic_id == topic.id, Conversation.state.in_(ACTIVE))
                .where(Conversation.assignee_id.is_(None), Conversation.pooled_at <= before)
            )
            for id_ in sorted(session.scalars(lying.limit(BATCH))):
                conversation = session.get_one(Conversation, id_)
                with changing(session, actor, conversation, now, "owner") as change:
                    if _lies(conversation, topic, before):
                        asked = _who_asked(session, conversation)
                        _leave(change, "pool_returned")
                        notices.tell(change, "pool_returned", asked)
                        done += 1
    return done


def _lies(conversation: Conversation, topic: Topic, before: datetime) -> bool:
    """Asked once more under the row's lock."""
    since = conversation.pooled_at
    is_free = conversation.assignee_id is None and conversation.state in ACTIVE
    return conversation.topic_id == topic.id and is_free and since is not None and since <= before


def _who_asked(session: Session, conversation: Conversation) -> set[int]:
    mark = ConversationFollower
    told = set(session.scalars(select(mark.staff_id).where(mark.conversation_id == conversation.id)))
    if conversation.team_id is not None:
        told |= set(session.scalars(select(TeamMember.staff_id).where(TeamMember.team_id == conversation.team_id)))
    return told | ({conversation.pooled_by} if conversation.pooled_by is not None else set())


def leave(change: Change) -> None:
    """Out of its pool, within `changing`."""
    _leave(change, "pool_left")


def _leave(change: Change, kind: str) -> None:
    conversation = change.conversation
    change.event(kind, topic_id=conversation.topic_id)
    _tell_experts(change)
    conversation.topic_id = conversation.pooled_at = None
    conversation.pooled_by = conversation.expert_id = None
