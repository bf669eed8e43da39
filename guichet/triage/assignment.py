"""Sharing a team's queue among those of its members who are here, may and can answer.

Race-free: one transaction at a time shares a team's queue (its row is locked), and each
conversation is judged again under its own lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from guichet.inbox import events, handling
from guichet.inbox.changes import changing
from guichet.inbox.states import ACTIVE
from guichet.models import Conversation, ConversationEvent, Staff, Team, TeamMember
from guichet.policy import Action, Actor, can, load_actor, require

BATCH = 200
# What a conversation weighs against its assignee's capacity, by priority.
WEIGHT: Mapping[int, int] = {0: 1, 1: 1, 2: 2, 3: 3}
URGENT = 3
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LET_GO = frozenset({"released", "lease_expired"})
_CHANGES_HANDS = (*sorted(_LET_GO), "claimed", "assigned")


@dataclass(frozen=True)
class Task:
    """What there is to give. `let_go_by`: who had it last and gave it back to the queue."""

    account_id: int
    language: str
    weight: int
    labels: frozenset[str] = frozenset()
    let_go_by: int | None = None


@dataclass(frozen=True)
class Member:
    """Who could have it. `load` is the weight of what they have; `accounts` those on which
    they may answer (None: all); no languages named means all."""

    staff_id: int
    load: int
    capacity: int
    is_here: bool = True
    languages: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    accounts: frozenset[int] | None = None
    last_assigned_at: datetime | None = None


def choose(task: Task, members: Sequence[Member], mode: str) -> Member | None:
    """The member who gets it; None: nobody can, it stays in the queue.

    Where a label of the task is a skill of somebody in the team, only those who have it are
    asked. Whoever let it go does not get it back while somebody else suits, even if that one
    has no room yet. "round_robin": whoever waited longest for their turn; "least_loaded":
    whoever has most of their capacity left.
    """
    suited = [m for m in members if _suits(task, m)]
    wanted = task.labels & frozenset().union(*(m.skills for m in members))
    if wanted:
        suited = [m for m in suited if wanted <= m.skills]
    others = [m for m in suited if m.staff_id != task.let_go_by]
    able = [m for m in others or suited if m.load + task.weight <= m.capacity]
    if mode == "least_loaded":
        return min(able, key=lambda m: (m.load / m.capacity, m.last_assigned_at or _NEVER, m.staff_id), default=None)
    return min(able, key=lambda m: (m.last_assigned_at or _NEVER, m.load, m.staff_id), default=None)


def _suits(task: Task, member: Member) -> bool:
    return (
        member.is_here
        and task.weight <= member.capacity
        and (member.accounts is None or task.account_id in member.accounts)
        and (not task.language or not member.languages or task.language in member.languages)
    )


def assign_team(session: Session, actor: Actor, team_id: int, now: datetime) -> int:
    """Share what lies in a team's queue: urgent first, then who waits longest. Returns how
    many found somebody. A team that shares by hand is left alone."""
    require(actor, Action.SYSTEM)
    team = session.get(Team, team_id)
    if team is None or team.assignment not in ("round_robin", "least_loaded"):
        return 0
    session.refresh(team, with_for_update=True)
    members = _members(session, team, now)
    if not any(m.is_here for m in members.values()):
        return 0
    given = 0
    events.write(session)
    queue = _queue(session, team)
    let_go = _who_let_go(session, [c.id for c in queue])
    for conversation in queue:
        task = _task(conversation, let_go.get(conversation.id))
        chosen = choose(task, list(members.values()), team.assignment)
        if chosen is not None and _give(session, actor, conversation, team, chosen.staff_id, now):
            members[chosen.staff_id] = _after(chosen, task, now)
            given += 1
    return given


def assign_teams(session: Session, actor: Actor, now: datetime) -> int:
    """Share every team's queue; returns how many found somebody."""
    require(actor, Action.SYSTEM)
    sharing = select(Team.id).where(Team.assignment.in_(("round_robin", "least_loaded"))).order_by(Team.id)
    return sum(assign_team(session, actor, team_id, now) for team_id in session.scalars(sharing).all())


def _queue(session: Session, team: Team) -> Sequence[Conversation]:
    queue = select(Conversation).where(
        Conversation.team_id == team.id,
        Conversation.assignee_id.is_(None),
        Conversation.topic_id.is_(None),  # its experts have it first
        Conversation.state.in_(sorted(ACTIVE)),
        Conversation.merged_into_id.is_(None),
    )
    oldest_first = queue.order_by(
        (Conversation.priority == URGENT).desc(), Conversation.waiting_since.is_(None), Conversation.waiting_since,
        Conversation.id,
    )  # fmt: skip
    return session.scalars(oldest_first.limit(BATCH).options(selectinload(Conversation.labels))).all()


def _who_let_go(session: Session, conversation_ids: Sequence[int]) -> dict[int, int]:
    """Of those that somebody gave back and nobody has had since: who it was."""
    latest = (
        select(func.max(ConversationEvent.id))
        .where(ConversationEvent.conversation_id.in_(conversation_ids), ConversationEvent.kind.in_(_CHANGES_HANDS))
        .group_by(ConversationEvent.conversation_id)
    )
    events = session.scalars(select(ConversationEvent).where(ConversationEvent.id.in_(latest)))
    return {e.conversation_id: e.data["from_staff_id"] for e in events if e.kind in _LET_GO}


def _task(conversation: Conversation, let_go_by: int | None) -> Task:
    return Task(
        conversation.account_id,
        conversation.language,
        WEIGHT[conversation.priority],
        frozenset(label.name.casefold() for label in conversation.labels),
        let_go_by,
    )


def _members(session: Session, team: Team, now: datetime) -> dict[int, Member]:
    rows = session.execute(
        select(Staff, TeamMember.last_assigned_at)
        .join(TeamMember, TeamMember.staff_id == Staff.id)
        .where(TeamMember.team_id == team.id, Staff.disabled_at.is_(None))
        .order_by(Staff.id)
    ).all()
    loads = _loads(session, [staff.id for staff, _ in rows])
    return {staff.id: _member(session, staff, last, loads.get(staff.id, 0), now) for staff, last in rows}


def _member(session: Session, staff: Staff, last: datetime | None, load: int, now: datetime) -> Member:
    able = load_actor(session, staff, now)
    answers = frozenset(a for a in able.accounts if can(able, Action.CONVERSATION_ANSWER, a))
    return Member(
        staff_id=staff.id,
        load=load,
        capacity=max(staff.capacity, 0),
        is_here=staff.presence == "online",
        languages=frozenset(str(x) for x in staff.languages),
        skills=frozenset(str(x).casefold() for x in staff.skills),
        accounts=None if able.sees_every_account else answers,
        last_assigned_at=last,
    )


def _loads(session: Session, staff_ids: Sequence[int]) -> dict[int, int]:
    """The weight of what each has to do now."""
    rows = session.execute(
        select(Conversation.assignee_id, Conversation.priority, func.count())
        .where(Conversation.assignee_id.in_(staff_ids), Conversation.state.in_(sorted(ACTIVE)))
        .group_by(Conversation.assignee_id, Conversation.priority)
    )
    loads: dict[int, int] = {}
    for staff_id, priority, n in rows:
        loads[staff_id or 0] = loads.get(staff_id or 0, 0) + WEIGHT[priority] * n
    return loads


def _give(
    session: Session, actor: Actor, conversation: Conversation, team: Team, staff_id: int, now: datetime
) -> bool:  # fmt: skip
    with changing(session, actor, conversation, now, "owner") as change:
        if conversation.assignee_id is not None or conversation.state not in ACTIVE:
            return False
        handling.hand_over(change, staff_id=staff_id, team=team, keep_team=True)
    member = session.get_one(TeamMember, (team.id, staff_id))
    member.last_assigned_at = now
    return True


def _after(member: Member, task: Task, now: datetime) -> Member:
    return replace(member, load=member.load + task.weight, last_assigned_at=now)
