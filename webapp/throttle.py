"""How often something may be asked: counted in Redis for all processes, in this process
alone where Redis does not answer (weaker, never absent). Sign-ins are counted try by try;
what a person or a token asks of the API in a sliding window, which costs the same however
many there were."""

from __future__ import annotations

import time

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# Counted by account and address together: a stranger elsewhere cannot lock anybody out.
PER_PERSON = parse("8 per 5 minutes")
PER_ADDRESS = parse("60 per 5 minutes")


_ALONE = 5.0  # seconds without asking Redis again after it did not answer


class Throttle:
    """Counts what is asked by key."""

    def __init__(self, redis: Redis, counts: type[RateLimiter] = MovingWindowRateLimiter) -> None:
        self._counts = counts
        self._own = counts(MemoryStorage())
        self._redis = redis
        self._shared: RateLimiter | None = None
        self._alone_until = 0.0

    def allows(self, limit: RateLimitItem, *key: str) -> bool:
        """Count one; False where there were too many."""
        if time.monotonic() < self._alone_until:
            return self._own.hit(limit, *key)
        try:
            if self._shared is None:
                storage = RedisStorage("redis://", connection_pool=self._redis.connection_pool)
                self._shared = self._counts(storage)
            return self._shared.hit(limit, "guichet", *key)
        except RedisError as e:
            log.warning("throttle_alone", error=type(e).__name__)
            self._alone_until = time.monotonic() + _ALONE
            return self._own.hit(limit, *key)


def api_throttle(redis: Redis) -> Throttle:
    """The count of what each person or token asks of the API."""
    return Throttle(redis, SlidingWindowCounterRateLimiter)
