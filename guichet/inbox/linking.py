"""Conversations that have to do with each other: related, or one the parent of the other.

A link shows to each only where they may read the other end; it moves no wait and no message.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.errors import Invalid
from guichet.inbox.changes import changing
from guichet.inbox.rows import ConversationRow, read_rows
from guichet.models import Conversation, ConversationLink
from guichet.policy import Action, Actor, require, visible

# What the other end is to the one that is looked at.
KINDS = ("related", "parent", "child")
_MOST = 50


@dataclass(frozen=True)
class Link:
    """`kind`: what `other` is to the conversation that was asked about."""

    kind: str
    other: ConversationRow


def link(
    session: Session, actor: Actor, conversation: Conversation, *, other: Conversation, kind: str, now: datetime
) -> None:
    """Say that `other` is related to it, its parent or its child. Two have one link: another
    kind takes the place of the first. Raises Invalid."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    require(actor, Action.CONVERSATION_VIEW, other)
    if kind not in KINDS:
        raise Invalid("there is no such link", {"kind": say("must be one of {choices}", choices=", ".join(KINDS))})
    if conversation.id == other.id:
        raise Invalid("a conversation cannot be linked with itself", {"other_id": "is the same conversation"})
    if len(read_links(session, actor, conversation)) >= _MOST:
        raise Invalid("this conversation has too many links", {"other_id": say("at most {most} links", most=_MOST)})
    above, below = (other, conversation) if kind == "parent" else (conversation, other)
    with changing(session, actor, conversation, now, "links") as change:
        _untie(session, conversation, other)
        tie(session, actor, above, below, "related" if kind == "related" else "parent", now)
        change.event("linked", other=other.id, link=kind)
        audit.record(session, actor, "conversation.link", conversation, now, other=other.id, kind=kind)


def unlink(session: Session, actor: Actor, conversation: Conversation, *, other: Conversation, now: datetime) -> None:
    """Take the link between the two away. Nothing happens if there is none."""
    require(actor, Action.CONVERSATION_ANSWER, conversation)
    require(actor, Action.CONVERSATION_VIEW, other)
    with changing(session, actor, conversation, now, "links") as change:
        if _untie(session, conversation, other):
            change.event("unlinked", other=other.id)
            audit.record(session, actor, "conversation.unlink", conversation, now, other=other.id)


def tie(
    session: Session, actor: Actor, above: Conversation, below: Conversation, kind: str, now: datetime
) -> None:  # fmt: skip
    """Write the link: `kind` is what `above` is to `below`. Rights are the caller's matter."""
    session.add(
        ConversationLink(conversation_id=above.id, other_id=below.id, kind=kind, staff_id=actor.staff_id, at=now)
    )
    session.flush()


def _untie(session: Session, one: Conversation, other: Conversation) -> bool:
    row = ConversationLink
    either = or_(
        and_(row.conversation_id == one.id, row.other_id == other.id),
        and_(row.conversation_id == other.id, row.other_id == one.id),
    )
    return bool(session.execute(delete(row).where(either).returning(row.other_id)).all())


def read_links(session: Session, actor: Actor, conversation: Conversation) -> Sequence[Link]:
    """Links to what the actor may read, oldest first."""
    require(actor, Action.CONVERSATION_VIEW, conversation)
    row = ConversationLink
    found = session.execute(
        select(row.conversation_id, row.other_id, row.kind)
        .where(or_(row.conversation_id == conversation.id, row.other_id == conversation.id))
        .order_by(row.at, row.conversation_id, row.other_id)
    ).all()
    kinds: dict[int, str] = {}
    for above, below, kind in found:
        other = below if above == conversation.id else above
        kinds[other] = "related" if kind == "related" else "child" if above == conversation.id else "parent"
    if not kinds:
        return []
    seen = select(Conversation.id).where(
        Conversation.id.in_(kinds), visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW)
    )
    allowed = set(session.scalars(seen))
    rows = read_rows(session, [i for i in kinds if i in allowed], actor.staff_id)
    return [Link(kinds[row.id], row) for row in rows]
