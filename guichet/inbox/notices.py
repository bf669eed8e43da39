"""What people are told of the conversations that they follow, until they have seen it.

A call is told by itself. What happens in a conversation that one follows is told together as
long as it was not seen: ten messages in the night are one line in the morning.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, joinedload

from guichet import live
from guichet.inbox import cursors
from guichet.inbox.changes import Change
from guichet.inbox.cursors import Cursor
from guichet.models import Account, Conversation, ConversationFollower, Identity, Message, Notice, Staff, TopicExpert
from guichet.policy import Action, Actor, require, visible_conversations, who_may

CALLS = ("mention", "team_mention")
REVIEWED = ("approved", "rejected")
SIDE = ("side_answer", "side_failed", "nothing_came")  # of whom one waits for beside the customer
KINDS = (
    *CALLS,
    "message",
    "note",
    "answer",
    "closed",
    "held_back",
    "called_off",
    "bounced",
    "due_soon",
    "late",
    "pool_returned",
    "hiding_stopped",
    "rule",
    *REVIEWED,
    *SIDE,
)
COUNT_CAP = 99
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Told:
    """A notice with what it is about; `message` is None where nothing was said, or it is gone."""

    notice: Notice
    conversation: Conversation
    message: Message | None


def tell(change: Change, kind: str, staff_ids: Collection[int], message: Message | None = None) -> None:
    """Tell these people, as far as they may read the conversation. Within `changing`."""
    if not staff_ids:
        return
    session, conversation, now = change.session, change.conversation, change.now
    account = session.get_one(Account, conversation.account_id)
    experts = select(TopicExpert.staff_id).where(TopicExpert.topic_id == conversation.topic_id)
    able = who_may(Action.CONVERSATION_VIEW, account, now).with_only_columns(Staff.id)
    here = select(Staff.id).where(Staff.id.in_(experts), Staff.disabled_at.is_(None))
    readers = select(Staff).where(Staff.id.in_(staff_ids), or_(Staff.id.in_(able), Staff.id.in_(here)))
    pending = {} if kind in CALLS else _pending(session, conversation.id, kind)
    for staff_id in session.scalars(readers.with_only_columns(Staff.id).order_by(Staff.id)):
        notice = pending.get(staff_id)
        if notice is None:
            notice = Notice(
                staff_id=staff_id, account_id=account.id, conversation_id=conversation.id, kind=kind, count=0
            )
            session.add(notice)
        notice.count += 1
        notice.at, notice.by_staff_id = now, change.actor.staff_id
        notice.message_id = message.id if message is not None else None
        live.tell(session, "notice", now, account_id=account.id, staff_id=staff_id, conversation_id=conversation.id)
    session.flush()


def tell_followers(change: Change, kind: str, message: Message | None = None, but: Iterable[int] = ()) -> None:
    """Tell everybody who follows, but for whoever did it and `but`. Within `changing`."""
    row = ConversationFollower
    ids = change.session.scalars(select(row.staff_id).where(row.conversation_id == change.conversation.id))
    tell(change, kind, set(ids) - {change.actor.staff_id, *but}, message)


def tell_owner_and_followers(change: Change, kind: str, but: Iterable[int] = (), also: Iterable[int] = ()) -> None:
    """Tell whoever has the conversation, everybody who follows it, and `also`. Within `changing`."""
    row = ConversationFollower
    ids = set(change.session.scalars(select(row.staff_id).where(row.conversation_id == change.conversation.id)))
    ids |= {change.conversation.assignee_id or 0, *also}
    tell(change, kind, ids - {0, change.actor.staff_id, *but})


def _pending(session: Session, conversation_id: int, kind: str) -> dict[int, Notice]:
    own = select(Notice).where(Notice.conversation_id == conversation_id, Notice.kind == kind)
    return {n.staff_id: n for n in session.scalars(own.where(Notice.seen_at.is_(None)))}


def list_notices(
    session: Session, actor: Actor, *, unseen: bool = False, after: str = "", limit: int = 50
) -> tuple[list[Told], str]:
    """What the actor was told of what they may still read, newest first, and the cursor of what
    follows ("": nothing)."""
    require(actor, Action.STAFF_VIEW)
    own = _own(actor)
    if unseen:
        own = and_(own, Notice.seen_at.is_(None))
    if after:
        edge = cursors.read(after, "notices")
        own = and_(own, or_(Notice.at < edge.at, and_(Notice.at == edge.at, Notice.id < edge.id)))
    wanted = (
        select(Notice, Conversation, Message)
        .join(Conversation, Conversation.id == Notice.conversation_id)
        .outerjoin(Message, and_(Message.id == Notice.message_id, Message.deleted_at.is_(None)))
        .options(joinedload(Conversation.identity).joinedload(Identity.customer))
        .where(own)
        .order_by(Notice.at.desc(), Notice.id.desc())
    )
    found = [Told(*row) for row in session.execute(wanted.limit(limit + 1))]
    last = found[limit - 1].notice if len(found) > limit else None
    return found[:limit], cursors.write(Cursor("notices", last.at, last.id)) if last else ""


def count_unseen(session: Session, actor: Actor) -> int:
    """How many the actor has not seen, counted up to COUNT_CAP + 1."""
    require(actor, Action.STAFF_VIEW)
    unseen = select(Notice.id).where(_own(actor), Notice.seen_at.is_(None)).limit(COUNT_CAP + 1)
    return session.scalar(select(func.count()).select_from(unseen.subquery())) or 0


def see_notices(session: Session, actor: Actor, ids: Sequence[int] | None, now: datetime) -> None:
    """The actor has seen these of their notices (None: all of them)."""
    require(actor, Action.STAFF_VIEW)
    own = and_(Notice.staff_id == actor.staff_id, Notice.seen_at.is_(None))
    _see(session, actor, own if ids is None else and_(own, Notice.id.in_(ids)), now)


def see_conversation(session: Session, actor: Actor, conversation: Conversation, through: int, now: datetime) -> None:
    """Who has read it up to the message `through` has seen what they were told of that."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    own = and_(Notice.staff_id == actor.staff_id, Notice.seen_at.is_(None))
    read = or_(Notice.message_id.is_(None), Notice.message_id <= through)
    _see(session, actor, and_(own, Notice.conversation_id == conversation.id, read), now)


def _see(session: Session, actor: Actor, which: ColumnElement[bool], now: datetime) -> None:
    done = session.execute(
        update(Notice)
        .where(which)
        .values(seen_at=now)
        .returning(Notice.id)
        .execution_options(synchronize_session="fetch")
    ).all()
    if done:
        live.tell(session, "notice", now, staff_id=actor.staff_id)


def calls(staff_id: ColumnElement[int], conversation_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Whether somebody called this person there who has not seen it yet, row by row."""
    unseen = select(Notice.id).where(Notice.staff_id == staff_id, Notice.seen_at.is_(None))
    return unseen.where(Notice.kind.in_(CALLS), Notice.conversation_id == conversation_id).exists()


def forget_old_notices(session: Session, actor: Actor, now: datetime) -> None:
    """Drop what was told longer than KEPT ago, seen or not: the conversation itself stays."""
    require(actor, Action.SYSTEM)
    session.execute(delete(Notice).where(Notice.at < now - KEPT))


def _own(actor: Actor) -> ColumnElement[bool]:
    return and_(
        Notice.staff_id == actor.staff_id, visible_conversations(actor, Notice.account_id, Notice.conversation_id)
    )
