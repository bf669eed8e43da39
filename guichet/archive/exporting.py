"""What a company owns, table by table, for other programs. A page at a time in the order of
the key, so that it streams however much there is and goes on where it stopped.

No secret is in it: a test reads every column's name. Pages are read one after the other; what
changes meanwhile is seen as it is when its page is read (a backup sees one moment)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select, tuple_
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.archive.rows import Shape, shape_of
from guichet.errors import NotFound
from guichet.models import Base
from guichet.policy import Action, Actor, require

# Tables that no export holds, each with the reason.
LEFT_OUT = {
    "credential": "secrets",
    "connect_attempt": "secrets",
    "secret_canary": "secrets",
    "staff_session": "secrets",
    "idempotency_key": "answers to programs, for a day",
    "live_event": "news for open pages, for hours",
    "worker": "processes of the moment",
    "poll_cursor": "how far the networks were read",
    "withdrawal": "deletions heard before what they delete, for a month",
    "sender_pace": "who wrote how often, for hours",
    "mail_picture": "pictures of mails that were loaded from elsewhere, for a week",
    "conversation_count": "counted from conversations",
    "instance": "which installation this is",
}
SECRET_COLUMNS: dict[str, frozenset[str]] = {
    "staff": frozenset({"password_hash"}),
    "api_token": frozenset({"token_hash"}),
    "calendar_feed": frozenset({"secret_hash"}),
    "account": frozenset({"webhook_secret"}),
    "alert_hook": frozenset({"sealed"}),
    "alert_call": frozenset({"nonce"}),
    "letter_wish": frozenset({"nonce"}),
    "review_link": frozenset({"secret_hash"}),
    "side_conversation": frozenset({"token"}),
}


def set_names() -> list[str]:
    """The sets that there are."""
    return sorted(t.name for t in Base.metadata.sorted_tables if t.name not in LEFT_OUT)


def shape_of_set(name: str) -> Shape:
    """Raises NotFound for a set that there is not."""
    return shape_of(_table(name), SECRET_COLUMNS.get(name, frozenset()))


def read_page(
    session: Session, actor: Actor, name: str, after: Sequence[Any] = (), limit: int = 1000
) -> tuple[list[list[Any]], list[Any]]:
    """The rows of a set after the key `after` (empty: from the beginning), as plain values,
    and the key of the last. Fewer than `limit`: that was the end."""
    require(actor, Action.SYSTEM)
    shape, table = shape_of_set(name), _table(name)
    key = list(table.primary_key)
    wanted = select(*(table.c[column] for column, _ in shape.columns), *key).order_by(*key).limit(limit)
    if after:
        wanted = wanted.where(tuple_(*key) > tuple_(*after))
    rows = session.execute(wanted).all()
    width = len(shape.columns)
    return [shape.out(row[:width]) for row in rows], list(rows[-1][width:]) if rows else list(after)


def _table(name: str) -> Table:
    table = Base.metadata.tables.get(name)
    if table is None or name in LEFT_OUT:
        raise NotFound(say("there is no set {name} to export", name=name))
    return table
