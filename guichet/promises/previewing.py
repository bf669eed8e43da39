"""What a policy would mean for who waits now, before it is switched on. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.models import Account, Brand, Calendar, Conversation, ConversationLabel, Customer, Identity, Wait
from guichet.policy import Action, Actor, require, visible
from guichet.promises import hours, keeping, operations, rules
from guichet.promises.hours import Hours
from guichet.promises.rules import Case, Clock, Policy, Step

MOST_WAITS = 2000
EXAMPLES = 20


@dataclass(frozen=True)
class Example:
    """Somebody who waits and would fall under it; `due_at` None: it promises them nothing."""

    conversation_id: int
    preview: str
    surface: str
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class Preview:
    """Of `tried` who wait (those who wait longest, as far as the actor may see them), `matched`
    would fall under it and `late` of them be late already; some of them, those due first."""

    tried: int
    matched: int
    late: int
    examples: Sequence[Example]


@dataclass(frozen=True)
class _Waiting:
    conversation_id: int
    preview: str
    is_first: bool
    since: datetime
    hours: Hours | None
    case: Case


def preview_policy(
    session: Session, actor: Actor, values: Mapping[str, Any], *, policy_id: int | None = None, now: datetime
) -> Preview:
    """As if it were switched on in its place (`policy_id`; None: before all others). Raises
    Invalid as `add_policy`."""
    require(actor, Action.BRAND_MANAGE)
    values = {"name": "?", "brand_id": None, "conditions": [], "steps": [], **values}
    operations.check_policy(session, {**dict.fromkeys(operations.MINUTES), **values})
    tried_first = _policy(policy_id or 0, values)
    policies = list(keeping.policies_of(session))
    if policy_id is None:
        policies = [tried_first, *policies]
    elif any(p.id == policy_id for p in policies):
        policies = [tried_first if p.id == policy_id else p for p in policies]
    else:  # it is switched off: its place is among all of them
        places = [row.id for row in operations.list_policies(session, actor)]
        policies = sorted([*policies, tried_first], key=lambda p: places.index(p.id) if p.id in places else -1)
    waiting = _waiting(session, actor)
    found = [_example(w, tried_first) for w in waiting if rules.choose(policies, w.case) is tried_first]
    late = sum(e.due_at is not None and e.due_at <= now for e in found)
    found.sort(key=lambda e: (e.due_at is None, e.due_at or e.since))
    return Preview(len(waiting), len(found), late, found[:EXAMPLES])


def _policy(policy_id: int, values: Mapping[str, Any]) -> Policy:
    return Policy(
        id=policy_id, brand_id=values["brand_id"], conditions=values["conditions"],
        minutes={kind: values.get(f"{kind}_minutes") for kind in rules.KINDS},
        runs_always=bool(values.get("runs_always")),
        steps=tuple(Step(s["of"], s["percent"], tuple(s["actions"])) for s in values["steps"]),
    )  # fmt: skip


def _example(waiting: _Waiting, policy: Policy) -> Example:
    clock = Clock(waiting.since, None if policy.runs_always else waiting.hours)
    due_at = rules.due(policy, rules.FIRST if waiting.is_first else rules.NEXT, clock)
    return Example(waiting.conversation_id, waiting.preview, waiting.case.surface, waiting.since, due_at)


def _waiting(session: Session, actor: Actor) -> list[_Waiting]:
    """Who waits, in three queries whatever their number."""
    calendars = {c.id: hours.from_row(c) for c in session.scalars(select(Calendar))}
    rows = session.execute(
        select(
            Wait.is_first, Wait.started_at, Conversation, Account.network, Account.brand_id, Brand.calendar_id,
            Customer.is_vip, Customer.is_blocked,
        )
        .join(Conversation, Conversation.id == Wait.conversation_id)
        .join(Account, Account.id == Conversation.account_id)
        .join(Brand, Brand.id == Account.brand_id)
        .join(Identity, Identity.id == Conversation.identity_id)
        .join(Customer, Customer.id == Identity.customer_id)
        .where(Wait.ended_at.is_(None), visible(actor, Wait.account_id, Action.CONVERSATION_VIEW))
        .order_by(Wait.started_at, Wait.id)
        .limit(MOST_WAITS)
    ).all()  # fmt: skip
    labels: dict[int, set[int]] = {}
    mark = ConversationLabel
    marked = select(mark.conversation_id, mark.label_id).where(mark.conversation_id.in_([r[2].id for r in rows]))
    for conversation_id, label_id in session.execute(marked):
        labels.setdefault(conversation_id, set()).add(label_id)
    return [
        _Waiting(
            c.id, c.preview, is_first, since, calendars.get(calendar_id or 0),
            Case(
                brand_id, c.account_id, network, c.surface, c.language, c.priority,
                keeping.customer_marks(is_vip, is_blocked), frozenset(labels.get(c.id, ())),
            ),
        )
        for is_first, since, c, network, brand_id, calendar_id, is_vip, is_blocked in rows
    ]  # fmt: skip
