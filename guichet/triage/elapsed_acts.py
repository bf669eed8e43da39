"""What a rule that acts after a time does with a conversation, within `changing`. What cannot be
done any more (a team that is gone, a person without the right, a state that does not follow) is
left out; the rest is done."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from guichet import audit
from guichet.inbox import answering, field_values, handling, labels, notices, pool, searching
from guichet.inbox.changes import Change
from guichet.inbox.states import TRANSITIONS, State
from guichet.models import Label, Message, Rule, Staff, Team, TeamMember, Topic
from guichet.policy import Action, can, load_actor


def carry_out(change: Change, rule: Rule, began_at: datetime) -> None:
    """All that the rule says, in its order."""
    doing = [action["kind"] for action in rule.actions]
    change.event("rule_in_time", rule_id=rule.id, since=rule.since, began_at=began_at.isoformat(), actions=doing)
    audit.record(
        change.session, change.actor, "rule.act", change.conversation, change.now, rule_id=rule.id, actions=doing
    )  # fmt: skip
    told: set[int] = set()
    for action in rule.actions:
        kind, value = action["kind"], action.get("value")
        if kind.startswith("tell_"):
            told |= _whom(change, kind, value)
        elif kind == "note":
            _note(change, str(value))
        elif kind in ("close", "reopen", "snooze"):
            _move(change, kind, value)
        else:
            _sort(change, action)
    notices.tell(change, "rule", told)


def _whom(change: Change, kind: str, value: Any) -> set[int]:
    """Who is to be told, by id; who may not read it is left out by `notices.tell`."""
    session, conversation = change.session, change.conversation
    if kind == "tell_assignee":
        return {conversation.assignee_id} if conversation.assignee_id is not None else set()
    if kind == "tell_staff":
        return {value}
    of = conversation.team_id if kind == "tell_leads" else value
    members = select(TeamMember.staff_id).where(TeamMember.team_id == of)
    return set(session.scalars(members.where(TeamMember.is_lead) if kind == "tell_leads" else members))


def _note(change: Change, text: str) -> None:
    session, conversation, now = change.session, change.conversation, change.now
    message = Message(
        conversation_id=conversation.id, account_id=conversation.account_id, direction="note", kind="note",
        text=text.strip(), is_automatic=True, remote_at=now, received_at=now, sort_at=now,
    )  # fmt: skip
    answering.add_message(session, conversation, message)
    searching.index_new(session, message, [])
    change.event("note", message_id=message.id)


def _move(change: Change, kind: str, value: Any) -> None:
    to = {"close": State.RESOLVED, "reopen": State.OPEN, "snooze": State.SNOOZED}[kind]
    conversation = change.conversation
    if to not in TRANSITIONS[State(conversation.state)]:
        return
    if to is State.RESOLVED:
        handling.finish(change, "")
    elif to is State.OPEN:
        handling.returned_to_front(change, "reopened", new_cycle=False)
    else:
        until = change.now + timedelta(minutes=value)
        handling.put_off(change, "snoozed", until=until.isoformat())
        conversation.hold_until = until


def _sort(change: Change, action: Mapping[str, Any]) -> None:
    session, conversation, value = change.session, change.conversation, action["value"]
    if action["kind"] == "label":
        if session.get(Label, value) is not None:
            labels.put_labels(change, [value])
    elif action["kind"] == "field":
        field_values.fill_empty(change, value)
    elif action["kind"] == "priority":
        if conversation.priority < value:
            conversation.priority = value
            change.event("priority", to=value)
    elif action["kind"] == "team":
        _give_to_team(change, session.get(Team, value))
    elif action["kind"] == "assignee":
        _give_to(change, session.get(Staff, value))
    elif (topic := session.get(Topic, value)) is not None and pool.is_for(session, topic, conversation):
        pool.place(change, topic)


def _give_to_team(change: Change, team: Team | None) -> None:
    """To the team's queue; somebody of the team who has it keeps it."""
    holder = change.conversation.assignee_id
    if team is not None and change.conversation.team_id != team.id:
        stays = holder is not None and change.session.get(TeamMember, (team.id, holder)) is not None
        handling.hand_over(change, staff_id=holder if stays else None, team=team, keep_team=True)


def _give_to(change: Change, staff: Staff | None) -> None:
    """Unless they have it, or may not answer here any more."""
    if staff is None or staff.disabled_at is not None or change.conversation.assignee_id == staff.id:
        return
    if can(load_actor(change.session, staff, change.now), Action.CONVERSATION_ANSWER, change.conversation):
        handling.hand_over(change, staff_id=staff.id, team=None, keep_team=True)
