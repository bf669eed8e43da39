"""The catalogue of jobs: what may be enqueued, by dotted name. A test resolves every
name and compares every signature, because nothing imports the workers.

Jobs are wake-ups: rows say what there is to do. Arguments are ids at most.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """`queue` has workers of its own: one queue per worker, so that a hand-off is never lost."""

    path: str
    queue: str
    params: tuple[str, ...] = ()
    timeout: int = 120  # seconds


# The Redis stream on which units that committed live events ring for the sequencer.
NEWS = "guichet:told"

QUEUES = ("send", "receive", "tend", "films")

DRAIN = Job("workers.deliver.drain", "send", timeout=180)
POLL = Job("workers.receive.poll", "receive", ("account_id",))
POLL_DUE = Job("workers.receive.poll_due", "receive")
DIGEST = Job("workers.receive.digest", "receive")
RECONCILE = Job("workers.reconcile.look", "tend")
TEND = Job("workers.tend.tend", "tend")
KEEP_PROMISES = Job("workers.promises.keep", "tend")
CALL = Job("workers.alerts.call", "tend")
WRITE_NOTICES = Job("workers.notices.write", "tend")
PLAN_REPLIES = Job("workers.replies.plan", "tend")
CHECK_ACCOUNT = Job("workers.tend.check_account", "tend", ("account_id",))
COMPARE = Job("workers.compare.compare", "tend", ("account_id",))
MAKE_FILMS = Job("workers.films.make_films", "films", timeout=24 * 3600)  # each film is bound by its own limit

ALL = (
    DRAIN,
    POLL,
    POLL_DUE,
    DIGEST,
    RECONCILE,
    TEND,
    KEEP_PROMISES,
    CALL,
    WRITE_NOTICES,
    PLAN_REPLIES,
    CHECK_ACCOUNT,
    COMPARE,
    MAKE_FILMS,
)
