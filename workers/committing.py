"""One thread that commits for all sending threads of a worker.

Starts and results of many deliveries share a transaction, so that a commit's price is
paid once for a group; the sending threads need no connection of their own. A start is
answered only after its commit. A result is never dropped: while the database does not
answer it is kept and tried again; one that the others cannot be committed with goes alone.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from channels.errors import ChannelError
from guichet.accounts.operations import note_failure
from guichet.db.dialect import database_now
from guichet.delivery import engine
from guichet.delivery.engine import Start
from guichet.delivery.settling import Result, settle
from guichet.inbox import counts
from guichet.metering.operations import record
from guichet.models import Account, Delivery
from guichet.policy import SYSTEM
from guichet.receiving.operations import follow_delivery
from workers.runtime import Process

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 128
GATHER = 0.020  # seconds at most; what comes meanwhile shares the commit
GATHER_MORE = 0.060  # the same, while no start is urgent
_PEEK = 0.004  # seconds between looks whether all are here
_IDLE = 2.0  # seconds after which the connection goes back to the pool
_AWAY = 0.5  # seconds between tries while the database does not answer


@dataclass(frozen=True)
class Outcome:
    """A result, whether a conversation waits for it, and what the account should know of: a
    "no" to the secrets that were kept at `used`."""

    result: Result
    is_answer: bool
    account_error: ChannelError | None = None
    used: datetime | None = None
    done: Callable[[int], None] = field(default=lambda _: None, repr=False, compare=False)


@dataclass(frozen=True)
class _Wish:
    start: Start
    granted: Future[float | None]


class Committer:
    """Hand in starts and outcomes from any thread. `close` commits what is left and ends.

    `busy` says how many threads are at work: when as many starts are asked for, nobody else
    can come, and nothing is waited for. `is_calm` says whether more may share a commit, because
    whoever asks would have to wait for a line in any case.
    """

    def __init__(self, process: Process, busy: Callable[[], int], is_calm: Callable[[], bool]) -> None:
        self._process = process
        self._busy = busy
        self._is_calm = is_calm
        self._connection: Connection | None = None
        self._inbox: queue.SimpleQueue[_Wish | Outcome | None] = queue.SimpleQueue()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def start(self, wish: Start) -> float | None:
        """When its start was asked of the database (monotonic seconds), if it was granted:
        it is committed and the delivery may be sent. None: it may not."""
        asked = _Wish(wish, Future())
        self._inbox.put(asked)
        return asked.granted.result()

    def settle(self, outcome: Outcome) -> None:
        """Hand in what became of a send; does not wait for the commit."""
        self._inbox.put(outcome)

    def close(self) -> None:
        self._inbox.put(None)
        self._thread.join()

    def _run(self) -> None:
        while not self._is_closing:
            wishes, outcomes = self._gather()
            if not (wishes or outcomes):
                self._let_go()
                continue
            try:
                self._commit(wishes, outcomes)
            except Exception as e:
                log.warning(
                    "commit_failed",
                    error=type(e).__name__,
                    why=str(getattr(e, "orig", e))[:300],
                    starts=len(wishes),
                    results=len(outcomes),
                )
                for wish in wishes:
                    wish.granted.set_result(None)
                self._commit_apart(outcomes)
        self._let_go()

    def _gather(self) -> tuple[list[_Wish], list[Outcome]]:
        """What is handed in, together with what comes soon after it; nothing when nothing
        has come for a while."""
        wishes: list[_Wish] = []
        outcomes: list[Outcome] = []
        until = 0.0
        while len(wishes) + len(outcomes) < MOST_AT_ONCE and not self._is_closing:
            try:
                thing = self._inbox.get_nowait() if until else self._inbox.get(timeout=_IDLE)
            except queue.Empty:
                if not until or len(wishes) >= self._busy() or time.monotonic() >= until:
                    break
                time.sleep(_PEEK)
                continue
            until = until or time.monotonic() + (GATHER_MORE if self._is_calm() else GATHER)
            if isinstance(thing, _Wish):
                wishes.append(thing)
            elif isinstance(thing, Outcome):
                outcomes.append(thing)
            else:
                self._is_closing = True
        return wishes, outcomes

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A transaction on the connection that is held as long as there is work: taking one
        from the pool and giving it back would cost two more questions for each commit."""
        if self._connection is None:
            self._connection = self._process.runtime.engine.connect()
        try:
            with self._connection.begin():
                yield self._connection
        except BaseException:
            self._let_go()
            raise

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _commit(self, wishes: Sequence[_Wish], outcomes: Sequence[Outcome]) -> None:
        granted: set[int] = set()
        asked_at = 0.0
        with self._process.counted() as taken, self._transaction() as connection:
            now = database_now(connection)
            is_believed = self._process.clock.agrees(now)
            if not is_believed:  # what follows what is published is due from then on
                now = self._process.runtime.now()
            if outcomes:
                settle(connection, [o.result for o in outcomes], now)
                self._tell_rooms(connection, outcomes)
            if taken:
                record(connection, taken, now)
            life = self._process.life
            if wishes and life is not None and is_believed:
                starts = [w.start for w in wishes]
                asked_at = time.monotonic()
                granted = engine.start(connection, life.worker_id, starts, now, life.condition())
        for wish in wishes:
            wish.granted.set_result(asked_at if wish.start.claimed.id in granted else None)
        for outcome in outcomes:
            outcome.done(outcome.result.delivery_id)

    def _tell_rooms(self, connection: Connection, outcomes: Sequence[Outcome]) -> None:
        """Conversations follow their answers, accounts learn of their failures: in the same
        transaction, so that neither can be forgotten."""
        telling = [o for o in outcomes if o.is_answer or o.account_error is not None]
        if not telling:
            return
        now = database_now(connection)
        with Session(bind=connection, expire_on_commit=False) as session:
            with counts.deferred(session):  # counter rows last, in one order: no two groups wait for each other
                for outcome in telling:
                    self._tell(session, outcome, now)
            session.flush()

    @staticmethod
    def _tell(session: Session, outcome: Outcome, now: datetime) -> None:
        if outcome.is_answer:
            delivery = session.get_one(Delivery, outcome.result.delivery_id)
            follow_delivery(session, SYSTEM, delivery, now)
        if outcome.account_error is not None:
            account = session.get_one(Account, outcome.result.account_id)
            note_failure(session, SYSTEM, account, outcome.account_error, now, used=outcome.used)

    def _commit_apart(self, outcomes: Sequence[Outcome]) -> None:
        for outcome in outcomes:
            if self._store(outcome):
                continue
            # The rooms could not follow: they catch up by themselves, the result must stand.
            if not self._store(replace(outcome, is_answer=False, account_error=None)):
                # It stays as started, in nobody's hand, so it is looked for.
                outcome.done(outcome.result.delivery_id)

    def _store(self, outcome: Outcome) -> bool:
        while True:
            try:
                self._commit([], [outcome])
            except OperationalError as e:
                log.warning("database_away", error=type(e).__name__)
                time.sleep(_AWAY)
            except Exception:
                log.exception("result_not_stored", delivery=outcome.result.delivery_id)
                return False
            else:
                return True
