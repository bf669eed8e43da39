"""Fetching what customers wrote, and understanding it.

`poll` commits what a network hands over, with the cursor that says how far was read, page
by page; `digest` turns it into messages. Both may be killed at any point and run twice at
once: a page is unique by its items, an item by the message that it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from rq.timeouts import BaseTimeoutException
from sqlalchemy import not_, or_, select, update
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError, TimeoutError
from sqlalchemy.orm import Session

from channels import contract
from channels.contract import ChannelSpec, Inbound, Reader, Rechecker
from channels.errors import AuthExpired, ChannelError, Malformed, OutcomeUnknown, RateLimited, Unavailable
from channels.sentences import say
from guichet.accounts import operations as accounts
from guichet.accounts.queries import kept_at
from guichet.errors import GuichetError
from guichet.inbox.changes import together
from guichet.instance import is_unconfirmed
from guichet.jobs import DIGEST, POLL
from guichet.models import Account, Message, PollCursor, RawItem
from guichet.policy import SYSTEM
from guichet.receiving import ingest
from guichet.receiving.digest import digest as digest_item
from guichet.triage.applying import apply_rules
from guichet.triage.assignment import assign_team
from workers.desks import connect, is_refused_again, renew
from workers.runtime import Process, current

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=POLL.timeout + 10)  # of one poll, in case that its worker is killed
LONGEST_READING = 40.0  # seconds after which a poll begins no further page; the next goes on from there
MOST_PAGES = 50  # in one go; the next poll goes on from there
LONGEST_PAUSE = timedelta(minutes=15)
REHEARSAL_EVERY = timedelta(seconds=5)  # a loopback server costs nothing
RECHECK = "recheck"  # the stream of what was read before and may be gone since
RECHECK_EVERY = timedelta(minutes=10)
RECHECKED = 20  # messages at once, the next ones the next time
BATCH = 25  # items of one transaction; on SQLite nobody else writes meanwhile, and no webhook is kept
LONGEST_RUN = 90.0  # seconds of one digest job
# Where the network could not be asked: no fault of the item, which is tried again.
_NOT_ITS_FAULT = (Unavailable, OutcomeUnknown, RateLimited, AuthExpired)
# Nor where the database was away, or busy with something else for too long.
_DATABASE_AWAY = (OperationalError, InterfaceError, TimeoutError)
_PAUSES = (0.05, 0.3)  # seconds
_POSTPONED = timedelta(minutes=1)


# ---------------------------------------------------------------- polling


def poll(account_id: int) -> None:
    """Read every stream of the account that is due, each by whoever claims it."""
    process = current()
    opened = _open_reader(process, account_id)
    if opened is None:
        return
    spec, reader = opened.spec, opened.reader
    every = min(spec.poll_every, REHEARSAL_EVERY) if opened.is_rehearsal else spec.poll_every
    if opened.is_spent:
        every = LONGEST_PAUSE  # what customers write is still read, though less often
    dispensable = spec.tariff.dispensable if spec.tariff and opened.is_spent else frozenset[str]()
    streams = [*reader.streams, *([RECHECK] if isinstance(reader, Rechecker) else [])]
    _know_streams(process, account_id, streams)
    for stream in streams:
        claim = _claim(process, account_id, stream)
        if claim is None or process.stopping.is_set():
            continue
        if stream in dispensable:
            _leave_unread(process, claim)
            continue
        if stream == RECHECK:
            every = RECHECK_EVERY
        try:
            _read_pages(process, claim, reader, every, streams)
        except ChannelError as e:
            is_auth = isinstance(e, AuthExpired)
            # Where a renewal is all it needs, or it was a blip, the next poll goes through.
            is_dead = is_auth and not renew(process, account_id) and is_refused_again(process, account_id)
            _note_failure(process, claim, e, every, opened.used, is_dead=is_dead)
            if is_auth:
                return  # the other streams would hear the same
        except (SQLAlchemyError, BaseTimeoutException):
            raise  # neither the stream's fault nor the adapter's
        except Exception as e:  # an adapter's own fault: this stream is late, the others are not
            log.exception("stream_not_read", account=account_id, stream=stream)
            why = say("what the network answered could not be read ({fault})", fault=type(e).__name__)
            _note_failure(process, claim, Malformed(why), every, opened.used)
        finally:
            process.write_down()


def poll_due() -> None:
    """Read every account that is due: for a worker that nobody wakes (Redis is away)."""
    process = current()
    with process.runtime.reading() as session:
        due = ingest.list_due_accounts(session, SYSTEM, process.runtime.now())
    for account_id in due:
        if not process.stopping.is_set():
            poll(account_id)


@dataclass(frozen=True)
class _Claim:
    """A stream that is ours to read until `until`, and where it was left."""

    account_id: int
    stream: str
    at: datetime
    until: datetime
    cursor: contract.JSON | None


@dataclass(frozen=True)
class _Opened:
    """A reader, whether the month's money is gone, and when the secrets were kept that it uses."""

    spec: ChannelSpec
    reader: Reader
    is_rehearsal: bool
    is_spent: bool
    used: datetime | None


def _open_reader(process: Process, account_id: int) -> _Opened | None:
    """None where the account cannot be read now: gone, without secrets or reader."""
    with process.runtime.reading() as session:
        account = session.get(Account, account_id)
        if account is None or account.state != "connected":
            return None
        network, is_rehearsal = account.network, account.is_rehearsal
        used = kept_at(session, account_id)
        is_spent = account.spent_until is not None and account.spent_until > process.runtime.now()
    try:
        connection = connect(process, account_id)
        reader = process.networks.reader(connection, is_rehearsal)
    except (GuichetError, ChannelError) as e:
        log.warning("account_not_readable", account=account_id, error=type(e).__name__)
        return None
    if reader is None:
        return None
    return _Opened(process.networks.spec(network), reader, is_rehearsal, is_spent, used)


def _know_streams(process: Process, account_id: int, streams: Sequence[str]) -> None:
    """A cursor for each stream, due at once where it is new."""
    with process.runtime.reading() as session:
        known = set(session.scalars(select(PollCursor.stream).where(PollCursor.account_id == account_id)))
    for stream in streams:
        if stream not in known:
            with suppress(IntegrityError), process.runtime.unit() as unit:  # somebody else was faster
                unit.session.add(
                    PollCursor(account_id=account_id, stream=stream, value={}, next_poll_at=process.runtime.now())
                )


def _claim(process: Process, account_id: int, stream: str) -> _Claim | None:
    """Ours if it is due and nobody reads it. One winner."""
    now = process.runtime.now()
    with process.runtime.unit() as unit:
        row = unit.session.execute(
            update(PollCursor)
            .where(PollCursor.account_id == account_id, PollCursor.stream == stream, PollCursor.next_poll_at <= now)
            .where(or_(PollCursor.claimed_until.is_(None), PollCursor.claimed_until <= now), not_(is_unconfirmed()))
            .values(claimed_until=now + LEASE)
            .returning(PollCursor.value)
        ).first()
    return _Claim(account_id, stream, now, now + LEASE, row[0] or None) if row else None


def _read_pages(
    process: Process, claim: _Claim, reader: Reader, every: timedelta, streams: Sequence[str]
) -> None:  # fmt: skip
    """Store page after page; the claim ends with the last one."""
    cursor, began = claim.cursor, time.monotonic()
    for n in range(1, MOST_PAGES + 1):
        page = _next_page(process, claim, reader, cursor)
        is_enough = n == MOST_PAGES or time.monotonic() - began > LONGEST_READING
        is_last = not page.more or is_enough or process.stopping.is_set()
        with process.runtime.unit() as unit:
            row = _still_ours(unit.session, claim)
            if row is None:
                return  # we were frozen, and another reads it now
            now = process.runtime.now()
            account = unit.session.get_one(Account, claim.account_id)
            if ingest.store_page(unit.session, SYSTEM, account, page, now, stream=claim.stream):
                unit.enqueue(DIGEST)
            if is_last:
                row.claimed_until = None
                if row.next_poll_at < claim.at:  # else somebody asked for more meanwhile: it stays due
                    row.next_poll_at = now if page.more else now + every
                if account.last_error:
                    accounts.note_success(unit.session, SYSTEM, account, now, streams=streams)
        if is_last:
            return
        cursor = page.cursor


def _leave_unread(process: Process, claim: _Claim) -> None:
    """What is read for our own sake only waits until there is money again."""
    with process.runtime.unit() as unit:
        row = _still_ours(unit.session, claim)
        if row is not None:
            row.claimed_until = None
            row.next_poll_at = process.runtime.now() + LONGEST_PAUSE
            row.last_error = say("not read: what the account may cost this month is spent")


def _next_page(process: Process, claim: _Claim, reader: Reader, cursor: contract.JSON | None) -> contract.Page:
    """What the network has after `cursor`; of the stream RECHECK what became of the next few
    messages that may still be answered, round and round."""
    if claim.stream != RECHECK or not isinstance(reader, Rechecker):
        return reader.poll(claim.stream, cursor)
    after = int((cursor or {}).get("after", 0))
    with process.runtime.reading() as session:
        standing = ingest.list_to_recheck(session, SYSTEM, claim.account_id, after, RECHECKED)
    changed = reader.recheck([remote_id for _, remote_id in standing]) if standing else ()
    return contract.Page(tuple(changed), {"after": standing[-1][0] if len(standing) == RECHECKED else 0})


def _still_ours(session: Session, claim: _Claim) -> PollCursor | None:
    row = session.get_one(PollCursor, (claim.account_id, claim.stream), with_for_update=True)
    return row if row.claimed_until == claim.until else None


def _note_failure(
    process: Process,
    claim: _Claim,
    error: ChannelError,
    every: timedelta,
    used: datetime | None,
    *,
    is_dead: bool = False,
) -> None:
    """Later again, longer each time; the page tells people what is wrong."""
    with process.runtime.unit() as unit:
        row = _still_ours(unit.session, claim)
        if row is None:
            return
        now = process.runtime.now()
        row.failures += 1
        row.last_error, row.claimed_until = error.detail, None
        row.next_poll_at = now + min(every * 2 ** min(row.failures, 10), LONGEST_PAUSE)
        if isinstance(error, RateLimited) and error.retry_at is not None:
            row.next_poll_at = max(row.next_poll_at, min(error.retry_at, now + LONGEST_PAUSE))
        account = unit.session.get_one(Account, claim.account_id)
        accounts.note_failure(unit.session, SYSTEM, account, error, now, used=used, is_confirmed=is_dead)
    log.info("poll_failed", account=claim.account_id, stream=claim.stream, error=error.code)


# ---------------------------------------------------------------- digesting


def digest() -> None:
    """Understand what waits, in the order in which it came, until nothing new is there."""
    process = current()
    began = time.monotonic()
    while not process.stopping.is_set() and time.monotonic() - began < LONGEST_RUN:
        with process.runtime.reading() as session:
            if not ingest.is_any_waiting(session, SYSTEM, process.runtime.now()):
                return
        with process.runtime.unit() as unit:
            waiting = ingest.begin_waiting(unit.session, SYSTEM, process.runtime.now(), BATCH)
            batch = [_Parcel(raw.id, raw.account_id, _item(raw)) for raw in waiting]
        if not batch:
            return  # another worker has them
        _digest_batch(process, batch)


@dataclass(frozen=True)
class _Parcel:
    """A raw item on its way through this process; `said` once it is understood."""

    id: int
    account_id: int
    item: contract.RawItem
    said: tuple[Inbound, ...] = ()


def _item(raw: RawItem) -> contract.RawItem:
    return contract.RawItem(raw.stream, raw.delivery_key, raw.body, dict(raw.headers))


def _digest_batch(process: Process, batch: Sequence[_Parcel]) -> None:
    """One transaction for all that could be understood; where that fails, one for each, so
    that a poisoned item holds up nothing else."""
    understood = _understand(process, batch)
    process.write_down()
    if not understood:
        return
    try:
        _take_up(process, understood)
    except Exception as e:
        log.info("batch_one_by_one", items=len(understood), error=type(e).__name__)
        for parcel in understood:
            _take_up_alone(process, parcel)


def _understand(process: Process, batch: Sequence[_Parcel]) -> list[_Parcel]:
    """Parsing may ask the network for the thread above, so no transaction is open here."""
    readers: dict[int, Reader | None] = {}
    understood = []
    for parcel in batch:
        if parcel.account_id not in readers:
            opened = _open_reader(process, parcel.account_id)
            readers[parcel.account_id] = opened.reader if opened else None
        reader = readers[parcel.account_id]
        if reader is None:
            _postpone(process, parcel, say("the account cannot be read now"))
            continue
        try:
            understood.append(_Parcel(parcel.id, parcel.account_id, parcel.item, tuple(reader.parse(parcel.item))))
        except _NOT_ITS_FAULT as e:
            _postpone(process, parcel, e.detail)
        except ChannelError as e:
            _fail(process, parcel, e.detail)
        except Exception as e:  # an adapter's own fault must not stop the others' mail
            log.exception("item_not_understood", item=parcel.id)
            _fail(process, parcel, say("it could not be understood ({fault})", fault=type(e).__name__))
    return understood


def _take_up(process: Process, parcels: Sequence[_Parcel]) -> None:
    """Messages, rules and assignment of these items, in one transaction."""
    by_id = {parcel.id: parcel for parcel in parcels}
    with process.runtime.unit() as unit:
        now = process.runtime.now()
        new: list[Message] = []
        with together(unit.session):
            waiting = ingest.lock_waiting(unit.session, SYSTEM, sorted(by_id))
            for raw in waiting:
                new += digest_item(
                    unit.session, SYSTEM, raw, by_id[raw.id].said, now, store=process.runtime.store
                )  # fmt: skip
            for team_id in apply_rules(unit.session, SYSTEM, new, now, process.networks.spec):
                assign_team(unit.session, SYSTEM, team_id, now)
            for raw in waiting:
                ingest.note_digested(raw, now)


def _take_up_alone(process: Process, parcel: _Parcel) -> None:
    """Tried again at once where somebody else stood in the way: two that make the same customer
    in the same moment, or wait for each other."""
    try:
        for pause in _PAUSES:
            with suppress(IntegrityError, *_DATABASE_AWAY):
                return _take_up(process, [parcel])
            time.sleep(pause)
        _take_up(process, [parcel])
    except _DATABASE_AWAY as e:
        _postpone(process, parcel, say("the database did not take it up ({fault})", fault=type(e).__name__))
    except Exception as e:
        log.exception("item_not_digested", item=parcel.id)
        _fail(process, parcel, say("it could not be taken up ({fault})", fault=type(e).__name__))


def _fail(process: Process, parcel: _Parcel, error: str) -> None:
    with process.runtime.unit() as unit:
        for raw in ingest.lock_waiting(unit.session, SYSTEM, [parcel.id]):
            ingest.note_failure(unit.session, SYSTEM, raw, error, process.runtime.now())


def _postpone(process: Process, parcel: _Parcel, why: str) -> None:
    """Not the item's fault: it is tried again and this does not count."""
    with process.runtime.unit() as unit:
        for raw in ingest.lock_waiting(unit.session, SYSTEM, [parcel.id]):
            ingest.note_postponed(raw, why, process.runtime.now() + _POSTPONED)
