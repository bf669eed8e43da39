"""What a process works with, built once by an edge and handed down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet.clock import ClockGuard, utc_now
from guichet.config import Settings
from guichet.db.engine import open_engine
from guichet.dispatch import Dispatcher, NewsBell
from guichet.sealing import Sealer
from guichet.storage import FileStore
from guichet.unit import Unit, Wake, open_reading, open_unit


@dataclass(frozen=True)
class Runtime:
    """Frozen dependencies. `now` is the edge's clock; tests hand in their own. `clock` says
    whether clocks can be trusted. `ring` tells the sequencer of news."""

    settings: Settings
    engine: Engine
    redis: Redis = field(repr=False)
    sealer: Sealer = field(repr=False)
    store: FileStore
    wake: Wake
    now: Callable[[], datetime] = utc_now
    clock: ClockGuard = field(default_factory=ClockGuard)
    ring: Callable[[], None] = lambda: None

    @contextmanager
    def unit(self) -> Iterator[Unit]:
        """A writing transaction, see guichet.unit."""
        with open_unit(self.engine, self.wake, self.ring) as unit:
            yield unit

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A read-only session."""
        with open_reading(self.engine) as session:
            yield session


def open_runtime(settings: Settings, *, pool_size: int = 8) -> Runtime:
    """The runtime of a process. Connects to nothing yet."""
    redis = open_redis(settings.redis_url)
    clock = ClockGuard(memory=settings.data_dir / "clocks")
    return Runtime(
        settings=settings,
        engine=open_engine(settings.database_url, pool_size=pool_size),
        redis=redis,
        sealer=Sealer(settings.secret_keys),
        store=FileStore(settings.data_dir / "media"),
        wake=Dispatcher(redis),
        now=clock.now,
        clock=clock,
        ring=NewsBell(redis).ring,
    )


def open_redis(url: str) -> Redis:
    """A connection that tells at once when Redis is away: it only wakes workers, and nobody
    should wait for it (redis-py would try again for seconds by default)."""
    return Redis.from_url(
        url, socket_timeout=30, socket_connect_timeout=2, health_check_interval=15, retry=Retry(NoBackoff(), 1)
    )
