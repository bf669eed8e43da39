"""Being told of news (IMAP IDLE) instead of asking: a hint that makes the next poll due at
once. It loses nothing when it dies, because polling goes on without it.

The clock that is active listens, in threads that do nothing but wait: so each mailbox is
waited on once however many machines there are, and no process is spent on it.
"""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from channels.errors import ChannelError
from guichet.errors import GuichetError
from guichet.jobs import POLL
from guichet.models import Account, PollCursor
from workers.desks import connect
from workers.runtime import Process

log = structlog.get_logger(__name__)

LOOK_EVERY = 30.0  # seconds between looking which accounts there are
WAIT = 240.0  # seconds of one wait; servers end an IDLE after 29 minutes (RFC 2177)
PAUSE = 60.0  # seconds after a failure


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
    while not process.stopping.is_set():
        try:
            with process.runtime.reading() as session:
                account = session.get_one(Account, account_id)
                if account.state != "connected":
                    return
                is_rehearsal = account.is_rehearsal
            waiter = process.networks.waiter(connect(process, account_id), is_rehearsal)
            if waiter is None:
                return
            while not process.stopping.is_set() and waiter.wait(WAIT):
                ask_now(process, account_id)
        except (ChannelError, GuichetError) as e:
            log.info("waiting_failed", account=account_id, error=e.code)
            process.stopping.wait(PAUSE)


def ask_now(process: Process, account_id: int) -> None:
    """Make every stream of the account due, and wake a worker."""
    with process.runtime.unit() as unit:
        unit.session.execute(
            update(PollCursor)
            .where(PollCursor.account_id == account_id, PollCursor.claimed_until.is_(None))
            .values(next_poll_at=process.runtime.now())
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
