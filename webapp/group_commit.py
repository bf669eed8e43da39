"""One thread that commits what many requests hand over at the same time: each waits for its
own to be safe, the disk is asked once for all of them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError
from sqlalchemy.orm import Session

from guichet.db.dialect import committing_by_itself
from guichet.policy import SYSTEM
from guichet.receiving.ingest import Incoming, store_items
from guichet.runtime import Runtime

_BATCH = 200
_GATHER = 0.003  # seconds that the first of a batch waits for company, which saves each a third of its cost
_WAIT = 20.0  # seconds that a request waits for its commit


class GroupCommit:
    """Stores raw items, and calls `told` after each commit. The thread starts with the first
    item, so that a fork has its own."""

    def __init__(self, runtime: Runtime, told: Callable[[], None]) -> None:
        self._runtime, self._told = runtime, told
        self._queue: queue.SimpleQueue[tuple[Incoming, Future[None]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._connection: Connection | None = None  # the thread's own, kept between batches

    def store(self, item: Incoming) -> None:
        """Returns once `item` is committed; raises what kept it from being so."""
        self._start()
        done: Future[None] = Future()
        self._queue.put((item, done))
        done.result(timeout=_WAIT)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._commit(self._next_batch())

    def _next_batch(self) -> list[tuple[Incoming, Future[None]]]:
        batch = [self._queue.get()]
        time.sleep(_GATHER)
        while len(batch) < _BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return batch

    def _commit(self, batch: list[tuple[Incoming, Future[None]]]) -> None:
        """All together; where that fails, one by one, so that one bad item harms nobody."""
        try:
            self._store([item for item, _ in batch])
        except (OperationalError, TimeoutError) as e:  # the database's fault, not an item's
            for _, done in batch:
                done.set_exception(e)
            return
        except Exception as together:  # whatever it is: nobody may be left waiting for an answer
            for item, done in batch:
                self._one(item, done, together if len(batch) == 1 else None)
            return
        for _, done in batch:
            done.set_result(None)

    def _one(self, item: Incoming, done: Future[None], failed: Exception | None) -> None:
        try:
            if failed is not None:
                raise failed
            self._store([item])
        except Exception as e:
            done.set_exception(e)
        else:
            done.set_result(None)

    def _store(self, items: list[Incoming]) -> None:
        try:
            self._store_on(self._connection, items)
        except DBAPIError as e:
            if not e.connection_invalidated:
                raise
            # It had ended since the last batch; what is kept already is passed over.
            self._connection = None
            self._store_on(None, items)
        self._told()

    def _store_on(self, connection: Connection | None, items: list[Incoming]) -> None:
        if connection is None:
            connection = self._connection = committing_by_itself(self._runtime.engine)
        with Session(connection) as session, session.begin():
            store_items(session, SYSTEM, items)
