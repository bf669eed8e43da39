"""What the rules make of messages that just came in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from guichet.inbox import field_values, handling, labels, pool
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import ACTIVE, State
from guichet.models import Account, Conversation, Label, Message, Rule, Staff, Team, Topic
from guichet.policy import Action, Actor, can, load_actor, require
from guichet.triage import facts, hiding, rules
from guichet.triage.rules import Outcome, RuleValue


def apply_rules(
    session: Session,
    actor: Actor,
    messages: Sequence[Message],
    now: datetime,
    spec_of: Callable[[str], ChannelSpec],
) -> list[int]:
    """Try the rules on what customers wrote and carry out what they say, in the order of the
    messages. Returns the teams, by id, in whose queues these conversations now lie unassigned.

    A conversation that is new is sorted whole; one that somebody may already be at work on
    only gets labels and fields that were empty, so that a rule never takes it out of their hands;
    what nobody has is held, too. What is held goes to a team at most. What is to be hidden at the
    network is, whoever has it. `spec_of`: a network's, by its name.
    """
    require(actor, Action.SYSTEM)
    on = (
        session.scalars(select(Rule).where(Rule.is_on, Rule.since == "").order_by(Rule.position, Rule.id)).all()
        if messages
        else []
    )
    asked = [condition for rule in on for condition in rule.conditions]
    for message, fact in zip(messages, facts.of_messages(session, messages, asked), strict=True) if on else ():
        brand_id = session.get_one(Account, message.account_id).brand_id
        outcome = rules.decide([_value(rule) for rule in on if rule.brand_id in (None, brand_id)], fact)
        if outcome.rule_ids:
            conversation = session.get_one(Conversation, message.conversation_id)
            with changing(session, actor, conversation, now, "rules") as change:
                change.rule_id = outcome.rule_ids[0]
                change.event("rules", rule_ids=list(outcome.rule_ids), message_id=message.id)
                _carry_out(change, outcome)
            if outcome.hiding is not None:
                hiding.hide(session, actor, message, outcome.hiding, spec_of, now)
    sorted_ = [session.get_one(Conversation, message.conversation_id) for message in messages]
    lying = (c.team_id for c in sorted_ if c.state in ACTIVE and c.assignee_id is None)
    return sorted({team_id for team_id in lying if team_id is not None})


def _value(rule: Rule) -> RuleValue:
    return RuleValue(rule.id, rule.conditions, rule.actions, rule.stops)


def _carry_out(change: Change, outcome: Outcome) -> None:
    session, conversation = change.session, change.conversation
    if outcome.labels:
        labels.put_labels(change, [i for i in outcome.labels if session.get(Label, i) is not None])
    for said in outcome.fields:
        field_values.fill_empty(change, said)
    if conversation.state not in ACTIVE or conversation.assignee_id is not None:
        return
    is_new = conversation.state == State.NEW
    if is_new and outcome.is_spam:
        handling.discard(change)
        return
    if is_new:
        _sort(change, outcome)
    if outcome.held_by is not None:
        handling.hold(change, outcome.held_by)


def _sort(change: Change, outcome: Outcome) -> None:
    session, conversation = change.session, change.conversation
    if outcome.priority is not None and outcome.priority != conversation.priority:
        conversation.priority = outcome.priority
        change.event("priority", to=outcome.priority)
    team = session.get(Team, outcome.team_id) if outcome.team_id is not None else None
    # Who would be given what is held would be called to what nobody has looked at yet.
    is_free = outcome.held_by is None
    staff = session.get(Staff, outcome.assignee_id) if is_free and outcome.assignee_id is not None else None
    if staff is not None and not _may_answer(change, staff):
        staff = None  # their right ended since the rule was written: the queue keeps it
    if team is not None or staff is not None:
        handling.hand_over(change, staff_id=staff.id if staff else None, team=team, keep_team=True)
    topic = session.get(Topic, outcome.topic_id) if is_free and outcome.topic_id is not None else None
    if topic is not None and pool.is_for(session, topic, conversation):
        pool.place(change, topic)


def _may_answer(change: Change, staff: Staff) -> bool:
    if staff.disabled_at is not None:
        return False
    return can(load_actor(change.session, staff, change.now), Action.CONVERSATION_ANSWER, change.conversation)
