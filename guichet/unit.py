"""A unit of work: one transaction, and the wake-ups that follow it.

Edges open units; operations take `unit.session`, never commit. What `enqueue` names is
sent only after the commit; if Redis does not answer, nothing is lost: the clock finds
the rows. (SQLAlchemy's own after_commit also fires when a savepoint is released.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet.db import dialect
from guichet.jobs import NEWS, Job

Wake = Callable[[Job, dict[str, Any]], None]


@dataclass
class Unit:
    session: Session
    wakes: list[tuple[Job, dict[str, Any]]] = field(default_factory=list)

    def enqueue(self, job: Job, **params: int) -> None:
        """Wake workers for `job` after the commit. The same wake-up twice is sent once."""
        if set(params) != set(job.params):
            raise TypeError(f"{job.path} takes {job.params}, not {tuple(params)}")
        if (job, params) not in self.wakes:
            self.wakes.append((job, params))


@contextmanager
def open_unit(engine: Engine, wake: Wake | None = None, ring: Callable[[], None] | None = None) -> Iterator[Unit]:
    """A writing transaction: committed when the block ends, rolled back when it raises.
    `ring` is called after the commit where live events are among what was written."""
    with Session(engine, expire_on_commit=False) as session:
        unit = Unit(session)
        with session.begin():
            yield unit
    if wake is not None:
        for job, params in unit.wakes:
            wake(job, params)
    if ring is not None and unit.session.info.get(NEWS):
        ring()


@contextmanager
def open_reading(engine: Engine) -> Iterator[Session]:
    """A read-only transaction; on SQLite it does not wait for writers."""
    with dialect.only_reading(engine) as session:
        yield session
