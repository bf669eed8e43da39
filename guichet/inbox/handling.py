"""What staff do with a conversation other than answering it: take it, hand it over, put
it off, end it. Every act is race-free: the row is locked before it is judged."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict, Invalid
from guichet.inbox import field_values, notices, states, waiting
from guichet.inbox.changes import Change, changing
from guichet.inbox.happened import EndKind
from guichet.inbox.states import ACTIVE, State
from guichet.models import Conversation, Staff, Team
from guichet.policy import Action, Actor, can, load_actor, require

# A claim that neither a draft nor presence renews returns to its queue after this.
LEASE = timedelta(minutes=10)
LONGEST_SNOOZE = timedelta(days=366)
PRIORITIES = range(4)
_FINISHED = (State.RESOLVED, State.SPAM)

# What "close" may say of a wait that is still open.
RESOLVED_AS = {"answered": EndKind.ANSWERED_ELSEWHERE, "not_needed": EndKind.NOT_NEEDED, "": EndKind.CLOSED_UNANSWERED}


def claim(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Take it for oneself for `LEASE`; again renews. One winner, whoever asks at the same time.

    Raises Conflict `held` (data: staff_id, until) while somebody else holds it.
    """
    require(actor, Action.CONVERSATION_REPLY, conversation)
    staff_id = _person(actor)
    with changing(session, actor, conversation, now, "owner") as change:
        _refuse_finished(conversation)
        was_mine = conversation.assignee_id == staff_id
        take(session, conversation, staff_id, now)
        if not was_mine:
            change.event("claimed")
            audit.record(session, actor, "conversation.claim", conversation, now)
    return conversation


def take(session: Session, conversation: Conversation, staff_id: int, now: datetime) -> None:
    """The conditional UPDATE behind a claim: free, mine, or somebody's expired lease.
    Raises Conflict `held`. For use within `changing`."""
    free = or_(
        Conversation.assignee_id.is_(None),
        Conversation.assignee_id == staff_id,
        Conversation.claimed_until <= now,
    )
    # Who was handed it keeps it without a lease; a claim runs out.
    until = None if _is_handed_to(conversation, staff_id) else now + LEASE
    done = session.execute(
        update(Conversation)
        .where(Conversation.id == conversation.id, free)
        .values(assignee_id=staff_id, claimed_until=until)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    ).all()
    session.refresh(conversation)
    if not done:
        raise held(conversation)


def held(conversation: Conversation) -> Conflict:
    """The conflict that says who has it, and until when."""
    until = conversation.claimed_until
    return Conflict(
        "somebody else has this conversation", code="held",
        staff_id=conversation.assignee_id, until=until.isoformat() if until else None,
    )  # fmt: skip


def _is_handed_to(conversation: Conversation, staff_id: int) -> bool:
    return conversation.assignee_id == staff_id and conversation.claimed_until is None


def is_held_by_other(conversation: Conversation, staff_id: int, now: datetime) -> bool:
    """Whether somebody other than `staff_id` holds it at `now`."""
    if conversation.assignee_id in (None, staff_id):
        return False
    return conversation.claimed_until is None or conversation.claimed_until > now


def renew(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> bool:
    """Keep one's claim alive because one is writing or looking. False: it is not (any more)
    one's own. Neither an event nor a new version: nothing happened to the customer."""
    require(actor, Action.CONVERSATION_REPLY, conversation)
    renewed = session.execute(
        update(Conversation)
        .where(
            Conversation.id == conversation.id,
            Conversation.assignee_id == _person(actor),
            Conversation.claimed_until > now,
        )
        .values(claimed_until=now + LEASE)
        .returning(Conversation.id)
        .execution_options(synchronize_session=False)
    ).all()
    if renewed:
        session.refresh(conversation, ["claimed_until"])
        return True
    return conversation.assignee_id == actor.staff_id and conversation.claimed_until is None


def release(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Give it back to its queue. Nothing happens if nobody has it. Raises Conflict `held`
    if it is somebody else's and the actor may not hand over."""
    require(actor, Action.CONVERSATION_REPLY, conversation)
    with changing(session, actor, conversation, now, "owner") as change:
        if conversation.assignee_id is not None:
            if conversation.assignee_id != actor.staff_id and not can(actor, Action.CONVERSATION_ASSIGN, conversation):
                raise held(conversation)
            leave(change, "released")
            audit.record(session, actor, "conversation.release", conversation, now)
    return conversation


def leave(change: Change, kind: str) -> None:
    """Take the conversation from its assignee, within `changing`."""
    change.event(kind, from_staff_id=change.conversation.assignee_id)
    change.conversation.assignee_id = None
    change.conversation.claimed_until = None


def assign(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    *,
    staff: Staff | None = None,
    team: Team | None = None,
    now: datetime,
) -> Conversation:
    """Hand it over. `team` given: its queue; `staff` given: that person, until they hand it
    on (no lease). A team alone takes it from its assignee; neither: out of every queue.

    Raises Invalid where the person may not answer on this account, or is no longer here.
    """
    require(actor, Action.CONVERSATION_ASSIGN, conversation)
    if staff is not None:
        _require_able(session, staff, conversation, now)
    with changing(session, actor, conversation, now, "owner") as change:
        hand_over(change, staff_id=staff.id if staff else None, team=team, keep_team=staff is not None)
        audit.record(
            session, actor, "conversation.assign", conversation, now,
            staff_id=conversation.assignee_id, team_id=conversation.team_id,
        )  # fmt: skip
    return conversation


def hand_over(change: Change, *, staff_id: int | None, team: Team | None, keep_team: bool) -> None:
    """Give it to a person, a team or nobody, within `changing`. Rights are the caller's matter."""
    conversation = change.conversation
    if team is not None or not keep_team:
        conversation.team_id = team.id if team else None
    conversation.assignee_id = staff_id
    conversation.claimed_until = None
    change.what = "owner"
    change.event("assigned", to_staff_id=staff_id, to_team_id=conversation.team_id)


def _require_able(session: Session, staff: Staff, conversation: Conversation, now: datetime) -> None:
    if staff.disabled_at is not None:
        raise Invalid("this person no longer works here", {"staff_id": "no longer works here"})
    if not can(load_actor(session, staff, now), Action.CONVERSATION_ANSWER, conversation):
        raise Invalid("this person may not answer on this account", {"staff_id": "may not answer on this account"})


def snooze(
    session: Session, actor: Actor, conversation: Conversation, *, until: datetime | None, now: datetime
) -> Conversation:
    """Put it off until a moment (aware) or until the customer writes, whichever comes first;
    None: until they write. The wait goes on."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    if until is not None and not now < until <= now + LONGEST_SNOOZE:
        raise Invalid("a snooze ends in the future, within a year", {"until": "must be in the future, within a year"})
    with changing(session, actor, conversation, now) as change:
        said = until.isoformat() if until else None
        _move(change, State.SNOOZED, "snoozed", until=said)
        conversation.hold_until = until
        audit.record(session, actor, "conversation.snooze", conversation, now, until=said)
    return conversation


def await_others(change: Change, *, anew: bool) -> None:
    """Somebody other than the customer must act first. Within `changing`. `anew`: also where one
    waits already, for others or longer."""
    change.conversation.held_at = change.conversation.held_by = None
    if anew and change.conversation.state == State.WAITING_INTERNAL:
        change.event("waiting_internal", was=change.conversation.state)
    else:
        _move(change, State.WAITING_INTERNAL, "waiting_internal")


def hold(change: Change, rule_id: int) -> None:
    """Keep it from everybody's queue until somebody has looked at it; the customer's wait goes on.
    Within `changing`."""
    _move(change, State.WAITING_INTERNAL, "held_for_review")
    change.conversation.held_at, change.conversation.held_by = change.now, rule_id


def finish(change: Change, how: str) -> None:
    """Resolve within `changing`."""
    _move(change, State.RESOLVED, "resolved", how=how)
    change.conversation.resolved_at = change.now
    notices.tell_followers(change, "closed")
    if how or not waiting.is_answer_on_its_way(change.session, change.conversation):
        waiting.end_all(change, RESOLVED_AS[how])


def await_customer(change: Change) -> None:
    """An answer is on its way: now it is the customer's turn. Within `changing`."""
    _move(change, State.WAITING_CUSTOMER, "waiting_customer")


def await_colleague(change: Change, kind: str, **data: object) -> None:
    """A colleague must look at an answer first: the wait goes on. Within `changing`."""
    if change.conversation.state in (State.WAITING_INTERNAL, State.RESOLVED):
        change.event(kind, **data)
    else:
        _move(change, State.WAITING_INTERNAL, kind, **data)


def put_off(change: Change, kind: str, **data: object) -> None:
    """What was planned here goes out by itself: put off until then, or until the customer
    writes. What is finished stays so. Within `changing`."""
    if change.conversation.state == State.RESOLVED:
        change.event(kind, **data)
    else:
        _move(change, State.SNOOZED, kind, **data)


def put_back(change: Change, before: State, hold_until: datetime | None) -> None:
    """Let it stand as it did before an answer that was taken back; where that cannot be, it is
    open. No new cycle: nothing had ended. Within `changing`."""
    conversation = change.conversation
    after = before if before in states.TRANSITIONS[State(conversation.state)] else State.OPEN
    if after is State.SNOOZED and hold_until is not None and hold_until <= change.now:
        after = State.OPEN
    if conversation.state in _FINISHED and after not in _FINISHED:
        waiting.resume(change)
    _move(change, after, "put_back")
    conversation.hold_until = hold_until if after is State.SNOOZED else None
    conversation.resolved_at = None


def reopen(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Take up again what is resolved, snoozed, spam or waiting for somebody. From resolved or
    spam a new cycle begins, unless it was closed on somebody who waited: they wait on, from
    when they asked. Raises Conflict for a closed one."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now) as change:
        _take_up(change)
        audit.record(session, actor, "conversation.reopen", conversation, now)
    return conversation


def _take_up(change: Change) -> None:
    conversation = change.conversation
    new_cycle = conversation.state in _FINISHED and not waiting.resume(change)
    kind = "reopened" if conversation.held_at is None else "let_through"
    _move(change, State.OPEN, kind, new_cycle=new_cycle)
    conversation.cycle += new_cycle
    conversation.resolved_at = None


def close(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Close it for good: what the customer writes next opens a new, linked conversation. Raises as
    guichet.inbox.resolving."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    with changing(session, actor, conversation, now) as change:
        field_values.refuse_lacking(session, actor, conversation)
        shut(change)
        audit.record(session, actor, "conversation.close", conversation, now)
    return conversation


def shut(change: Change) -> None:
    """Close within `changing`."""
    _move(change, State.CLOSED, "closed")
    change.conversation.closed_at = change.now
    waiting.end_all(change, EndKind.CLOSED_UNANSWERED)


def discard(change: Change) -> None:
    """It is spam: an open wait ends as moderated, and what follows opens none. Within `changing`."""
    _move(change, State.SPAM, "spam")
    waiting.end_all(change, EndKind.MODERATED)


def put_out_of_sight(change: Change) -> None:
    """All that the customer waits for an answer to is hidden at the network: the wait ends as moderated.
    Within `changing`."""
    waiting.end_all(change, EndKind.MODERATED)
    if change.conversation.state in ACTIVE or change.conversation.held_at is not None:
        _move(change, State.RESOLVED, "moderated")
        change.conversation.resolved_at = change.now


def shown_again(change: Change) -> None:
    """What was hidden stands in public again: whoever had waited waits on, from when they asked.
    Within `changing`."""
    if change.conversation.state == State.RESOLVED and change.conversation.merged_into_id is None:
        _take_up(change)


def set_priority(
    session: Session, actor: Actor, conversation: Conversation, *, priority: int, now: datetime
) -> Conversation:
    """0 low, 1 normal, 2 high, 3 urgent."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    if priority not in PRIORITIES:
        raise Invalid("a priority is a number from 0 to 3", {"priority": "must be a number from 0 to 3"})
    if conversation.priority != priority:
        with changing(session, actor, conversation, now, "priority") as change:
            conversation.priority = priority
            change.event("priority", to=priority)
            audit.record(session, actor, "conversation.priority", conversation, now, priority=priority)
    return conversation


def returned_to_front(change: Change, kind: str, **data: object) -> None:
    """Back to open without a new cycle (a snooze over, an answer that failed), within `changing`."""
    if change.conversation.state != State.OPEN:
        _move(change, State.OPEN, kind, **data)
    else:
        change.event(kind, **data)
    change.conversation.resolved_at = None


def _move(change: Change, to: State, kind: str, **data: object) -> None:
    conversation = change.conversation
    if conversation.merged_into_id is not None:
        raise Conflict("this conversation was merged into another", code="merged", into=conversation.merged_into_id)
    states.check(conversation.state, to)
    change.event(kind, was=conversation.state, **data)
    conversation.state = to
    conversation.held_at = conversation.held_by = None
    if to is not State.SNOOZED:
        conversation.hold_until = None


def _refuse_finished(conversation: Conversation) -> None:
    if conversation.state == State.CLOSED or conversation.merged_into_id is not None:
        raise Conflict("this conversation is closed", code="not_possible_now", state=conversation.state)


def _person(actor: Actor) -> int:
    if actor.staff_id is None:
        raise Invalid("only a person can hold a conversation")
    return actor.staff_id


def lock_in_order(session: Session, *conversations: Conversation) -> None:
    """Lock several rows, lowest id first, so that two who cross never wait for each other."""
    session.flush()
    ids = sorted(c.id for c in conversations)
    session.execute(select(Conversation.id).where(Conversation.id.in_(ids)).order_by(Conversation.id).with_for_update())
