"""Which conversation something belongs to: one for each account, identity and thread root.

Under a public post each commenter has their own, so that an answer to one never ends
another's wait. What is closed stays closed: who writes again gets a new one, linked to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Inbound, InboundKind
from guichet.inbox import counts, events
from guichet.inbox.states import State
from guichet.inbox.words import clean, clean_short
from guichet.models import Account, Conversation, Identity, Message
from guichet.policy import Actor
from guichet.receiving.people import ID_LENGTH, web_address

_PARTS = 20  # of one thread: earlier ones are long closed


def conversation_for(
    session: Session, actor: Actor, account: Account, identity: Identity, inbound: Inbound, now: datetime
) -> Conversation:
    """The conversation that goes on, or a new one."""
    found = find_conversation(session, account, identity, inbound)
    if found is not None and found.state != State.CLOSED:
        return found
    conversation = Conversation(
        account_id=account.id,
        identity_id=identity.id,
        thread_root=clean(inbound.thread_root, ID_LENGTH),
        surface=inbound.surface.value,
        state=State.SPAM if identity.customer.is_blocked else State.NEW,
        subject=clean_short(inbound.subject),
        team_id=account.brand.default_team_id,
        above=_above(inbound.above),
        previous_id=found.id if found else None,
        created_at=now,
        last_message_at=inbound.remote_at,
    )
    session.add(conversation)
    session.flush()
    counts.move(session, None, counts.place_of(conversation))
    for kind, data in _first_events(conversation):
        events.append(session, conversation.id, kind, now, staff_id=actor.staff_id, data=data)
    return conversation


def find_conversation(session: Session, account: Account, identity: Identity, inbound: Inbound) -> Conversation | None:
    """The one that goes on, wherever it was merged to: of several parts of a thread the one that
    `inbound` answers, else the newest. Where all are closed, the last of them."""
    homes = [home for home, _ in _homes(session, account, identity, inbound)]
    going_on = [home for home in homes if home.state != State.CLOSED]
    if len(going_on) > 1 and inbound.in_reply_to:
        answered = session.scalar(
            select(Message.conversation_id).where(
                Message.account_id == account.id, Message.remote_id == clean(inbound.in_reply_to, ID_LENGTH)
            )
        )
        going_on = [home for home in going_on if home.id == answered] or going_on
    return next(iter(going_on or homes), None)


def came_to(session: Session, account: Account, identity: Identity, inbound: Inbound, home: Conversation) -> int | None:
    """The conversation that `inbound` is for, where that was merged into `home`; else None."""
    for found, first in _homes(session, account, identity, inbound):
        if found.id == home.id:
            return first if first != home.id else None
    return None


def _homes(session: Session, account: Account, identity: Identity, inbound: Inbound) -> list[tuple[Conversation, int]]:
    """The conversations of this thread, newest first: each as what it was merged to, with its own id."""
    rows = session.scalars(
        select(Conversation)
        .where(
            Conversation.account_id == account.id,
            Conversation.identity_id == identity.id,
            Conversation.thread_root == clean(inbound.thread_root, ID_LENGTH),
        )
        .order_by(Conversation.id.desc())
        .limit(_PARTS)
    ).all()
    if not rows and inbound.in_reply_to:
        rows = _gathered(session, account, identity, clean(inbound.thread_root, ID_LENGTH))
    return [(home_of(session, row), row.id) for row in rows]


def _gathered(session: Session, account: Account, identity: Identity, root: str) -> Sequence[Conversation]:
    """Where the thread's first message came into a conversation of another thread (guichet.receiving.pacing)."""
    began = select(Message.conversation_id).where(
        Message.account_id == account.id, Message.remote_id == root, Message.identity_id == identity.id
    )
    own = Conversation.identity_id == identity.id
    return session.scalars(select(Conversation).where(Conversation.id.in_(began), own)).all()


def home_of(session: Session, found: Conversation) -> Conversation:
    """What it was merged into, or itself."""
    while found.merged_into_id is not None:
        found = session.get_one(Conversation, found.merged_into_id)
    return found


def _first_events(conversation: Conversation) -> list[tuple[str, dict[str, Any]]]:
    first: list[tuple[str, dict[str, Any]]] = [("created", {"previous_id": conversation.previous_id})]
    if conversation.team_id is not None:
        first.append(("owner", {"team_id": conversation.team_id, "staff_id": None}))
    return first


def _above(post: Inbound | None) -> dict[str, Any]:
    """The public post that it hangs under, as it was when the customer answered it."""
    if post is None:
        return {}
    return {
        "ours": post.kind is InboundKind.ECHO,
        "remote_id": clean(post.remote_id, ID_LENGTH),
        "text": clean(post.text, 20_000),
        "url": web_address(post.url),
        "at": post.remote_at.isoformat(),
        "author": {"handle": clean_short(post.author.handle), "name": clean_short(post.author.name)},
        "media": [
            {"mime": clean_short(m.mime), "url": web_address(m.url), "alt": clean(m.alt, 4000)} for m in post.media[:20]
        ],
    }
