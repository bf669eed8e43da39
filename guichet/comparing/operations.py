"""Comparing a network's timeline with our rows, once a day. Nothing here publishes, deletes or
changes a delivery: what differs is written down for a person.

The reading itself is the edge's (workers/compare.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, not_, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec, Timeline
from channels.errors import ChannelError
from guichet import audit, live
from guichet.comparing import queries, rules
from guichet.comparing.rules import Found, Stretch
from guichet.db.changing import change_rows
from guichet.db.dialect import insert_new
from guichet.errors import Conflict
from guichet.instance import is_unconfirmed
from guichet.metering.operations import spent_in
from guichet.metering.rules import micros_of
from guichet.models import Account, Comparison, Discrepancy, Reception, table_of
from guichet.policy import SYSTEM, Action, Actor, require

LEASE = timedelta(minutes=15)  # nobody else compares meanwhile
KEPT_FOR = timedelta(days=90)  # what is settled


def list_due(session: Session, actor: Actor, now: datetime, limit: int = 5) -> Sequence[int]:
    """Accounts whose turn it is."""
    require(actor, Action.SYSTEM)
    due = or_(Comparison.next_at.is_(None), Comparison.next_at <= now)
    query = (
        select(Account.id)
        .outerjoin(Comparison, Comparison.account_id == Account.id)
        .where(Account.state == "connected", Account.compares, due, not_(is_unconfirmed()))
        .order_by(Comparison.next_at, Account.id)
    )
    return session.scalars(query.limit(limit)).all()


def begin(session: Session, actor: Actor, account: Account, spec: ChannelSpec, now: datetime) -> Stretch | None:
    """Take an account's turn: what is to be read. None: somebody else has it, it is switched off,
    or its month's money does not allow it (which is noted)."""
    require(actor, Action.SYSTEM)
    if not account.compares or account.state != "connected":
        return None
    if not _has_a_row(session, account, now):
        return None
    turn = update(Comparison).where(
        Comparison.account_id == account.id, Comparison.next_at <= now, not_(is_unconfirmed())
    )
    if not change_rows(session, turn.values(next_at=now + LEASE)):
        return None
    row = session.get_one(Comparison, account.id, populate_existing=True)
    price = micros_of(spec.tariff.prices[spec.tariff.own_read]) if spec.tariff and spec.tariff.own_read else 0
    most = rules.reads_left(spent_in(session, account.id, now), account.monthly_limit, price)
    if most == 0:
        _note(row, "spent", now, now + rules.EVERY)
        return None
    # Where reading costs, it costs again: only with a limit that says how much it may.
    measures = not price or account.monthly_limit is not None
    return rules.stretch(spec, row.through, account.created_at, most, now, measures)


def _has_a_row(session: Session, account: Account, now: datetime) -> bool:
    """Make the account's row if there is none. False: another worker makes it just now."""
    if session.get(Comparison, account.id) is not None:
        return True
    try:
        with session.begin_nested():
            session.add(Comparison(account_id=account.id, next_at=now))
    except IntegrityError:
        return False
    return True


def note_unlisted(session: Session, actor: Actor, account: Account, now: datetime) -> None:
    """This network, or this account of it, cannot be listed: nothing can be compared."""
    require(actor, Action.SYSTEM)
    _note(session.get_one(Comparison, account.id), "unlisted", now, now + rules.EVERY)


def note_failed(session: Session, actor: Actor, account: Account, error: ChannelError, now: datetime) -> None:
    """The timeline could not be read. It is tried again within the day."""
    require(actor, Action.SYSTEM)
    row = session.get_one(Comparison, account.id)
    _note(row, "failed", now, now + rules.AGAIN)
    row.error = error.detail


def note_compared(
    session: Session, actor: Actor, account: Account, asked: Stretch, timeline: Timeline,
    gone: Collection[str], now: datetime,
) -> list[Discrepancy]:  # fmt: skip
    """Write down what differs; `gone` are absences that the network confirmed. Returns what is
    new. A stranger that a person has linked meanwhile is none any more."""
    require(actor, Action.SYSTEM)
    found = [f for f in queries.absences(session, account, asked, timeline) if f.remote_id in gone]
    found += queries.strangers(session, account, asked, timeline)
    new = [d for f in found if (d := _keep(session, account, f, now)) is not None]
    _settle_what_is_known(session, account, now)
    _keep_figures(session, account, timeline, now)
    session.execute(delete(Discrepancy).where(Discrepancy.settled_at < now - KEPT_FOR))
    row = session.get_one(Comparison, account.id)
    _note(row, "done" if rules.is_whole(asked, timeline) else "partly", now, now + rules.EVERY)
    row.read, row.through = len(timeline.standing), asked.until
    if new:
        live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)
    return new


def _note(row: Comparison, result: str, now: datetime, next_at: datetime) -> None:
    row.result, row.error, row.compared_at, row.next_at = result, "", now, next_at


def _keep(session: Session, account: Account, found: Found, now: datetime) -> Discrepancy | None:
    """None: it is known already, perhaps even settled."""
    known = select(Discrepancy.id).where(
        Discrepancy.account_id == account.id, Discrepancy.kind == found.kind, Discrepancy.remote_id == found.remote_id
    )
    if session.scalar(known) is not None:
        return None
    row = Discrepancy(account_id=account.id, found_at=now, **vars(found))
    session.add(row)
    session.flush()
    audit.record(session, SYSTEM, f"discrepancy.{found.kind}", row, now, code=found.code, account_id=account.id)
    return row


def _keep_figures(session: Session, account: Account, timeline: Timeline, now: datetime) -> None:
    """What our posts had brought at the age at which all are measured; the first time counts."""
    told = rules.settled(timeline, now)
    rows = [
        {
            "delivery_id": id_, "account_id": account.id, "published_at": at, "measured_at": now,
            "likes": told[remote_id].likes, "shares": told[remote_id].shares, "answers": told[remote_id].answers,
        }
        for id_, remote_id, at in queries.posts_under(session, account, told)
    ]  # fmt: skip
    insert_new(session, table_of(Reception), rows, "delivery_id")
    old = Reception.published_at < now - rules.KEPT_FIGURES
    session.execute(delete(Reception).where(Reception.account_id == account.id, old))


def _settle_what_is_known(session: Session, account: Account, now: datetime) -> None:
    strangers = select(Discrepancy).where(
        Discrepancy.account_id == account.id, Discrepancy.kind == "stranger", Discrepancy.settled_at.is_(None)
    )
    rows = session.scalars(strangers).all()
    ours = queries.known_ids(session, account, {row.remote_id for row in rows})
    for row in rows:
        if row.remote_id in ours:
            row.settled_at, row.settled_as = now, "known"


def see(session: Session, actor: Actor, row: Discrepancy, now: datetime) -> None:
    """Say that one has seen it: it leaves the list. Raises Conflict where it has left already."""
    require(actor, Action.DELIVERY_DECIDE, row.account_id)
    if row.settled_at is not None:
        raise Conflict("it is settled already", code="settled")
    row.settled_at, row.settled_by, row.settled_as = now, actor.staff_id, "seen"
    audit.record(session, actor, "discrepancy.see", row, now)
    live.tell(session, "account", now, account_id=row.account_id, id=row.account_id)


def ask_now(session: Session, actor: Actor, account: Account, now: datetime) -> None:
    """Compare as soon as a worker is free, not only when the day is over. Raises Conflict where
    it is switched off, or the account is not connected."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    if not account.compares or account.state != "connected":
        raise Conflict("its timeline is not compared", code="not_compared")
    row = session.get(Comparison, account.id)
    if row is None:
        session.add(Comparison(account_id=account.id, next_at=now))
    elif row.compared_at is not None:  # else it is being compared for the first time
        row.next_at = min(row.next_at, now)
    audit.record(session, actor, "account.compare", account, now)
