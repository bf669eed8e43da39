"""What a worker process is: one queue, one runtime, one life.

RQ only wakes it. Rows say what there is to do, so a wake-up that is lost costs seconds,
and while Redis does not answer at all the worker goes on by looking for itself. Refused
on purpose: forking, RQ's scheduler, more than one queue for a worker, pickle.

    python -m workers.runtime send|receive|tend|films
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from channels.networks import Networks, open_networks
from guichet.clock import ClockGuard
from guichet.config import BadSettings, Settings, read_settings
from guichet.delivery.life import Life
from guichet.jobs import CALL, DIGEST, DRAIN, MAKE_FILMS, POLL_DUE, QUEUES, RECONCILE, TEND, Job
from guichet.logs import start_logging
from guichet.metering.meter import Meter, Taken
from guichet.metering.operations import record
from guichet.runtime import Runtime, open_runtime

log = structlog.get_logger(__name__)

# What a worker does by itself while Redis is away.
_BY_ITSELF: dict[str, tuple[Job, ...]] = {
    "send": (DRAIN,), "receive": (POLL_DUE, DIGEST), "tend": (RECONCILE, TEND, CALL), "films": (MAKE_FILMS,),
}  # fmt: skip
_PAUSE = 2.0  # seconds between looking while Redis is away
_QUIET = 5.0  # seconds between signs of life to Redis


@dataclass
class Process:
    """All that the jobs of this process share. `stopping` is set when it was asked to end."""

    runtime: Runtime
    networks: Networks
    kind: str
    stopping: threading.Event = field(default_factory=threading.Event)
    life: Life | None = None
    parts: dict[str, Any] = field(default_factory=dict)  # what a job keeps from one run to the next
    meter: Meter = field(init=False)
    _birth: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.meter = Meter(self.runtime.now)
        self.networks = replace(self.networks, meter=self.meter)

    @contextlib.contextmanager
    def counted(self) -> Iterator[Taken]:
        """What networks counted since the last time, to be written (`record`) in a transaction
        that begins and ends within the block; where that fails, it is kept."""
        taken = self.meter.take()
        try:
            yield taken
        except BaseException:
            self.meter.put_back(taken)
            raise

    def write_down(self) -> None:
        """Write what networks counted since the last time, in a transaction of its own."""
        try:
            with self.counted() as taken:
                if taken:
                    with self.runtime.engine.begin() as connection:
                        record(connection, taken, self.runtime.now())
        except SQLAlchemyError as e:
            log.warning("not_written_down", error=type(e).__name__)

    @property
    def clock(self) -> ClockGuard:
        return self.runtime.clock

    def living(self) -> Life:
        """This worker's life, a new one where its lock was lost. Any thread may ask: whoever looks
        at `life` meanwhile sees the old one or the new one whole. Raises SQLAlchemyError."""
        with self._birth:
            if self.life is None or not self.life.is_held():
                lost = self.life
                life = Life(self.runtime.engine, self.runtime.settings.data_dir, self.kind)
                life.begin(self.runtime.now())
                self.life = life
                if lost is not None:
                    lost.let_go()
                log.info("worker_lives", worker=life.worker_id)
            return self.life


_current: Process | None = None


def current() -> Process:
    """The process that the running job belongs to."""
    if _current is None:
        raise RuntimeError("no worker process was opened here")
    return _current


def use(process: Process | None) -> None:
    """Make `process` the one that jobs find."""
    global _current
    _current = process


def open_process(settings: Settings, kind: str, networks: Networks | None = None) -> Process:
    """The process for a kind of work; also makes it the current one."""
    process = Process(
        open_runtime(settings, pool_size=4), networks or open_networks(**settings.network_options()), kind
    )
    use(process)
    return process


# ---------------------------------------------------------------- RQ


class _Queue(Queue):
    """A queue that says at once when Redis is away, instead of sleeping on it."""

    @classmethod
    def dequeue_any(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().dequeue_any(*args, **kwargs)
        except RedisError as e:
            log.warning("redis_away", error=type(e).__name__)
            raise StopRequested from e


class WakeUps(SimpleWorker):
    """A SimpleWorker that tells Redis little about itself: RQ's own signs of life cost
    more than most jobs."""

    queue_class = _Queue
    max_connection_wait_time = 2.0  # seconds; RQ's own would sleep for up to a minute
    _said_at = 0.0

    def __init__(self, queue: str, process: Process) -> None:
        self._process = process
        connection = process.runtime.redis
        super().__init__(
            [_Queue(queue, connection=connection, serializer=JSONSerializer)],
            connection=connection, serializer=JSONSerializer, worker_ttl=90, maintenance_interval=60,
            log_job_description=False,
        )  # fmt: skip

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
        elif time.monotonic() - self._said_at >= _QUIET:
            try:
                super().heartbeat(timeout)
            except RedisError as e:
                raise StopRequested from e
            self._said_at = time.monotonic()

    def set_state(self, state: str, pipeline: Any = None) -> None:
        self._state = state
        if pipeline is not None:
            super().set_state(state, pipeline)

    def check_for_suspension(self, burst: bool) -> None:
        """Guichet's own brake stops sending; RQ's switch is not used."""

    def procline(self, message: str) -> None:
        """The process keeps the name that the supervisor knows."""

    def request_stop(self, signum: int, frame: Any) -> None:
        self._process.stopping.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def main(queue: str) -> None:
    """Work on `queue` until asked to stop (SIGTERM, SIGINT)."""
    if queue not in QUEUES:
        raise SystemExit(f"there is no queue {queue!r}: choose one of {', '.join(QUEUES)}")
    try:
        settings = read_settings(os.environ)
    except BadSettings as e:
        raise SystemExit("\n".join(e.problems)) from None
    start_logging(settings.log_level)
    work(open_process(settings, queue))


def work(process: Process) -> None:
    """The loop of a worker process: wake-ups while Redis answers, looking for itself while
    it does not."""
    import_jobs(process.kind)
    while not process.stopping.is_set():
        _listen(process)
        try:
            WakeUps(process.kind, process).work(logging_level="WARNING")
        except RedisError as e:
            log.warning("redis_away", error=type(e).__name__)
        if not process.stopping.is_set():
            _listen(process)
            _by_itself(process)
            process.stopping.wait(_PAUSE)
    if process.life is not None:
        process.life.end(process.runtime.now())


def _by_itself(process: Process) -> None:
    for job in _BY_ITSELF[process.kind]:
        module, _, name = job.path.rpartition(".")
        try:
            getattr(importlib.import_module(module), name)()
        except Exception:
            log.exception("job_failed", job=job.path)


def _listen(process: Process) -> None:
    def stop(signum: int, frame: object) -> None:
        process.stopping.set()

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


def import_jobs(queue: str) -> None:
    """Load the modules of a queue's jobs before the first wake-up, not during it."""
    from guichet.jobs import ALL

    for module in {job.path.rpartition(".")[0] for job in ALL if job.queue == queue}:
        importlib.import_module(module)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("which queue? python -m workers.runtime send|receive|tend|films")
    from workers import runtime  # so that jobs and this module share one `current`

    runtime.main(sys.argv[1])
