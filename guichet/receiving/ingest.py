"""Keeping what networks hand over: committed before it is understood, once, with the
cursor that says how far was read.

Refuses nothing: an item that cannot be understood is tried again, and after five failures
lies with its original among the dead letters, where a person sees it and can replay it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased

from channels import contract
from channels.sentences import say
from guichet import audit
from guichet.db import dialect
from guichet.errors import Conflict
from guichet.inbox.states import UNFINISHED
from guichet.inbox.words import clean, clean_data
from guichet.models import Account, Conversation, Message, PollCursor, RawItem, table_of
from guichet.policy import Action, Actor, require, visible

TRIES = 5
_FIRST_PAUSE = timedelta(seconds=30)
BEGUN_FOR = timedelta(seconds=30)  # within which a batch is understood, or its worker is taken for dead
_RAW = table_of(RawItem)


@dataclass(frozen=True)
class Incoming:
    """An item that an edge took in for an account (a webhook, verified)."""

    account_id: int
    item: contract.RawItem
    received_at: datetime


def store_page(
    session: Session, actor: Actor, account: Account, page: contract.Page, now: datetime, *, stream: str
) -> int:
    """Keep a page and its cursor in one transaction; returns how many items were new.

    Overlap is harmless: an item is unique by account, stream and delivery key. A gap is kept
    until somebody has seen it.
    """
    require(actor, Action.SYSTEM)
    new = store_items(session, actor, [Incoming(account.id, item, now) for item in page.items])
    cursor = session.get(PollCursor, (account.id, stream))
    if cursor is None:
        cursor = PollCursor(account_id=account.id, stream=stream, next_poll_at=now)
        session.add(cursor)
    cursor.value, cursor.polled_at = dict(page.cursor), now
    cursor.failures, cursor.last_error = 0, ""
    if page.gap is not None:
        cursor.gap_since = min(page.gap.since, cursor.gap_since or page.gap.since)
        cursor.gap_until, cursor.gap_reason = page.gap.until, page.gap.reason
    session.flush()
    return new


def store_items(session: Session, actor: Actor, incoming: Sequence[Incoming]) -> int:
    """Keep items of any accounts in one statement; those already kept are passed over.
    Returns how many were new."""
    require(actor, Action.SYSTEM)
    rows = [_row(i) for i in incoming]
    return dialect.insert_many_new(session, _RAW, rows, "account_id", "stream", "delivery_key")


def _row(incoming: Incoming) -> dict[str, object]:
    item = incoming.item
    return {
        "account_id": incoming.account_id,
        "stream": clean(item.stream, 300),
        "delivery_key": clean(item.delivery_key, 600),
        "headers": clean_data(dict(item.headers)),
        "body": item.body,
        "received_at": incoming.received_at,
        "state": "waiting",
        "tries": 0,
        "last_error": "",
    }


def forget_gap(session: Session, actor: Actor, account: Account, stream: str, now: datetime) -> None:
    """Somebody has seen that something could not be fetched, and takes the notice down.
    Nothing happens where there is none."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    cursor = session.get(PollCursor, (account.id, stream))
    if cursor is None or cursor.gap_since is None:
        return
    bounds = {"since": cursor.gap_since.isoformat(), "until": cursor.gap_until and cursor.gap_until.isoformat()}
    audit.record(session, actor, "account.gap_seen", account, now, stream=stream, **bounds)
    cursor.gap_since = cursor.gap_until = None
    cursor.gap_reason = ""


def list_due_accounts(session: Session, actor: Actor, now: datetime) -> Sequence[int]:
    """Ids of connected accounts of which a stream is to be read now, or was never read."""
    require(actor, Action.SYSTEM)
    due = select(PollCursor.account_id).where(
        PollCursor.next_poll_at <= now, or_(PollCursor.claimed_until.is_(None), PollCursor.claimed_until <= now)
    )
    never = ~select(PollCursor.account_id).where(PollCursor.account_id == Account.id).exists()
    connected = select(Account.id).where(Account.state == "connected", or_(Account.id.in_(due), never))
    return session.scalars(connected.order_by(Account.id)).all()


def list_to_recheck(
    session: Session, actor: Actor, account_id: int, after: int, limit: int
) -> Sequence[tuple[int, str]]:
    """Ids and remote ids, by id from `after` on, of what customers said in conversations
    that are not finished: what one may still answer must be what still stands."""
    require(actor, Action.SYSTEM)
    standing = (
        select(Message.id, Message.remote_id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.account_id == account_id, Conversation.state.in_(UNFINISHED))
        .where(Message.direction == "in", Message.deleted_at.is_(None), Message.id > after)
        .order_by(Message.id)
        .limit(limit)
    )
    return [(id_, str(remote_id)) for id_, remote_id in session.execute(standing)]


# ------------------------------------------------------------ what waits to be understood


def is_any_waiting(session: Session, actor: Actor, now: datetime) -> bool:
    """Whether `begin_waiting` would find something."""
    require(actor, Action.SYSTEM)
    found = select(RawItem.id).where(*_ready(now), or_(_lapsed(now), _fresh(now)))
    return session.scalar(found.limit(1)) is not None


def begin_waiting(session: Session, actor: Actor, now: datetime, limit: int) -> Sequence[RawItem]:
    """Items to digest now, in the order in which they came, kept from other workers for
    BEGUN_FOR, and with them what else waits on their accounts: two workers on one account would
    meet at its customers.

    What a worker began and never ended comes alone and first, and that has counted against it
    before it is tried again, later each time: an item that is the end of whoever reads it becomes
    a dead letter and holds up nothing else. Whoever was killed beside it needs more than minutes
    of bad luck for that.
    """
    require(actor, Action.SYSTEM)
    for raw in _kept(session, _lapsed(now), now, TRIES):
        _count(session, actor, raw, say("whoever began to read it ended before it was understood"), now)
        if raw.state == "waiting":
            raw.begun_at = now
            session.flush()
            return [raw]
    found = _kept(session, _fresh(now), now, limit)
    for raw in found:
        raw.begun_at = now
    session.flush()
    return found


def lock_waiting(session: Session, actor: Actor, ids: Sequence[int]) -> Sequence[RawItem]:
    """Those of the items that still wait, kept from others until the transaction ends."""
    require(actor, Action.SYSTEM)
    still = select(RawItem).where(RawItem.id.in_(ids), RawItem.state == "waiting").order_by(RawItem.id)
    return session.scalars(still.with_for_update(skip_locked=True)).all()


def _ready(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return RawItem.state == "waiting", or_(RawItem.try_after.is_(None), RawItem.try_after <= now)


def _lapsed(now: datetime) -> ColumnElement[bool]:
    return RawItem.begun_at <= now - BEGUN_FOR


def _fresh(now: datetime) -> ColumnElement[bool]:
    """Nobody has begun it, nor anything else of its account."""
    other = aliased(RawItem)
    busy = select(other.account_id).where(other.state == "waiting", other.begun_at > now - BEGUN_FOR)
    return RawItem.begun_at.is_(None) & RawItem.account_id.not_in(busy)


def _kept(session: Session, which: ColumnElement[bool], now: datetime, limit: int) -> Sequence[RawItem]:
    found = select(RawItem).where(*_ready(now), which).order_by(RawItem.id).limit(limit)
    return session.scalars(found.with_for_update(skip_locked=True)).all()


def note_digested(raw: RawItem, now: datetime) -> None:
    raw.state, raw.processed_at, raw.last_error = "done", now, ""


def note_postponed(raw: RawItem, why: str, until: datetime) -> None:
    """It is tried again then, and this does not count: it is not the item's fault."""
    raw.begun_at, raw.try_after, raw.last_error = None, until, why


def note_failure(session: Session, actor: Actor, raw: RawItem, error: str, now: datetime) -> None:
    """One more failure; the fifth makes it a dead letter. `error` without secrets or texts."""
    require(actor, Action.SYSTEM)
    _count(session, actor, raw, error, now)


def _count(session: Session, actor: Actor, raw: RawItem, error: str, now: datetime) -> None:
    raw.tries += 1
    raw.begun_at, raw.last_error = None, error
    raw.try_after = now + _FIRST_PAUSE * 2 ** (raw.tries - 1)
    if raw.tries >= TRIES:
        raw.state = "dead"
        audit.record(session, actor, "raw_item.dead", raw, now, account_id=raw.account_id)
    session.flush()


# ------------------------------------------------------------ dead letters


def list_dead_letters(session: Session, actor: Actor, *, limit: int = 100) -> Sequence[RawItem]:
    """What could not be understood, newest first, on the accounts that the actor manages."""
    dead = select(RawItem).where(
        RawItem.state == "dead", visible(actor, RawItem.account_id, Action.ACCOUNT_MANAGE)
    )  # fmt: skip
    return session.scalars(dead.order_by(RawItem.id.desc()).limit(limit)).all()


def replay_dead_letter(session: Session, actor: Actor, raw: RawItem, now: datetime) -> None:
    """Try it again from the start. Raises Conflict unless it is dead."""
    require(actor, Action.ACCOUNT_MANAGE, raw)
    if raw.state != "dead":
        raise Conflict("only a dead letter can be replayed", code="not_possible_now", state=raw.state)
    raw.state, raw.tries, raw.try_after, raw.begun_at = "waiting", 0, None, None
    audit.record(session, actor, "raw_item.replay", raw, now)
    session.flush()


def count_dead_letters(session: Session, actor: Actor) -> Mapping[int, int]:
    """How many lie on each account that the actor manages."""
    counts: dict[int, int] = {}
    for raw in list_dead_letters(session, actor, limit=1000):
        counts[raw.account_id] = counts.get(raw.account_id, 0) + 1
    return counts
