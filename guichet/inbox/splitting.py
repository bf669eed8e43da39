"""A conversation in which the customer came to speak of something else is made into two.

Both go on from the same thread (`Conversation.part` tells them apart): what answers one of them
goes to that one, what answers neither goes to the newest.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, null, or_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.errors import Conflict, Invalid
from guichet.inbox import counts, field_rows, followers, handling, linking, waiting
from guichet.inbox.changes import Change, changing
from guichet.inbox.moving import move_messages, summarise
from guichet.inbox.states import UNFINISHED, State
from guichet.models import Conversation, ConversationLabel, Message
from guichet.policy import Action, Actor, require


def split(
    session: Session, actor: Actor, conversation: Conversation, *, from_message: Message, now: datetime
) -> Conversation:
    """Put `from_message` and everything after it into a new conversation, which it returns, with
    whoever waits there. It has the same owner, labels, followers and values of fields, and is linked as a child.
    Raises Invalid for the first message of all, or one that is not in it; Conflict for a
    conversation that is closed or merged."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    if from_message.conversation_id != conversation.id or from_message.side_id is not None:
        raise Invalid("there is no such message", {"message_id": "is no message of this conversation"})
    with changing(session, actor, conversation, now) as kept:
        if conversation.merged_into_id is not None or conversation.state == State.CLOSED:
            raise Conflict("one of them is closed or merged already", code="not_possible_now", state=conversation.state)
        onward = _onward(conversation, from_message)
        here = (Message.conversation_id == conversation.id, Message.side_id.is_(None))
        if not session.scalar(select(exists().where(*here, ~onward))):
            raise Invalid("nothing would be left here", {"message_id": "is the first message of the conversation"})
        made = _another(session, conversation, now)
        with changing(session, actor, made, now) as new:
            new.event("created", previous_id=None)
            new.event("owner", team_id=made.team_id, staff_id=made.assignee_id)
            kept.event("split_off", to=made.id, message_id=from_message.id)
            new.event("split_from", of=conversation.id, message_id=from_message.id)
            given = waiting.Given.of(session, onward)
            move_messages(session, onward, made, null())
            waiting.give(kept, new, given)
            _settle(session, kept, new)
        followers.carry_over(session, conversation, made, now)
        field_rows.take_over(session, conversation, made)
        linking.tie(session, actor, conversation, made, "parent", now)
        audit.record(session, actor, "conversation.split", conversation, now, to=made.id)
    return made


def _onward(conversation: Conversation, first: Message) -> ColumnElement[bool]:
    same_moment = and_(Message.sort_at == first.sort_at, Message.id >= first.id)
    # What is said beside it stays with it.
    here = and_(Message.conversation_id == conversation.id, Message.side_id.is_(None))
    return and_(here, or_(Message.sort_at > first.sort_at, same_moment))


def _another(session: Session, of: Conversation, now: datetime) -> Conversation:
    """The new one, counted where it stands."""
    c = Conversation
    same = (c.account_id == of.account_id, c.identity_id == of.identity_id, c.thread_root == of.thread_root)
    made = Conversation(
        account_id=of.account_id, identity_id=of.identity_id, thread_root=of.thread_root, surface=of.surface,
        part=(session.scalar(select(func.max(c.part)).where(*same)) or 0) + 1,
        state=of.state if of.state in UNFINISHED - {State.SNOOZED} else State.OPEN,
        priority=of.priority, subject=of.subject, language=of.language, above=of.above, team_id=of.team_id,
        assignee_id=of.assignee_id, claimed_until=of.claimed_until, created_at=now, last_message_at=of.last_message_at,
    )  # fmt: skip
    session.add(made)
    session.flush()
    counts.move(session, None, counts.place_of(made))
    mark = ConversationLabel
    for label_id in session.scalars(select(mark.label_id).where(mark.conversation_id == of.id)).all():
        session.add(mark(conversation_id=made.id, label_id=label_id))
    return made


def _settle(session: Session, kept: Change, new: Change) -> None:
    for change in (kept, new):
        summarise(session, change.conversation)
    if new.conversation.waiting_since is not None and new.conversation.state != State.NEW:
        new.conversation.state = State.OPEN
    elif new.conversation.waiting_since is None and kept.conversation.state not in UNFINISHED:
        new.conversation.state, new.conversation.resolved_at = State.RESOLVED, new.now
    if new.conversation.assignee_id is not None and new.conversation.claimed_until is not None:
        new.conversation.claimed_until = new.now + handling.LEASE
