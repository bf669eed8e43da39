"""Live events. Operations `tell` of what they changed in the same transaction; one
sequencer numbers what was committed; readers go by number and see no gaps.

Events carry ids, never text: who receives one asks the API, which checks the right again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from guichet.db.changing import change_rows
from guichet.jobs import NEWS
from guichet.models import LiveEvent, table_of
from guichet.policy import Action, Actor, require, visible

# The Redis stream that says how far events are numbered: {"n": number}. A hint; rows are the truth.
STREAM = "guichet:live"
_GATHERED = "guichet.live"

KINDS = (
    "conversation",  # changed or new: {"id", "version", "what"}
    "message",  # new or changed in a conversation: {"id", "conversation_id"}
    "side",  # something beside a conversation: {"id", "conversation_id"}
    "alert",  # one was raised, acknowledged, or is over: {"id"}
    "notice",  # to one person: they were told something, or have seen it: {"conversation_id"}
    "presence",  # somebody came, left, began or ceased to write: {"conversation_id"}
    "delivery",  # {"id", "state", "post_id", "conversation_id"}
    "post",  # {"id"}
    "film",  # {"id"} of a file from which one is being made
    "evergreen",  # {"id"} of a queue
    "account",  # {"id", "state"}
    "brake",  # {"on"}
    "rights",  # somebody's rights changed: streams re-read theirs
    "signed_out",  # to one person: this session is over
)


def tell(
    session: Session,
    kind: str,
    now: datetime,
    *,
    account_id: int | None = None,
    staff_id: int | None = None,
    **data: Any,
) -> None:
    """Say that something changed. `account_id` None reaches everybody signed in;
    `staff_id` only that person."""
    if kind not in KINDS:
        raise ValueError(f"there is no live event {kind!r}")
    row = {"kind": kind, "at": now, "account_id": account_id, "staff_id": staff_id, "data": data}
    if _GATHERED in session.info:
        session.info[_GATHERED].append(row)
    else:
        session.add(LiveEvent(**row))
    session.info[NEWS] = True


@contextmanager
def gathered(session: Session) -> Iterator[None]:
    """Within the block what is told is written at its end, in one statement."""
    session.info[_GATHERED] = rows = list[dict[str, Any]]()
    try:
        yield
        if rows:
            session.execute(insert(table_of(LiveEvent)), rows)
    finally:
        del session.info[_GATHERED]


_AT_ONCE = 5000
_next = bindparam("last", type_=BigInteger) + func.row_number().over(order_by=LiveEvent.id)
_waiting = (
    select(LiveEvent.id, _next.label("n"))
    .where(LiveEvent.number.is_(None))
    .order_by(LiveEvent.id)
    .limit(_AT_ONCE)
    .subquery()
)
_numbering = (
    update(LiveEvent)
    .where(LiveEvent.id == _waiting.c.id)
    .values(number=_waiting.c.n)
    .execution_options(synchronize_session=False)
)


def number_new(session: Session, actor: Actor) -> int:
    """Number the committed events in order; returns the highest number. Only the
    sequencer (the clock process, under its lock) calls this."""
    require(actor, Action.SYSTEM)
    last = session.scalar(select(func.max(LiveEvent.number))) or 0
    return last + change_rows(session, _numbering, {"last": last})


def newest_number(session: Session) -> int:
    """Where a new stream starts."""
    return session.scalar(select(func.max(LiveEvent.number))) or 0


def read_after(session: Session, actor: Actor, number: int, limit: int = 200) -> Sequence[LiveEvent]:
    """Events after `number` that `actor` may see now, in order."""
    return session.scalars(
        select(LiveEvent)
        .where(LiveEvent.number > number)
        .where(or_(LiveEvent.account_id.is_(None), visible(actor, LiveEvent.account_id)))
        .where(or_(LiveEvent.staff_id.is_(None), LiveEvent.staff_id == actor.staff_id))
        .order_by(LiveEvent.number)
        .limit(limit)
    ).all()


def read_all_after(session: Session, actor: Actor, number: int, limit: int) -> Sequence[LiveEvent]:
    """Events after `number`, in order, whomever they are for: what one reads who tells many."""
    require(actor, Action.SYSTEM)
    return session.scalars(
        select(LiveEvent).where(LiveEvent.number > number).order_by(LiveEvent.number).limit(limit)
    ).all()


def is_for(actor: Actor, seen: frozenset[int] | None, *, account_id: int | None, staff_id: int | None) -> bool:
    """Whether `actor`, who sees these accounts (`visible_accounts`), hears such an event: the
    same as `read_after` says of rows."""
    is_theirs = staff_id is None or staff_id == actor.staff_id
    return is_theirs and (account_id is None or seen is None or account_id in seen)


def oldest_number(session: Session) -> int:
    """Below this, events are forgotten and a stream must start afresh (`resync`)."""
    return session.scalar(select(func.min(LiveEvent.number))) or 0


def forget_old(session: Session, actor: Actor, now: datetime, keep: timedelta = timedelta(hours=6)) -> None:
    """Drop events that no stream can still want. The newest stays, so that numbers go on."""
    require(actor, Action.SYSTEM)
    newest = select(func.max(LiveEvent.number)).scalar_subquery()
    session.execute(delete(LiveEvent).where(LiveEvent.at < now - keep, LiveEvent.number < newest))
