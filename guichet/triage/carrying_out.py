"""Carrying out a macro in a conversation: previewed, applied, undone.

A macro is applied whole or not at all, with the rights of who applies it: each step is the
same operation as by hand. The preview is the thing itself, rolled back, so that it cannot
promise what would then be refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import GuichetError, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox import pool
from guichet.inbox.states import ACTIVE
from guichet.models import Conversation, ConversationEvent, ConversationLabel, Label, Macro, Staff, Team, Topic
from guichet.policy import Action, Actor, require, require_somewhere
from guichet.triage.filling import values_of
from guichet.variables import fill

T = TypeVar("T")


@dataclass(frozen=True)
class Step:
    """One action in one conversation. `effect`: changes, none (it stands so already), refused
    (`reason`). `text`: what a reply or note says here, its variables filled."""

    kind: str
    value: Any
    effect: str
    reason: str = ""
    text: str = ""


@dataclass(frozen=True)
class Done:
    """What became of a macro in one conversation. `event_id` undoes it; None: nothing was done,
    because it was refused (`reason`) or changes nothing."""

    conversation_id: int
    steps: Sequence[Step] = ()
    event_id: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class _Case:
    session: Session
    actor: Actor
    conversation: Conversation
    values: Mapping[str, str]
    now: datetime


class _Trial(Exception):
    """Ends a trial, and with it everything that was done in it."""


def preview(
    session: Session, actor: Actor, macro: Macro, conversation: Conversation, networks: Mapping[str, str], now: datetime
) -> list[Step]:
    """What the macro would do in this conversation, step by step; changes nothing."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    steps: list[Step] = []
    with suppress(_Trial), session.begin_nested():
        case = _case(session, actor, conversation, networks, now)
        steps += [_tried(case, action) for action in macro.actions]
        raise _Trial
    return steps


def apply_macro(
    session: Session,
    actor: Actor,
    macro: Macro,
    conversations: Sequence[Conversation],
    networks: Mapping[str, str],
    now: datetime,
) -> list[Done]:
    """Apply it to each of these, whole or not at all: what was refused in one keeps it from no
    other. In the order of the conversations given."""
    require_somewhere(actor, Action.CONVERSATION_ANSWER)
    done = {}
    for conversation in sorted(conversations, key=lambda one: one.id):  # who crosses never waits for the other
        try:
            with session.begin_nested():
                done[conversation.id] = _apply(session, actor, macro, conversation, networks, now)
        except GuichetError as refusal:
            done[conversation.id] = Done(conversation.id, reason=refusal.message)
    return [done[conversation.id] for conversation in conversations]


def _apply(
    session: Session, actor: Actor, macro: Macro, conversation: Conversation, networks: Mapping[str, str], now: datetime
) -> Done:
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    before = standing(session, actor, conversation)
    case = _case(session, actor, conversation, networks, now)
    steps = [_step(case, action) for action in macro.actions]
    if all(step.effect == "none" for step in steps):
        return Done(conversation.id, steps)
    event = ConversationEvent(
        conversation_id=conversation.id, at=now, kind="macro", staff_id=actor.staff_id,
        data={"macro_id": macro.id, "version": conversation.version, "before": before},
    )  # fmt: skip
    session.add(event)
    session.flush()
    audit.record(session, actor, "conversation.macro", conversation, now, macro_id=macro.id, macro=macro.name)
    return Done(conversation.id, steps, event.id)


def standing(session: Session, actor: Actor, conversation: Conversation) -> dict[str, Any]:
    """What a macro can change, in ids and numbers, as an event may keep it."""
    mark = ConversationLabel
    own = mark.conversation_id == conversation.id
    labels = session.scalars(select(mark.label_id).where(own).order_by(mark.label_id))
    draft = inbox.find_draft(session, actor, conversation)
    until, claimed = conversation.hold_until, conversation.claimed_until
    return {
        "state": conversation.state,
        "hold_until": until.isoformat() if until else None,
        "priority": conversation.priority,
        "team_id": conversation.team_id,
        "assignee_id": conversation.assignee_id,
        "topic_id": conversation.topic_id,
        "claimed_until": claimed.isoformat() if claimed else None,
        "labels": list(labels),
        "messages": conversation.message_count,
        "draft": len(draft.text) if draft else 0,
    }


def _case(
    session: Session, actor: Actor, conversation: Conversation, networks: Mapping[str, str], now: datetime
) -> _Case:  # fmt: skip
    if actor.staff_id is None:
        raise NotFound("only a person applies a macro")
    values = values_of(session, conversation, session.get_one(Staff, actor.staff_id), networks)
    return _Case(session, actor, conversation, values, now)


def _tried(case: _Case, action: Mapping[str, Any]) -> Step:
    try:
        with case.session.begin_nested():
            return _step(case, action)
    except GuichetError as refusal:
        return Step(action["kind"], action["value"], "refused", refusal.message)


def _step(case: _Case, action: Mapping[str, Any]) -> Step:
    kind, value = action["kind"], action["value"]
    is_text = kind in ("reply", "note")
    before = standing(case.session, case.actor, case.conversation)
    _DO[kind](case, fill(value, case.values) if is_text else value)
    case.session.flush()
    is_changed = standing(case.session, case.actor, case.conversation) != before
    return Step(
        kind, value, "changes" if is_changed else "none", text=fill(value, case.values) if is_text else ""
    )  # fmt: skip


# ---------------------------------------------------------------- the steps, as by hand


def _reply(case: _Case, text: str) -> None:
    draft = inbox.find_draft(case.session, case.actor, case.conversation)
    whole = "\n\n".join(part for part in (draft.text if draft else "", text) if part)
    inbox.save_draft(
        case.session, case.actor, case.conversation, text=whole, media=draft.media if draft else (),
        seen_through=draft.seen_through if draft else None, now=case.now,
    )  # fmt: skip


def _note(case: _Case, text: str) -> None:
    inbox.note(case.session, case.actor, case.conversation, text=text, now=case.now)


def _label(case: _Case, label_id: int) -> None:
    label = _there(case.session.get(Label, label_id))
    has = _labels(case)
    if label not in has:
        _put(case, [*has, label])


def _unlabel(case: _Case, label_id: int) -> None:
    has = _labels(case)
    if any(one.id == label_id for one in has):
        _put(case, [one for one in has if one.id != label_id])


def _labels(case: _Case) -> list[Label]:
    case.session.refresh(case.conversation, ["labels"])
    return list(case.conversation.labels)


def _put(case: _Case, labels: Sequence[Label]) -> None:
    inbox.set_labels(case.session, case.actor, case.conversation, labels=labels, now=case.now)


def _priority(case: _Case, priority: int) -> None:
    inbox.set_priority(case.session, case.actor, case.conversation, priority=priority, now=case.now)


def _team(case: _Case, team_id: int) -> None:
    team = _there(case.session.get(Team, team_id))
    if case.conversation.team_id != team.id:
        inbox.assign(case.session, case.actor, case.conversation, team=team, now=case.now)


def _assignee(case: _Case, staff_id: int) -> None:
    if staff_id in (0, case.actor.staff_id):
        if case.conversation.assignee_id != case.actor.staff_id:
            inbox.claim(case.session, case.actor, case.conversation, case.now)
        return
    staff = _there(case.session.get(Staff, staff_id))
    if case.conversation.assignee_id != staff.id:
        inbox.assign(case.session, case.actor, case.conversation, staff=staff, now=case.now)


def _topic(case: _Case, topic_id: int) -> None:
    topic = _there(case.session.get(Topic, topic_id))
    if case.conversation.topic_id != topic.id:
        pool.put(case.session, case.actor, case.conversation, topic, case.now)


def _status(case: _Case, status: str) -> None:
    given = (case.session, case.actor, case.conversation)
    if status in ("answered", "not_needed"):
        inbox.resolve(*given, how=status, now=case.now)
    elif status == "waiting_internal":
        inbox.wait_internally(*given, now=case.now)
    elif status == "spam":
        inbox.mark_spam(*given, now=case.now)
    elif case.conversation.state not in ACTIVE:
        inbox.reopen(*given, now=case.now)


def _snooze(case: _Case, hours: int) -> None:
    until = case.now + timedelta(hours=hours) if hours else None
    inbox.snooze(case.session, case.actor, case.conversation, until=until, now=case.now)


def _there(found: T | None) -> T:
    if found is None:
        raise NotFound("what the macro names is not there any more")
    return found


_DO: Mapping[str, Callable[[_Case, Any], None]] = {
    "reply": _reply, "note": _note, "label": _label, "unlabel": _unlabel, "priority": _priority, "team": _team,
    "assignee": _assignee, "topic": _topic, "status": _status, "snooze": _snooze,
}  # fmt: skip
