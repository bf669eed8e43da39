"""Being told of news (IMAP IDLE) instead of asking: a hint that makes the next poll due at
once. It loses nothing when it dies, because polling goes on without it.

The clock that is active listens, in threads that do nothing but wait: so each mailbox is
waited on once however many machines there are, and no process is spent on it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Connection, Waiter
from channels.errors import ChannelError
from guichet.errors import GuichetError
from guichet.jobs import POLL
from guichet.models import Account, PollCursor
from workers.desks import connect
from workers.runtime import Process

log = structlog.get_logger(__name__)

LOOK_EVERY = 30.0  # seconds between looking which accounts there are
WAIT = 240.0  # seconds of one wait; servers end an IDLE after 29 minutes (RFC 2177)
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds after a failure; doubled each time
NEVER_TOLD = 3600.0  # seconds until a server that tells of nothing is asked again


@dataclass(frozen=True)
class _Ear:
    """A waiter, and what it was opened with. It is kept through broken lines, because it
    knows how much there was to hear before."""

    connection: Connection
    waiter: Waiter


def listen(process: Process) -> None:
    """One thread for each account that can be waited on, until asked to stop. A database
    that is away is waited for."""
    threads: dict[int, threading.Thread] = {}
    while not process.stopping.is_set():
        for account_id in _accounts(process):
            if account_id not in threads or not threads[account_id].is_alive():
                threads[account_id] = threading.Thread(
                    target=wait_for, args=(process, account_id), name=f"waiter-{account_id}", daemon=True
                )
                threads[account_id].start()
        process.stopping.wait(LOOK_EVERY)


def wait_for(process: Process, account_id: int) -> None:
    """Wait on one account until it is no longer there; each news makes its poll due."""
    ear: _Ear | None = None
    pause = FIRST_PAUSE
    while not process.stopping.is_set():
        try:
            ear = _ear(process, account_id, ear)
            if ear is None:
                return
            if ear.waiter.wait(WAIT):
                ask_now(process, account_id)
            pause = FIRST_PAUSE
        except (ChannelError, GuichetError, SQLAlchemyError) as e:
            code = e.code or type(e).__name__
            log.info("waiting_failed", account=account_id, error=code)
            process.stopping.wait(NEVER_TOLD if code == "no_idle" else pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _ear(process: Process, account_id: int, before: _Ear | None) -> _Ear | None:
    """The ear of before while nothing about the account has changed; None where the account
    is gone or cannot be waited on."""
    with process.runtime.reading() as session:
        account = session.get(Account, account_id)
        if account is None or account.state != "connected":
            return None
        is_rehearsal = account.is_rehearsal
    connection = connect(process, account_id)
    if before is not None and before.connection == connection:
        return before
    waiter = process.networks.waiter(connection, is_rehearsal)
    return _Ear(connection, waiter) if waiter is not None else None


def ask_now(process: Process, account_id: int) -> None:
    """Make every stream of the account due, and wake a worker. A poll that is under way may
    have looked already: when it ends it leaves the stream due."""
    with process.runtime.unit() as unit:
        unit.session.execute(
            update(PollCursor).where(PollCursor.account_id == account_id).values(next_poll_at=process.runtime.now())
        )
        unit.enqueue(POLL, account_id=account_id)


def _accounts(process: Process) -> list[int]:
    try:
        with process.runtime.reading() as session:
            connected = session.execute(select(Account.id, Account.network).where(Account.state == "connected")).all()
    except SQLAlchemyError as e:
        log.warning("database_away", error=type(e).__name__)
        return []
    return [id_ for id_, network in connected if process.networks.spec(network).waiter is not None]
