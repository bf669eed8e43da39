"""Sharing a team's queue among those of its members who are here, may and can answer.

Race-free: one transaction at a time shares a team's queue (its row is locked), and each
conversation is judged again under its own lock. Who shares by hand takes from it under the same lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, select, text
from sqlalchemy.orm import Session, selectinload

from guichet.inbox import events, handling
from guichet.inbox.changes import changing, lock
from guichet.inbox.states import ACTIVE
from guichet.models import Conversation, ConversationEvent, Handout, Staff, Team, TeamMember
from guichet.models.conversation import LIES
from guichet.policy import Action, Actor, can, load_actor, require
from guichet.triage import sharing
from guichet.triage.sharing import WEIGHT, Member, Task, choose

LOT = 200  # conversations read together
MOST = 2000  # looked at in one go; where nobody can have any of them, the rest waits behind them
URGENT = 3
SHARING = ("round_robin", "least_loaded")  # all other teams share by hand
_LET_GO = frozenset({"released", "lease_expired"})
_CHANGES_HANDS = (*sorted(_LET_GO), "claimed", "assigned")


def assign_team(session: Session, actor: Actor, team_id: int, now: datetime) -> int:
    """Share what lies in a team's queue: urgent first, then in the team's order. Returns how
    many found somebody. A team that shares by hand is left alone."""
    require(actor, Action.SYSTEM)
    team = session.get(Team, team_id)
    if team is None or team.assignment not in SHARING:
        return 0
    if session.execute(queue_of(team).limit(1)).first() is None:
        return 0
    session.refresh(team, with_for_update=True)
    staff = _staff(session, team)
    loads = _loads(session, [s.id for s, _ in staff])
    given = handed_out(session, [team.id], now)[team.id]
    left = {s.id: sharing.left_of(team.hourly_cap, given[s.id], now) for s, _ in staff}
    members = {s.id: _member(s, last, loads.get(s.id, 0), left[s.id]) for s, last in staff}
    if not _is_room(members):
        return 0  # before their rights are read: a full team is looked at every few seconds
    for person, _ in staff:
        members[person.id] = _able(session, members[person.id], person, now)
    count = 0
    events.write(session)
    for conversation, let_go_by in in_line(session, team):
        task = _task(conversation, let_go_by)
        chosen = choose(task, list(members.values()), team.assignment)
        if chosen is not None and _give(session, actor, conversation, team, chosen.staff_id, now):
            members[chosen.staff_id] = chosen.having(task, now)
            count += 1
        if not _is_room(members):
            break
    return count


def assign_teams(session: Session, actor: Actor, now: datetime) -> int:
    """Share every team's queue; returns how many found somebody."""
    require(actor, Action.SYSTEM)
    teams = session.scalars(select(Team.id).where(Team.assignment.in_(SHARING)).order_by(Team.id)).all()
    return sum(assign_team(session, actor, team_id, now) for team_id in teams)


def queue_of(team: Team) -> Select[int]:
    """What lies in a team's queue, by id, in the order in which it is handed out."""
    nearest = (Conversation.due_at.is_(None), Conversation.due_at) if team.queue_order == "deadline" else ()
    return (
        select(Conversation.id)
        .where(
            Conversation.team_id == team.id,
            text(LIES),
            Conversation.topic_id.is_(None),  # its experts have it first
            Conversation.merged_into_id.is_(None),
        )
        .order_by(
            (Conversation.priority == URGENT).desc(),
            *nearest,
            Conversation.waiting_since.is_(None),
            Conversation.waiting_since,
            Conversation.id,
        )
    )


def handed_out(
    session: Session, team_ids: Sequence[int], now: datetime
) -> Mapping[int, Mapping[int, Sequence[datetime]]]:  # fmt: skip
    """When each queue gave something to whom in the last hour: by team, by person."""
    rows = session.execute(
        select(Handout.team_id, Handout.staff_id, Handout.given_at)
        .where(Handout.team_id.in_(team_ids), Handout.given_at > now - sharing.HOUR)
        .order_by(Handout.given_at)
    )
    found: dict[int, dict[int, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for team_id, staff_id, at in rows:
        found[team_id][staff_id].append(at)
    return found


def in_line(session: Session, team: Team, *narrowed: ColumnElement[bool]) -> Iterator[tuple[Conversation, int | None]]:
    """What lies in the queue, in its order, each with who gave it back last."""
    ids: Sequence[int] = session.scalars(queue_of(team).where(*narrowed).limit(MOST)).all()
    for n in range(0, len(ids), LOT):
        lot = ids[n : n + LOT]
        rows = session.scalars(
            select(Conversation).where(Conversation.id.in_(lot)).options(selectinload(Conversation.labels))
        )
        by_id = {c.id: c for c in rows}
        let_go = _who_let_go(session, lot)
        yield from ((by_id[id_], let_go.get(id_)) for id_ in lot if id_ in by_id)


def lies(session: Session, conversation: Conversation, team: Team) -> bool:
    """Locks it, and says whether it still lies in this queue."""
    lock(session, conversation)
    return (
        conversation.team_id == team.id
        and conversation.assignee_id is None
        and conversation.topic_id is None
        and conversation.state in ACTIVE
        and conversation.merged_into_id is None
    )


def _is_room(members: Mapping[int, Member]) -> bool:
    return any(m.is_here and m.has_room() for m in members.values())


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


def _staff(session: Session, team: Team) -> Sequence[tuple[Staff, datetime | None]]:
    return (
        session.execute(
            select(Staff, TeamMember.last_assigned_at)
            .join(TeamMember, TeamMember.staff_id == Staff.id)
            .where(TeamMember.team_id == team.id, Staff.disabled_at.is_(None))
            .order_by(Staff.id)
        )
        .tuples()
        .all()
    )


def _member(staff: Staff, last: datetime | None, load: int, left: int | None) -> Member:
    return Member(
        staff_id=staff.id,
        load=load,
        capacity=max(staff.capacity, 0),
        is_here=staff.presence == "online",
        languages=frozenset(str(x) for x in staff.languages),
        skills=frozenset(str(x).casefold() for x in staff.skills),
        last_assigned_at=last,
        left=left,
    )


def _able(session: Session, member: Member, staff: Staff, now: datetime) -> Member:
    """With the accounts on which they may answer."""
    able = load_actor(session, staff, now)
    answers = frozenset(a for a in able.accounts if can(able, Action.CONVERSATION_ANSWER, a))
    return replace(member, accounts=None if able.sees_every_account else answers)


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
    if not lies(session, conversation, team):
        return False
    with changing(session, actor, conversation, now, "owner") as change:
        handling.hand_over(change, staff_id=staff_id, team=team, keep_team=True)
    member = session.get_one(TeamMember, (team.id, staff_id))
    member.last_assigned_at = now
    session.execute(delete(Handout).where(Handout.team_id == team.id, Handout.given_at <= now - sharing.HOUR))
    session.add(Handout(team_id=team.id, staff_id=staff_id, given_at=now))
    return True
