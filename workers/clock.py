"""The clock: sees what is due and wakes whoever does it.

One is active at a time, by a lock; any number may stand by. It only moves rows, sends
wake-ups and listens for news (workers.listening), so that its death costs seconds and Redis'
death costs nothing: what was not woken is found again half a second later.

    python -m workers.clock
"""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import datetime
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from guichet import instance, live
from guichet.alerting import calling
from guichet.config import BadSettings, read_settings
from guichet.db.dialect import database_now
from guichet.delivery import doubts, engine
from guichet.delivery.life import only_one
from guichet.filming import queue as films
from guichet.inbox import remeasuring
from guichet.jobs import (
    CALL,
    DIGEST,
    DRAIN,
    KEEP_PROMISES,
    MAKE_FILMS,
    NEWS,
    PLAN_REPLIES,
    POLL,
    RECONCILE,
    TEND,
    WRITE_NOTICES,
    Job,
)
from guichet.letters import operations as letters
from guichet.logs import start_logging
from guichet.models import LiveEvent
from guichet.policy import SYSTEM
from guichet.receiving import ingest
from guichet.replying import operations as replying
from guichet.triage import escalating
from workers import listening
from workers.runtime import Process, open_process

log = structlog.get_logger(__name__)

TICK = 0.5  # seconds
NEWS_SPACING = 0.05  # seconds between two numberings of live events
STAND_BY = 2.0  # seconds between tries for the lock
TEND_EVERY = 5.0  # seconds
WRITE_EVERY = 60.0  # seconds between two looks for what is to be told by mail
WATCH_EVERY = 10.0  # seconds between two looks for what raises an alert
FORGET_EVERY = 300.0  # seconds
SEEN_EVERY = 30.0  # seconds
POLL_AGAIN = 10.0  # seconds before an account is woken for once more
MOST_WAITING = 3  # wake-ups of one kind; more would only be run for nothing
_STREAM_LENGTH = 10_000


class Clock:
    """One tick after the other; `woken` remembers when each wake-up was last sent."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._woken: dict[tuple[Any, ...], float] = {}
        self._forgot_at = 0.0
        self._seen_at = 0.0
        self._heard = "0"
        self._next_due = float("inf")  # monotonic seconds

    def next_tick(self, began: float) -> float:
        """When to tick again after the tick that began then, of the monotonic clock: when
        something is due, but never later than usual."""
        usual = began + TICK
        return min(usual, self._next_due) if self._next_due > began else usual  # what is past was seen to

    def tick(self) -> None:
        """Do what the moment asks for. A database that is away is waited for."""
        try:
            self._move_and_wake()
        except SQLAlchemyError as e:
            log.warning("database_away", error=type(e).__name__)

    def _move_and_wake(self) -> None:
        runtime = self._process.runtime
        with runtime.reading() as session:
            connection = session.connection()
            now = database_now(connection)
            next_due_at = engine.next_due_at(connection)
            ahead = (next_due_at - now).total_seconds() if next_due_at else float("inf")
            self._next_due = time.monotonic() + ahead
            is_ripe = engine.is_anything_ripe(connection, now)
            has_news = session.scalar(select(LiveEvent.id).where(LiveEvent.number.is_(None)).limit(1)) is not None
        if self._process.clock.agrees(now) and is_ripe:
            self._promote()
        if has_news:
            self._number()
        with runtime.reading() as session:
            self._wake(session, now)
        self._forget(now)
        self._note_seen(now)

    def _promote(self) -> None:
        moved = engine.PROMOTE_BATCH
        while moved >= engine.PROMOTE_BATCH:
            with self._process.runtime.engine.begin() as connection:
                now = database_now(connection)
                moved = engine.promote(connection, now) if self._process.clock.agrees(now) else 0
            if moved:
                self._send(DRAIN, TICK)  # the rest is moved while the first are being sent

    def number_until(self, moment: float) -> None:
        """Number what is told, as it is told, until this moment of the monotonic clock."""
        stopping = self._process.stopping
        while not stopping.is_set() and (left := moment - time.monotonic()) > 0:
            try:
                found: Any = self._process.runtime.redis.xread({NEWS: self._heard}, 1, max(1, int(left * 1000)))
                if found:
                    self._heard = found[0][1][-1][0]
                    self._number()
                    stopping.wait(NEWS_SPACING)
            except (RedisError, SQLAlchemyError) as e:
                log.debug("no_bell", error=type(e).__name__)
                stopping.wait(left)

    def _number(self) -> None:
        with self._process.runtime.unit() as unit:
            last = live.number_new(unit.session, SYSTEM)
        try:
            self._process.runtime.redis.xadd(live.STREAM, {"n": last}, maxlen=_STREAM_LENGTH, approximate=True)
        except RedisError as e:
            log.debug("redis_away", error=type(e).__name__)  # readers also ask the rows

    def _forget(self, now: datetime) -> None:
        if time.monotonic() - self._forgot_at < FORGET_EVERY:
            return
        self._forgot_at = time.monotonic()
        with self._process.runtime.unit() as unit:
            live.forget_old(unit.session, SYSTEM, now)

    def _note_seen(self, now: datetime) -> None:
        """Say in the database, and then beside the files, that it is ours: a database that was
        put back shows at the next start (guichet.instance)."""
        if time.monotonic() - self._seen_at < SEEN_EVERY:
            return
        self._seen_at = time.monotonic()
        files = self._process.runtime.settings.data_dir / "media"
        noted = instance.read_note(files)
        if noted is not None:
            with self._process.runtime.unit() as unit:
                noted = instance.note_seen(unit.session, SYSTEM, noted, now)
            try:
                instance.write_note(files, noted)
            except OSError as e:
                log.warning("not_noted", folder=str(files), error=type(e).__name__)

    # -- waking

    def _wake(self, session: Session, now: datetime) -> None:
        connection = session.connection()
        if engine.is_anything_due(connection, now):
            self._send(DRAIN, TICK)
        if doubts.open_doubts(connection, now):
            self._send(RECONCILE, 1.0)
        if ingest.is_any_waiting(session, SYSTEM, now):
            self._send(DIGEST, 1.0)
        if films.is_any_waiting(session, SYSTEM, now):
            self._send(MAKE_FILMS, 1.0)
        if escalating.is_step_due(session, SYSTEM, now) or remeasuring.is_asked_for(session, SYSTEM, now):
            self._send(KEEP_PROMISES, 1.0)
        self._send(CALL, 1.0 if calling.is_anything_due(session, SYSTEM, now) else WATCH_EVERY)
        self._send(WRITE_NOTICES, 5.0 if letters.is_anything_due(session, SYSTEM, now) else WRITE_EVERY)
        if replying.is_any_queued(session, SYSTEM):
            self._send(PLAN_REPLIES, 1.0)
        for account_id in ingest.list_due_accounts(session, SYSTEM, now):
            self._send(POLL, POLL_AGAIN, account_id=account_id)
        self._send(TEND, TEND_EVERY)

    def _send(self, job: Job, again_after: float, **params: int) -> None:
        """Send a wake-up, unless it was just sent or enough of them wait unheard."""
        key = (job.path, *params.values())
        if time.monotonic() - self._woken.get(key, float("-inf")) < again_after:
            return
        self._woken[key] = time.monotonic()
        if not params and self._is_crowded(job.queue):
            return
        self._process.runtime.wake(job, dict(params))

    def _is_crowded(self, queue: str) -> bool:
        try:
            return int(self._process.runtime.redis.llen(f"rq:queue:{queue}")) > MOST_WAITING
        except RedisError:
            return False


def run(process: Process) -> None:
    """Tick while this clock has the lock; stand by while another has."""
    settings = process.runtime.settings
    clock = Clock(process)
    ears = threading.Thread(target=listening.listen, args=(process,), name="listening", daemon=True)
    with only_one(process.runtime.engine, settings.data_dir, "clock") as lock:
        while not process.stopping.is_set():
            if lock.is_held() or _take(lock):
                if ears.ident is None:
                    ears.start()
                began = time.monotonic()
                clock.tick()
                clock.number_until(clock.next_tick(began))
            else:
                process.stopping.wait(STAND_BY)


def _take(lock: Any) -> bool:
    try:
        return bool(lock.take())
    except Exception as e:
        log.warning("no_lock", error=type(e).__name__)
        return False


def main() -> None:
    """Be the clock until asked to stop."""
    try:
        settings = read_settings(os.environ)
    except BadSettings as e:
        raise SystemExit("\n".join(e.problems)) from None
    start_logging(settings.log_level)
    process = open_process(settings, "clock")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stopping.set())
    run(process)


if __name__ == "__main__":
    main()
