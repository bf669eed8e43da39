"""How often something may be tried: counted in Redis for all processes, in this process
alone where Redis does not answer (weaker, never absent)."""

from __future__ import annotations

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# Counted by account and address together: a stranger elsewhere cannot lock anybody out.
PER_PERSON = parse("8 per 5 minutes")
PER_ADDRESS = parse("60 per 5 minutes")


class Throttle:
    """Counts tries by key."""

    def __init__(self, redis: Redis) -> None:
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._redis = redis
        self._shared: MovingWindowRateLimiter | None = None

    def allows(self, limit: RateLimitItem, *key: str) -> bool:
        """Count one try; False where there were too many."""
        try:
            if self._shared is None:
                storage = RedisStorage("redis://", connection_pool=self._redis.connection_pool)
                self._shared = MovingWindowRateLimiter(storage)
            return self._shared.hit(limit, "guichet", *key)
        except RedisError as e:
            log.warning("throttle_alone", error=type(e).__name__)
            return self._own.hit(limit, *key)
