"""Taking the steps of a promise when their time has come: warn, tell, move, make urgent.

Each step is taken once for a wait and a policy's version, under the conversation's lock: any
number of workers may look at the same time, and one that was killed took none or all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.inbox import counts, handling, notices
from guichet.inbox.changes import Change, changing
from guichet.models import Conversation, Promise, Team, TeamMember
from guichet.policy import Action, Actor, require
from guichet.promises import keeping, rules
from guichet.promises.rules import Policy, Step

BATCH = 100


def is_step_due(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether any step is to be taken."""
    require(actor, Action.SYSTEM)
    return session.scalars(_due(now).limit(1)).first() is not None


def take_steps(session: Session, actor: Actor, now: datetime) -> int:
    """Take what is due, a lot of BATCH at most; returns how many promises were looked at."""
    require(actor, Action.SYSTEM)
    ids = session.scalars(_due(now).limit(BATCH)).all()
    with counts.deferred(session):
        for id_ in sorted(set(ids)):
            _escalate(session, actor, session.get_one(Conversation, id_), now)
    return len(ids)


def _due(now: datetime) -> Select[int]:
    return select(Promise.conversation_id).where(Promise.next_at <= now).order_by(Promise.next_at, Promise.id)


def _escalate(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> None:
    """What moves a deadline is seen first: `changing` measures again when it ends, and whatever is
    due by another policy then has its turn with the next lot."""
    with changing(session, actor, conversation, now, "promise") as change:
        policies = {p.id: p for p in keeping.policies_of(session)}
        due = select(Promise).where(Promise.conversation_id == conversation.id, Promise.next_at <= now)
        for promise in session.scalars(due.order_by(Promise.id).execution_options(populate_existing=True)):
            policy = policies.get(promise.policy_id or 0)
            if policy is not None and policy.version == promise.policy_version:
                _take(change, promise, policy)


def _take(change: Change, promise: Promise, policy: Policy) -> None:
    session = change.session
    clock = keeping.clock_of(promise, policy, keeping.calendar_of(session, change.conversation))
    for name, step in rules.due_steps(policy, promise.kind, clock, promise.fired, change.now):
        promise.fired = [*promise.fired, name]
        said = {
            "policy_id": policy.id, "version": policy.version, "promise": promise.kind, "percent": step.percent,
            "is_late": promise.due_at is not None and promise.due_at <= change.now,
        }  # fmt: skip
        change.event("promise_step", **said, actions=[a["kind"] for a in step.actions])
        audit.record(session, change.actor, "promise.step", change.conversation, change.now, **said)
        _carry_out(change, promise, step)


def _carry_out(change: Change, promise: Promise, step: Step) -> None:
    is_late = promise.due_at is not None and promise.due_at <= change.now
    told: set[int] = set()
    for action in step.actions:
        if action["kind"].startswith("tell_"):
            told |= _whom(change, action)
        elif action["kind"] == "priority":
            _raise_priority(change, action["value"])
        else:
            _move(change, action["value"])
    notices.tell(change, "late" if is_late else "due_soon", told)


def _whom(change: Change, action: Mapping[str, Any]) -> set[int]:
    """Who is to be told, by id; who may not read it is left out by `notices.tell`."""
    session, conversation = change.session, change.conversation
    if action["kind"] == "tell_assignee":
        return {conversation.assignee_id} if conversation.assignee_id is not None else set()
    if action["kind"] == "tell_staff":
        return {action["value"]}
    members = select(TeamMember.staff_id).where(
        TeamMember.team_id == (conversation.team_id if action["kind"] == "tell_leads" else action["value"])
    )
    return set(session.scalars(members.where(TeamMember.is_lead) if action["kind"] == "tell_leads" else members))


def _raise_priority(change: Change, priority: int) -> None:
    if change.conversation.priority < priority:
        change.conversation.priority = priority
        change.event("priority", to=priority)


def _move(change: Change, team_id: int) -> None:
    """To the team's queue; somebody of the team who has it keeps it."""
    session, conversation = change.session, change.conversation
    team = session.get(Team, team_id)
    if team is None or conversation.team_id == team_id:
        return
    holder = conversation.assignee_id
    stays = holder is not None and session.get(TeamMember, (team_id, holder)) is not None
    handling.hand_over(change, staff_id=holder if stays else None, team=team, keep_team=True)
