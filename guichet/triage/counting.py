"""What rules ask of messages that takes counting: how often the same was said, and how many came
before. Each message counts itself, and none that came in after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from guichet.models import Conversation, Message

_MOST = 100  # the most that a condition may ask for: counting goes no further


def repeated(
    session: Session, messages: Sequence[Message], spans: Collection[tuple[str, int]]
) -> dict[int, dict[tuple[str, int], int]]:
    """How often each message's text was said on its account, by its id and by span: an operator
    of the condition and minutes. Only those that were said more than once are there."""
    groups: dict[tuple[int, str], list[Message]] = defaultdict(list)
    for message in messages:
        if message.same_key is not None:
            groups[message.account_id, message.same_key].append(message)
    several = _said_again(session, groups)
    found: dict[int, dict[tuple[str, int], int]] = defaultdict(dict)
    for key in groups.keys() & several:
        for operator in sorted({operator for operator, _ in spans}):
            minutes = [length for asked, length in spans if asked == operator]
            for alike in _by_author(groups[key]) if operator == "by_author" else [groups[key]]:
                said = _said(session, key, alike, max(minutes), is_authors=operator == "by_author")
                for message in alike:
                    for length in minutes:
                        found[message.id][operator, length] = _count(said, message, timedelta(minutes=length))
    return found


def _said_again(session: Session, keys: Collection[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of the keys that more than one message has: of a thousand messages hardly any."""
    again = (
        select(Message.account_id, Message.same_key)
        .where(Message.account_id.in_({account for account, _ in keys}), Message.same_key.in_({key for _, key in keys}))
        .group_by(Message.account_id, Message.same_key)
        .having(func.count() > 1)
    )
    return {(account, key) for account, key in session.execute(again) if key is not None}


def _by_author(messages: Iterable[Message]) -> list[list[Message]]:
    authors: dict[int | None, list[Message]] = defaultdict(list)
    for message in messages:
        authors[message.identity_id].append(message)
    return list(authors.values())


def _said(
    session: Session, key: tuple[int, str], alike: Sequence[Message], minutes: int, *, is_authors: bool
) -> list[tuple[int, datetime]]:
    """Id and time of what says the same as these, the newest that could count for one of them."""
    # Nothing is received before it is said: so this leaves out nothing that was said since.
    since = min(_at(m.kind, m.remote_at, m.received_at) for m in alike) - timedelta(minutes=minutes)
    rows = select(Message.id, Message.kind, Message.remote_at, Message.received_at).where(
        Message.account_id == key[0], Message.same_key == key[1], Message.id <= max(m.id for m in alike),
        Message.received_at >= since,
    )  # fmt: skip
    if is_authors:
        rows = rows.where(Message.identity_id == alike[0].identity_id)
    newest = session.execute(rows.order_by(Message.id.desc()).limit(_MOST + len(alike)))
    return [(id_, _at(kind, remote_at, received_at)) for id_, kind, remote_at, received_at in newest]


def _at(kind: str, remote_at: datetime, received_at: datetime) -> datetime:
    """When it was said: what a mail says of that is its author's word."""
    return received_at if kind == "mail" else remote_at


def _count(said: Iterable[tuple[int, datetime]], message: Message, length: timedelta) -> int:
    since = _at(message.kind, message.remote_at, message.received_at) - length
    return sum(1 for id_, at in said if id_ <= message.id and at > since)


def in_conversation(session: Session, messages: Sequence[Message]) -> dict[int, int]:
    """The how-manieth of its conversation's customers each message is, by its id."""
    ours = {m.conversation_id for m in messages}
    return _numbered(session, messages, Message.conversation_id, Message.conversation_id.in_(ours))


def of_customer(session: Session, messages: Sequence[Message]) -> dict[int, int]:
    """The how-manieth of its author's each message is, on whatever account of ours, by its id."""
    authors = {m.identity_id for m in messages if m.identity_id is not None}
    theirs = select(Conversation.id).where(Conversation.identity_id.in_(authors))
    return _numbered(
        session, messages, Message.identity_id, Message.conversation_id.in_(theirs), Message.identity_id.in_(authors)
    )  # fmt: skip


def _numbered(session: Session, messages: Sequence[Message], of: Any, *where: ColumnElement[bool]) -> dict[int, int]:
    numbered = (
        select(Message.id, func.row_number().over(partition_by=of, order_by=Message.id).label("n"))
        .where(Message.direction == "in", *where)
        .subquery()
    )
    rows = session.execute(select(numbered.c.id, numbered.c.n).where(numbered.c.id.in_({m.id for m in messages})))
    return {row.id: row.n for row in rows}
