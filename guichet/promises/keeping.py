"""What is promised, kept in step with the conversation: called within every change of one, under
its lock. Deadlines come from guichet.promises.rules alone; here they are written down.

A promise is given to who waits: its rows begin with a wait. A wait that was answered before we
heard of it was promised nothing and counts neither way.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session, SessionTransaction

from guichet.models import (
    Account,
    Calendar,
    Conversation,
    ConversationLabel,
    Customer,
    Identity,
    Promise,
    PromisePolicy,
    Wait,
)  # fmt: skip
from guichet.promises import hours, rules
from guichet.promises.rules import RESOLUTION, Case, Clock, Policy, Step

_KEPT = "guichet.promises"
_OVER = frozenset({"resolved", "closed", "spam"})
_PAUSED = "waiting_customer"


def policies_of(session: Session) -> Sequence[Policy]:
    """Those that are on, in order of trial; read once in a transaction."""
    transaction = session.get_transaction()
    kept: tuple[SessionTransaction | None, Sequence[Policy]] | None = session.info.get(_KEPT)
    if kept is None or kept[0] is not transaction:
        rows = session.scalars(
            select(PromisePolicy)
            .where(PromisePolicy.is_on, PromisePolicy.removed_at.is_(None))
            .order_by(PromisePolicy.position, PromisePolicy.id)
        )
        kept = (session.get_transaction(), [value_of(row) for row in rows])
        session.info[_KEPT] = kept
    return kept[1]


def forget_policies(session: Session) -> None:
    """They were changed in this transaction."""
    session.info.pop(_KEPT, None)


def value_of(row: PromisePolicy) -> Policy:
    """The value of a stored policy."""
    return Policy(
        id=row.id, version=row.version, brand_id=row.brand_id, conditions=row.conditions,
        minutes={"first": row.first_minutes, "next": row.next_minutes, "resolution": row.resolution_minutes},
        runs_always=row.runs_always,
        steps=tuple(Step(s["of"], s["percent"], tuple(s["actions"])) for s in row.steps),
    )  # fmt: skip


def concerns(session: Session, conversation: Conversation) -> bool:
    """Whether anything can be promised here, or was."""
    return conversation.due_at is not None or bool(policies_of(session))


def keep(session: Session, conversation: Conversation, wait: Wait | None, now: datetime) -> None:
    """Bring the promises in step; `wait` is the one that goes on, if anybody waits."""
    session.flush()
    policies = policies_of(session)
    is_open = Promise.ended_at.is_(None)
    rows = list(session.scalars(select(Promise).where(Promise.conversation_id == conversation.id, is_open)))
    policy = rules.choose(policies, _case(session, conversation, policies)) if wait or rows else None
    for row in rows:
        if row.kind != RESOLUTION and (wait is None or row.wait_id != wait.id):
            _end_answer(session, row)
    _keep_answer(session, conversation, rows, wait, policy)
    _keep_resolution(session, conversation, rows, wait, policy, now)
    going_on = [r.due_at for r in rows if r.ended_at is None and r.due_at is not None]
    conversation.due_at = min(going_on, default=None)


def clock_of(promise: Promise, policy: Policy, calendar: Calendar | None) -> Clock:
    """By which the promise is counted, in the hours of its brand (None: the whole day)."""
    kept = hours.from_row(calendar) if calendar is not None and not policy.runs_always else None
    pauses = [(datetime.fromisoformat(a), datetime.fromisoformat(b) if b else None) for a, b in promise.pauses]
    return Clock(promise.started_at, kept, pauses)


def calendar_of(session: Session, conversation: Conversation) -> Calendar | None:
    return session.get_one(Account, conversation.account_id).brand.calendar


def _case(session: Session, conversation: Conversation, policies: Sequence[Policy]) -> Case:
    """Customer and labels are read only where a policy asks for them."""
    account = session.get_one(Account, conversation.account_id)
    customer: frozenset[str] = frozenset()
    labels: frozenset[int] = frozenset()
    if any(p.asks_for("customer") for p in policies):
        marks = select(Customer.is_vip, Customer.is_blocked).join(Identity, Identity.customer_id == Customer.id)
        is_vip, is_blocked = session.execute(marks.where(Identity.id == conversation.identity_id)).one()
        customer = customer_marks(is_vip, is_blocked)
    if any(p.asks_for("label") for p in policies):
        mark = ConversationLabel
        labels = frozenset(session.scalars(select(mark.label_id).where(mark.conversation_id == conversation.id)))
    return Case(
        account.brand_id, account.id, account.network, conversation.surface, conversation.language,
        conversation.priority, customer, labels,
    )  # fmt: skip


def customer_marks(is_vip: bool, is_blocked: bool) -> frozenset[str]:
    return frozenset(name for name, holds in (("vip", is_vip), ("blocked", is_blocked)) if holds)


def _keep_answer(
    session: Session, conversation: Conversation, rows: list[Promise], wait: Wait | None, policy: Policy | None
) -> None:
    if wait is None:
        return
    kind = rules.FIRST if wait.is_first else rules.NEXT
    row = next((r for r in rows if r.wait_id == wait.id and r.kind != RESOLUTION), None)
    if row is None:
        if policy is None or policy.minutes.get(kind) is None:
            return
        row = _take_up(session, rows, conversation, wait, kind)
    row.kind, row.started_at = kind, wait.started_at
    _measure(row, policy, calendar_of(session, conversation))


def _keep_resolution(
    session: Session,
    conversation: Conversation,
    rows: list[Promise],
    wait: Wait | None,
    policy: Policy | None,
    now: datetime,
) -> None:
    row = next((r for r in rows if r.kind == RESOLUTION), None)
    if row is None:
        promised = policy is not None and policy.minutes.get(RESOLUTION) is not None
        if wait is None or not promised or conversation.state in _OVER:
            return
        of_cycle = select(Wait).where(Wait.conversation_id == conversation.id, Wait.cycle == conversation.cycle)
        first = session.scalars(of_cycle.order_by(Wait.id).limit(1)).one()
        row = _take_up(session, rows, conversation, first, RESOLUTION)
    row.started_at = session.get_one(Wait, row.wait_id).started_at
    _pause(row, conversation.state == _PAUSED, now)
    _measure(row, policy, calendar_of(session, conversation))
    if conversation.state in _OVER or conversation.merged_into_id is not None:
        _end_resolution(session, conversation, row, now)


def _take_up(
    session: Session, rows: list[Promise], conversation: Conversation, wait: Wait, kind: str
) -> Promise:  # fmt: skip
    """The promise of a wait, made now or, where a merge that was undone ended it, taken up again."""
    kinds = (RESOLUTION,) if kind == RESOLUTION else (rules.FIRST, rules.NEXT)
    row = session.scalars(select(Promise).where(Promise.wait_id == wait.id, Promise.kind.in_(kinds))).first()
    if row is None:
        row = Promise(wait_id=wait.id, kind=kind, started_at=wait.started_at, pauses=[], fired=[])
        session.add(row)
    row.conversation_id, row.ended_at, row.is_kept = conversation.id, None, None
    rows.append(row)
    return row


def _measure(row: Promise, policy: Policy | None, calendar: Calendar | None) -> None:
    """Write down what follows from the policy, the calendar and the wait."""
    if policy is None or policy.minutes.get(row.kind) is None:
        row.policy_id = row.policy_version = row.calendar_version = row.due_at = row.next_at = None
        return
    clock = clock_of(row, policy, calendar)
    row.policy_id, row.policy_version = policy.id, policy.version
    row.calendar_version = calendar.version if calendar is not None and clock.hours is not None else None
    row.due_at = rules.due(policy, row.kind, clock)
    row.next_at = rules.next_step_at(policy, row.kind, clock, row.fired)


def _pause(row: Promise, is_paused: bool, now: datetime) -> None:
    """A resolution stands still while it is the customer's turn."""
    stands_still = bool(row.pauses) and row.pauses[-1][1] is None
    if is_paused and not stands_still:
        row.pauses = [*row.pauses, [now.isoformat(), None]]
    elif stands_still and not is_paused:
        row.pauses = [*row.pauses[:-1], [row.pauses[-1][0], now.isoformat()]]


def _end_answer(session: Session, row: Promise) -> None:
    wait = session.get_one(Wait, row.wait_id)
    row.ended_at, row.next_at = wait.ended_at, None
    row.is_kept = rules.verdict(wait.end_kind or "", wait.ended_at, row.due_at) if wait.ended_at else None


def _end_resolution(session: Session, conversation: Conversation, row: Promise, now: datetime) -> None:
    """Settled as promised, unless it was closed over somebody who had no answer."""
    waits = select(Wait.end_kind).where(Wait.conversation_id == conversation.id).order_by(Wait.id.desc()).limit(1)
    if conversation.merged_into_id is not None:
        ended = "merged"
    elif conversation.state == "spam":
        ended = "moderated"
    else:
        ended = "closed_unanswered" if session.scalars(waits).first() == "closed_unanswered" else "human_reply"
    row.ended_at, row.next_at = now, None
    row.is_kept = rules.verdict(ended, now, row.due_at)


def due_at(conversation_id: InstrumentedAttribute[int]) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Until when an answer is promised there, and that it is settled, row by row."""
    open_ = select(func.min(Promise.due_at)).where(
        Promise.conversation_id == conversation_id, Promise.ended_at.is_(None)
    )
    answer, resolution = open_.where(Promise.kind != RESOLUTION), open_.where(Promise.kind == RESOLUTION)
    return answer.scalar_subquery(), resolution.scalar_subquery()
