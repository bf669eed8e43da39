"""Following a conversation: of one's own accord, or because a note calls one by name.

Who may not read the conversation (any more) follows nothing: they are neither shown nor told,
from the moment in which their right ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from guichet import audit, live
from guichet.db import dialect
from guichet.errors import Invalid
from guichet.inbox import notices
from guichet.inbox.changes import Change
from guichet.models import Account, Conversation, ConversationFollower, Message, Staff, Team, TeamMember, table_of
from guichet.policy import Action, Actor, require, who_may
from guichet.staff.calling import called_in


def follow(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Be told what becomes of it. Nothing happens if one follows already."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    _add(session, conversation.id, [_person(actor)], now)
    _tell(session, actor, conversation, now, "conversation.follow")
    return conversation


def unfollow(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Conversation:
    """Be told no more, and no longer count as called here. What one was told stays."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    row = ConversationFollower
    session.execute(delete(row).where(row.conversation_id == conversation.id, row.staff_id == _person(actor)))
    _tell(session, actor, conversation, now, "conversation.unfollow")
    return conversation


def read_readers(
    session: Session, actor: Actor, conversation: Conversation, now: datetime
) -> tuple[Sequence[Staff], Sequence[Team]]:
    """Whom a note here can call: who may read it, and the teams in which somebody may, by name."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    account = session.get_one(Account, conversation.account_id)
    people = session.scalars(who_may(Action.CONVERSATION_VIEW, account, now).order_by(Staff.name, Staff.id)).all()
    members = select(TeamMember.team_id).where(TeamMember.staff_id.in_([s.id for s in people]))
    teams = select(Team).where(Team.id.in_(members)).options(selectinload(Team.members)).order_by(Team.name)
    return people, session.scalars(teams).all()


def read_followers(session: Session, actor: Actor, conversation: Conversation, now: datetime) -> Sequence[Staff]:
    """Who follows it and may read it, by name."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    row = ConversationFollower
    ids = session.scalars(select(row.staff_id).where(row.conversation_id == conversation.id)).all()
    if not ids:
        return ()
    account = session.get_one(Account, conversation.account_id)
    return session.scalars(
        who_may(Action.CONVERSATION_VIEW, account, now).where(Staff.id.in_(ids)).order_by(Staff.name, Staff.id)
    ).all()


def call(change: Change, actor: Actor, note: Message) -> None:
    """Tell everybody whom the note calls by "@name" (a person, the first part of their address,
    or a team), and have them follow. Who calls somebody follows too: an answer is for them.
    Then tell those who followed before. Within `changing`."""
    session, conversation, now = change.session, change.conversation, change.now
    people, teams = read_readers(session, actor, conversation, now) if "@" in note.text else ((), ())
    by_name = [(name, s) for s in people for name in {s.name, s.email.split("@")[0]}]
    called: list[Staff | Team] = called_in(note.text, [*by_name, *((t.name, t) for t in teams)])
    named = {one.id for one in called if isinstance(one, Staff)} - {actor.staff_id}
    readers = {s.id for s in people}
    through_team = {m.staff_id for t in called if isinstance(t, Team) for m in t.members} & readers
    through_team -= {actor.staff_id, *named}
    if called:
        note.context = {**note.context, "called": [one.name for one in called]}
        _add(session, conversation.id, [i for i in (actor.staff_id,) if i is not None], now)
        _add(session, conversation.id, sorted(named | through_team), now, mentioned_at=now)
        notices.tell(change, "mention", named, note)
        notices.tell(change, "team_mention", through_team, note)
    notices.tell_followers(change, "note", note, but=named | through_team)


def carry_over(session: Session, old: Conversation, new: Conversation, now: datetime) -> None:
    """Who follows the old one follows the new one. Rights are the caller's matter."""
    row = ConversationFollower
    own = session.scalars(select(row.staff_id).where(row.conversation_id == old.id).order_by(row.staff_id))
    _add(session, new.id, list(own), now)


def _add(
    session: Session,
    conversation_id: int,
    staff_ids: Sequence[int],
    now: datetime,
    mentioned_at: datetime | None = None,
) -> None:
    row = ConversationFollower
    own = select(row).where(row.conversation_id == conversation_id, row.staff_id.in_(staff_ids))
    known = {f.staff_id: f for f in session.scalars(own)}
    for staff_id in staff_ids:
        if staff_id not in known:
            # Somebody else may have had them follow in this moment.
            new = {"conversation_id": conversation_id, "staff_id": staff_id, "since": now, "mentioned_at": mentioned_at}
            dialect.upsert(session, table_of(row), new, "conversation_id", "staff_id")
        elif mentioned_at is not None:
            known[staff_id].mentioned_at = mentioned_at
    session.flush()


def _tell(session: Session, actor: Actor, conversation: Conversation, now: datetime, act: str) -> None:
    audit.record(session, actor, act, conversation, now)
    live.tell(
        session, "conversation", now, account_id=conversation.account_id, id=conversation.id,
        version=conversation.version, what="followers",
    )  # fmt: skip


def _person(actor: Actor) -> int:
    if actor.staff_id is None:
        raise Invalid("only a person can follow a conversation")
    return actor.staff_id
