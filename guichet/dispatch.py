"""Waking workers through RQ, the only file of the domain that knows it, and the sequencer.

Wake-ups are anonymous (a failed unique job would block its id), serialised as JSON
(pickle in Redis is code execution), without retry. One that cannot be sent is only
logged: the clock finds the rows within seconds.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from guichet.jobs import NEWS, Job

log = structlog.get_logger(__name__)


class Dispatcher:
    """Sends wake-ups to the queues in `redis`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._queues: dict[str, Queue] = {}

    def __call__(self, job: Job, params: dict[str, Any]) -> None:
        queue = self._queues.get(job.queue)
        if queue is None:
            queue = self._queues[job.queue] = Queue(job.queue, connection=self._redis, serializer=JSONSerializer)
        try:
            queue.enqueue_call(job.path, kwargs=params, timeout=job.timeout, result_ttl=0, failure_ttl=3600, ttl=300)
        except RedisError as e:
            log.warning("wake_up_not_sent", job=job.path, error=type(e).__name__)


class NewsBell:
    """Tells the sequencer that there are live events to number: it would look by itself within
    half a second. A Redis that did not answer is left alone for a while, for the ring stands
    between a commit and its answer."""

    _PAUSE = 5.0  # seconds

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._quiet_until = float("-inf")

    def ring(self) -> None:
        if time.monotonic() < self._quiet_until:
            return
        try:
            self._redis.xadd(NEWS, {"told": 1}, maxlen=1, approximate=False)
        except RedisError as e:
            self._quiet_until = time.monotonic() + self._PAUSE
            log.debug("bell_not_rung", error=type(e).__name__)
