"""What the rules make of a message that just came in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from guichet.inbox import handling, labels
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import ACTIVE, State
from guichet.models import Account, Conversation, Label, Message, Rule, Staff, Team
from guichet.policy import Action, Actor, can, load_actor, require
from guichet.triage import facts, rules
from guichet.triage.rules import Outcome, RuleValue


def apply_rules(session: Session, actor: Actor, message: Message, now: datetime) -> int | None:
    """Try the rules on a customer's message and carry out what they say. Returns the team in
    whose queue the conversation now lies unassigned, if it does.

    A conversation that is new is sorted whole; one that somebody may already be at work on
    only gets labels, so that a rule never takes it out of their hands.
    """
    require(actor, Action.SYSTEM)
    account = session.get_one(Account, message.account_id)
    conversation = session.get_one(Conversation, message.conversation_id)
    on = [_value(rule) for rule in _rules_for(session, account)]
    outcome = rules.decide(on, facts.of_messages(session, [message])[0]) if on else Outcome()
    if outcome.rule_ids:
        with changing(session, actor, conversation, now, "rules") as change:
            change.rule_id = outcome.rule_ids[0]
            change.event("rules", rule_ids=list(outcome.rule_ids), message_id=message.id)
            _carry_out(change, outcome)
    if conversation.state in ACTIVE and conversation.assignee_id is None:
        return conversation.team_id
    return None


def _value(rule: Rule) -> RuleValue:
    return RuleValue(rule.id, rule.conditions, rule.actions, rule.stops)


def _carry_out(change: Change, outcome: Outcome) -> None:
    session, conversation = change.session, change.conversation
    labels.put_labels(change, [i for i in outcome.labels if session.get(Label, i) is not None])
    if conversation.state != State.NEW or conversation.assignee_id is not None:
        return
    if outcome.is_spam:
        handling.discard(change)
        return
    if outcome.priority is not None and outcome.priority != conversation.priority:
        conversation.priority = outcome.priority
        change.event("priority", to=outcome.priority)
    team = session.get(Team, outcome.team_id) if outcome.team_id is not None else None
    staff = session.get(Staff, outcome.assignee_id) if outcome.assignee_id is not None else None
    if staff is not None and not _may_answer(change, staff):
        staff = None  # their right ended since the rule was written: the queue keeps it
    if team is not None or staff is not None:
        handling.hand_over(change, staff_id=staff.id if staff else None, team=team, keep_team=True)


def _may_answer(change: Change, staff: Staff) -> bool:
    if staff.disabled_at is not None:
        return False
    return can(load_actor(change.session, staff, change.now), Action.CONVERSATION_ANSWER, change.conversation)


def _rules_for(session: Session, account: Account) -> Sequence[Rule]:
    """The rules that are on for an account's brand, in order of trial."""
    return session.scalars(
        select(Rule)
        .where(Rule.is_on, or_(Rule.brand_id.is_(None), Rule.brand_id == account.brand_id))
        .order_by(Rule.position, Rule.id)
    ).all()
