"""Keeping the rows of waits in step with what happens, one event at a time.

Each function appends the event to the conversation's history with what `recount`
(guichet/inbox/waits.py) needs to arrive at the same rows. All are called within `changing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from guichet.delivery.states import FINAL
from guichet.inbox import clocks, owners
from guichet.inbox.changes import Change
from guichet.inbox.happened import EndKind
from guichet.inbox.waits import BY_HAND
from guichet.models import Account, Calendar, Conversation, Delivery, Message, Wait


def said(change: Change, message: Message, counts: bool) -> None:
    """The customer wrote `message`. It opens a wait or joins the open one, unless an answer
    given in the network's own app is newer than it."""
    session, conversation = change.session, change.conversation
    change.event("received", message_id=message.id, counts=counts)
    if not counts:
        return
    clocks.customer_wrote(conversation, change.now)
    if conversation.message_count == 1:  # nothing was said before it, so nobody waits or was answered
        conversation.waiting_since = message.remote_at
        _begin(change, [message])
        return
    echo = _newest_echo(session, conversation)
    wait = owners.find_open_wait(session, conversation)
    if echo is not None and message.remote_at <= echo.remote_at:
        # Answered in the app before we even heard the question.
        _begin(change, [message], answered_by=echo)
    elif wait is not None:
        message.wait_id = wait.id
        _restart(session, wait)
    else:
        _begin(change, [message])
    _show(change)


def touched(change: Change, message: Message, accepted_at: datetime) -> None:
    """An automatic acknowledgement was accepted: the wait goes on."""
    change.event("acknowledged", message_id=message.id, at=accepted_at.isoformat())
    wait = owners.find_open_wait(change.session, change.conversation)
    if wait is not None and wait.first_touch_at is None:
        wait.first_touch_at = accepted_at
        change.session.flush()


def answered(change: Change, message: Message, accepted_at: datetime, kind: EndKind) -> None:
    """The network accepted our answer. It ends what its author had seen, and no more."""
    seen = message.seen_through or 0
    change.event(
        "answered", message_id=message.id, at=accepted_at.isoformat(), seen_through=seen, by=message.staff_id,
        end_kind=kind,
    )  # fmt: skip
    _serve(change, [m for m in _waiting(change) if m.id <= seen], accepted_at, kind, message)
    if message.staff_id is not None and seen >= _newest_of_customer(change):
        clocks.we_answered(change.conversation, change.now)


def echoed(change: Change, message: Message) -> None:
    """Our account answered in the network's own app: that ends what was said before it."""
    # With its time: an echo that turns out to be our own answer is deleted, the history stays.
    change.event("answered_elsewhere", message_id=message.id, remote_at=message.remote_at.isoformat())
    before = [m for m in _waiting(change) if m.remote_at <= message.remote_at]
    _serve(change, before, message.remote_at, EndKind.ANSWERED_ELSEWHERE, message)
    if change.conversation.waiting_since is None:
        clocks.we_answered(change.conversation, change.now)


def recognised(change: Change, echo_id: int, message: Message) -> None:
    """The echo was our own answer after all: credit it to its author."""
    change.event("echo_recognised", echo_id=echo_id, message_id=message.id, by=message.staff_id)
    change.session.execute(
        update(Wait)
        .where(Wait.ended_by_message_id == echo_id)
        .values(ended_by_message_id=message.id, end_kind=EndKind.HUMAN_REPLY, answered_by=message.staff_id)
    )


def deleted(change: Change, message: Message) -> None:
    """The customer deleted `message`; if nothing else waits, the wait is withdrawn."""
    session = change.session
    change.event("deleted", message_id=message.id)
    session.flush()
    wait = owners.find_open_wait(session, change.conversation)
    if wait is None or message.wait_id != wait.id:
        return
    if _messages_of(session, wait):
        _restart(session, wait)
    else:
        _end(change, wait, change.now, EndKind.WITHDRAWN, None, None)
    _show(change)


def end_all(change: Change, kind: EndKind) -> None:
    """End the open wait, if there is one, without an answer through us."""
    wait = owners.find_open_wait(change.session, change.conversation)
    if wait is not None:
        by = change.actor.staff_id if kind in (EndKind.ANSWERED_ELSEWHERE, EndKind.NOT_NEEDED) else None
        change.event("wait_ended", end_kind=kind, by=by)
        _end(change, wait, change.now, kind, by, None)
        _show(change)


def resume(change: Change, bounced: Message | None = None) -> bool:
    """What was closed by hand is taken up again in the same cycle, or the answer `bounced`, which had
    ended the wait, came back: who of that wait has still heard nothing, neither from here nor in the
    network's own app, waits on. False: nobody does."""
    session, conversation = change.session, change.conversation
    session.flush()
    if bounced is None:
        which: tuple[ColumnElement[bool], ...] = (
            Wait.cycle == conversation.cycle,
            Wait.end_kind.in_(BY_HAND),
            Wait.ended_by_message_id.is_(None),
        )
    else:
        which = (Wait.ended_by_message_id == bounced.id,)
    ended = select(Wait).where(Wait.conversation_id == conversation.id, *which)
    wait = session.scalars(ended.order_by(Wait.id.desc()).limit(1)).first()
    if wait is None or owners.find_open_wait(session, conversation) is not None:
        return False
    asked = _messages_of(session, wait)
    unanswered = [m for m in asked if m.conversation_id == conversation.id and not _is_answered(session, m)]
    if not unanswered:
        return False
    came_back = bounced.id if bounced is not None else None
    change.event("wait_resumed", message_ids=[m.id for m in unanswered], answer_id=came_back)
    for m in asked:
        m.wait_id = wait.id if m in unanswered else None
    wait.ended_at = wait.end_kind = wait.answered_by = wait.ended_by_message_id = None
    owners.begin(session, wait, owners.owner_of(conversation), change.now)
    _restart(session, wait)
    _show(change)
    return True


def _is_answered(session: Session, asked: Message) -> bool:
    ours = Message.conversation_id == asked.conversation_id, Message.remote_id.is_not(None)
    echoed = (Message.kind == "echo") & (Message.remote_at >= asked.remote_at)
    arrived = Message.context["bounced"].as_string().is_(None)
    answered = (Message.direction == "out") & (Message.seen_through >= asked.id) & arrived
    return session.scalar(select(Message.id).where(*ours, echoed | answered).limit(1)) is not None


def hand_on(gone: Change, kept: Change, echo_ids: Sequence[int]) -> None:
    """Two conversations became one: who waited in `gone` goes on waiting in `kept`.
    `echo_ids` are the echoes that moved along."""
    session = gone.session
    session.flush()
    old = owners.find_open_wait(session, gone.conversation)
    # The messages have moved already; what they wait in moves now.
    moved = _messages_of(session, old) if old is not None else []
    touched_at = old.first_touch_at if old is not None else None
    kept.event(
        "wait_taken_over", of=gone.conversation.id, message_ids=[m.id for m in moved], echo_ids=list(echo_ids),
        first_touch_at=touched_at.isoformat() if touched_at else None,
    )  # fmt: skip
    if old is None:
        return
    gone.event("wait_handed_on", to=kept.conversation.id)
    _end(gone, old, gone.now, EndKind.MERGED, None, None)
    wait = owners.find_open_wait(session, kept.conversation)
    if wait is None:
        wait = _begin(kept, moved)
        wait.first_touch_at = touched_at
    else:
        for m in moved:
            m.wait_id = wait.id
        _restart(session, wait)
        wait.first_touch_at = min((t for t in (wait.first_touch_at, touched_at) if t is not None), default=None)
    _show(gone)
    _show(kept)


@dataclass(frozen=True)
class Given:
    """Messages that leave a conversation, read before they move: all of them, and the echoes."""

    ids: frozenset[int]
    echo_ids: tuple[int, ...]

    @classmethod
    def of(cls, session: Session, which: ColumnElement[bool]) -> Given:
        rows = session.execute(select(Message.id, Message.kind).where(which).order_by(Message.id)).all()
        return cls(frozenset(id_ for id_, _ in rows), tuple(id_ for id_, kind in rows if kind == "echo"))


def give(kept: Change, to: Change, given: Given) -> None:
    """A part of one conversation is another's (again): who waits in it waits there, from the
    same start. The messages have moved already."""
    session = kept.session
    session.flush()
    wait = owners.find_open_wait(session, kept.conversation)
    leaving = [m for m in _messages_of(session, wait) if m.id in given.ids] if wait is not None else []
    kept.event("wait_given", to=to.conversation.id, message_ids=[m.id for m in leaving], echo_ids=[*given.echo_ids])
    touch = wait.first_touch_at if wait is not None and leaving else None
    if touch is not None and touch < leaving[0].remote_at:
        touch = None
    to.event(
        "wait_received", of=kept.conversation.id, message_ids=[m.id for m in leaving], echo_ids=[*given.echo_ids],
        first_touch_at=touch.isoformat() if touch else None,
    )  # fmt: skip
    if wait is None or not leaving:
        return
    for m in leaving:
        m.wait_id = None
    if _messages_of(session, wait):
        _restart(session, wait)
    else:
        _end(kept, wait, kept.now, EndKind.MERGED, None, None)
    _go_on(to, leaving, touch)
    _show(kept)
    _show(to)


def _go_on(change: Change, messages: Sequence[Message], touched_at: datetime | None) -> None:
    """The wait that a merge ended goes on, if its opener still waits; else a new one begins."""
    session, conversation = change.session, change.conversation
    opened = Wait.opened_by_message_id.in_([m.id for m in messages])
    merged = select(Wait).where(Wait.conversation_id == conversation.id, Wait.end_kind == EndKind.MERGED, opened)
    wait = session.scalars(merged.order_by(Wait.id.desc()).limit(1)).first()
    if wait is None:
        wait = _begin(change, messages)
    else:
        wait.ended_at = wait.end_kind = None
        for m in messages:
            m.wait_id = wait.id
        owners.begin(session, wait, owners.owner_of(conversation), change.now)
        _restart(session, wait)
    wait.first_touch_at = min((t for t in (wait.first_touch_at, touched_at) if t is not None), default=None)


def is_answer_on_its_way(session: Session, conversation: Conversation) -> bool:
    """Whether an answer that may still arrive would end the open wait, or a part of it."""
    wait = owners.find_open_wait(session, conversation)
    if wait is None:
        return False
    oldest = min((m.id for m in _messages_of(session, wait)), default=wait.opened_by_message_id)
    pending = (
        select(Message.id)
        .join(Delivery, Delivery.id == Message.delivery_id)
        .where(Message.conversation_id == conversation.id, Message.direction == "out", Message.remote_id.is_(None))
        .where(Message.seen_through >= oldest, Delivery.state.not_in(FINAL))
    )
    return session.scalars(pending.limit(1)).first() is not None


def _newest_of_customer(change: Change) -> int:
    theirs = Message.conversation_id == change.conversation.id, Message.direction == "in"
    return change.session.scalar(select(func.max(Message.id)).where(*theirs)) or 0


def _waiting(change: Change) -> list[Message]:
    wait = owners.find_open_wait(change.session, change.conversation)
    return _messages_of(change.session, wait) if wait is not None else []


def _messages_of(session: Session, wait: Wait) -> list[Message]:
    """Who waits in it, the opener first."""
    session.flush()
    found = session.scalars(
        select(Message)
        .where(Message.wait_id == wait.id, Message.deleted_at.is_(None))
        .order_by(Message.remote_at, Message.id)
    )
    return list(found)


def _serve(
    change: Change, served: Sequence[Message], ended_at: datetime, kind: EndKind, by: Message
) -> None:  # fmt: skip
    wait = owners.find_open_wait(change.session, change.conversation)
    if wait is None or not served:
        return
    ids = {m.id for m in served}
    rest = [m for m in _messages_of(change.session, wait) if m.id not in ids]
    for m in rest:
        m.wait_id = None
    _restart(change.session, wait)
    _end(change, wait, ended_at, kind, by.staff_id, by.id)
    if rest:
        _begin(change, rest)
    _show(change)


def _begin(change: Change, messages: Sequence[Message], answered_by: Message | None = None) -> Wait:
    """A new wait, ended already if it was answered before we heard of it."""
    session, conversation = change.session, change.conversation
    session.flush()
    opener = min(messages, key=lambda m: (m.remote_at, m.id))
    calendar = _calendar(session, conversation)
    earlier = select(func.count()).where(Wait.conversation_id == conversation.id, Wait.cycle == conversation.cycle)
    wait = Wait(
        conversation_id=conversation.id,
        account_id=conversation.account_id,
        opened_by_message_id=opener.id,
        cycle=conversation.cycle,
        is_first=conversation.message_count == 1 or not session.scalar(earlier),
        started_at=opener.remote_at,
        received_at=min(m.received_at for m in messages),
        calendar_id=calendar.id if calendar else None,
        calendar_version=calendar.version if calendar else None,
    )
    if answered_by is not None:
        wait.ended_at, wait.end_kind = answered_by.remote_at, EndKind.ANSWERED_ELSEWHERE
        wait.ended_by_message_id = answered_by.id
    session.add(wait)
    session.flush()
    for m in messages:
        m.wait_id = wait.id
    owners.begin(session, wait, owners.owner_of(conversation), change.now)
    if answered_by is not None:
        owners.end(session, wait, change.now)
    return wait


def _restart(session: Session, wait: Wait) -> None:
    """Count from the oldest of those who wait now."""
    messages = _messages_of(session, wait)
    wait.opened_by_message_id, wait.started_at = messages[0].id, messages[0].remote_at
    wait.received_at = min(m.received_at for m in messages)


def _end(
    change: Change, wait: Wait, ended_at: datetime, kind: EndKind, staff_id: int | None, message_id: int | None
) -> None:
    wait.ended_at = max(ended_at, wait.started_at)  # clocks differ; nobody waits a negative time
    wait.end_kind, wait.answered_by, wait.ended_by_message_id = kind, staff_id, message_id
    owners.end(change.session, wait, min(change.now, wait.ended_at))


def _show(change: Change) -> None:
    """The conversation shows since when somebody waits."""
    change.session.flush()
    wait = owners.find_open_wait(change.session, change.conversation)
    change.conversation.waiting_since = wait.started_at if wait else None


def _newest_echo(session: Session, conversation: Conversation) -> Message | None:
    return session.scalars(
        select(Message)
        .where(Message.conversation_id == conversation.id, Message.kind == "echo")
        .order_by(Message.remote_at.desc(), Message.id.desc())
        .limit(1)
    ).first()


def _calendar(session: Session, conversation: Conversation) -> Calendar | None:
    return session.get_one(Account, conversation.account_id).brand.calendar
