"""When a post is done: as soon as nothing of it can change by itself any more."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import Connection, Update, bindparam, select, update
from sqlalchemy.orm import Session

from guichet.db.dialect import given, kind_of
from guichet.delivery.gates import D
from guichet.delivery.states import State
from guichet.models import Delivery, Post, table_of

_P = table_of(Post)
_now = bindparam("now", type_=D.c.updated_at.type)


def close_posts(connection: Connection, post_ids: set[int], now: datetime) -> None:
    """A post is done when each of its deliveries is final, and at least one is published."""
    if not post_ids:
        return
    connection.execute(
        _closing(kind_of(connection)), {"posts": [{"id": i} for i in sorted(post_ids)], "now": now}
    )  # fmt: skip


@cache
def _closing(dialect: str) -> Update:
    posts = given(dialect, "posts", [_P.c.id])
    of_post = D.c.post_id == _P.c.id
    final = (State.PUBLISHED, State.FAILED, State.CANCELLED)
    is_open = select(D.c.id).where(of_post, D.c.state.not_in(final)).exists()
    is_out = select(D.c.id).where(of_post, D.c.state == State.PUBLISHED).exists()
    return (
        update(_P)
        .where(_P.c.id == posts.c.id, _P.c.state == "scheduled", ~is_open, is_out)
        .values(state="done", updated_at=_now, version=_P.c.version + 1)
    )


def close_post_of(session: Session, delivery: Delivery, now: datetime) -> None:
    """The same after a person settled one delivery of it."""
    if delivery.post_id is None:
        return
    session.flush()
    close_posts(session.connection(), {delivery.post_id}, now)
    session.refresh(session.get_one(Post, delivery.post_id))
