"""Undoing a macro: as long as nothing happened in the conversation since, it stands again as
before, and who it was closed on waits again. A note stays, for colleagues have been told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict, NotFound
from guichet.inbox import handling, labels, pool
from guichet.inbox import operations as inbox
from guichet.inbox.changes import Change, changing
from guichet.inbox.states import State
from guichet.models import Conversation, ConversationEvent, Label, Staff, Team, Topic
from guichet.policy import Action, Actor, require
from guichet.triage.carrying_out import standing


def undo_macro(
    session: Session, actor: Actor, conversation: Conversation, event_id: int, now: datetime
) -> Sequence[str]:
    """Make the conversation stand as before the macro that one applied there; returns what
    cannot be undone ("note"). Raises Conflict `changed_since` and NotFound."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    event = session.get(ConversationEvent, event_id)
    if event is None or (event.conversation_id, event.kind) != (conversation.id, "macro"):
        raise NotFound("there is no such macro here")
    if event.staff_id != actor.staff_id:
        raise NotFound("there is no such macro here")
    with changing(session, actor, conversation, now, "macro") as change:
        if conversation.version != event.data["version"]:
            raise Conflict("something happened here since: undo it by hand", code="changed_since")
        before = event.data["before"]
        stands = standing(session, actor, conversation)
        _restore(change, before, stands)
        _shorten_draft(change, actor, before["draft"], stands["draft"])
        change.event("macro_undone", macro_id=event.data["macro_id"], of=event.id)
        audit.record(
            session, actor, "conversation.macro_undone", conversation, now, macro_id=event.data["macro_id"]
        )  # fmt: skip
    session.refresh(conversation, ["labels"])
    return ["note"] if stands["messages"] != before["messages"] else []


def _restore(change: Change, before: Mapping[str, Any], stands: Mapping[str, Any]) -> None:
    session, conversation = change.session, change.conversation
    if before["state"] != stands["state"] or before["hold_until"] != stands["hold_until"]:
        _put_state_back(change, before)
    if before["priority"] != stands["priority"]:
        conversation.priority = before["priority"]
        change.event("priority", to=before["priority"])
    if before["labels"] != stands["labels"]:
        there = session.scalars(select(Label.id).where(Label.id.in_(before["labels"])))
        labels.put_labels(change, list(there), only=True)
    if before.get("topic_id") != stands["topic_id"]:
        _put_topic_back(change, before.get("topic_id"))
    if (before["team_id"], before["assignee_id"]) != (stands["team_id"], stands["assignee_id"]):
        _give_back(change, before)


def _put_state_back(change: Change, before: Mapping[str, Any]) -> None:
    until = datetime.fromisoformat(before["hold_until"]) if before["hold_until"] else None
    if change.conversation.state != before["state"] or before["state"] == State.SNOOZED:
        handling.put_back(change, State(before["state"]), until)


def _put_topic_back(change: Change, topic_id: int | None) -> None:
    topic = change.session.get(Topic, topic_id) if topic_id is not None else None
    if topic is not None:
        pool.place(change, topic)
    else:
        pool.leave(change)


def _give_back(change: Change, before: Mapping[str, Any]) -> None:
    session, staff_id = change.session, before["assignee_id"]
    claimed = datetime.fromisoformat(before["claimed_until"]) if before["claimed_until"] else None
    staff = session.get(Staff, staff_id) if staff_id is not None else None
    is_gone = staff is None or staff.disabled_at is not None or (claimed is not None and claimed <= change.now)
    if staff_id not in (None, change.actor.staff_id):
        require(change.actor, Action.CONVERSATION_ASSIGN, change.conversation)
    team = session.get(Team, before["team_id"]) if before["team_id"] is not None else None
    handling.hand_over(change, staff_id=None if is_gone else staff_id, team=team, keep_team=False)
    if not is_gone:
        change.conversation.claimed_until = claimed


def _shorten_draft(change: Change, actor: Actor, before: int, stands: int) -> None:
    """Take the text out again that was put behind what stood there."""
    draft = inbox.find_draft(change.session, actor, change.conversation)
    if draft is None or stands <= before or len(draft.text) != stands:
        return
    if before or draft.media:
        draft.text, draft.updated_at = draft.text[:before], change.now
    else:
        change.session.delete(draft)
