"""Live events to the open pages of 1,000 and 5,000 agents, in one process: from the bell to the last of them.

`guichet serve live` over PostgreSQL, each agent with a token and a grant by their team on 20
of 22 accounts. One thing changes at a time; what counts is the time from the number's being
told to its line in a page's hands. The floor is a bare gevent server of the same bytes, which
knows nobody. Only fan-out: the change is committed and numbered before.
"""

from __future__ import annotations

import os
import re
import select
import socket
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from bench.databases import fresh
from bench.figures import Figure, percentile
from bench.memory import family, pss
from bench.processors import spent
from bench.serving import Program, running
from guichet import live
from guichet.db.engine import open_engine
from guichet.models import Base, Grant, Staff
from guichet.policy import SYSTEM
from guichet.staff.operations import create_token_for
from tests.factories import make_account, make_brand, make_staff, make_team
from tests.journeys.stack import free_ports

SIZES = tuple(int(n) for n in os.environ.get("STREAMS", "1000 5000").split())
GOALS = {1000: 50.0, 5000: 200.0}  # ms, p95
KILOBYTES = 25.0  # of memory for each stream
ROUNDS, WARM_UP = 30, 3
APART = 0.6  # seconds between two changes: more than the pause that a stream makes after a batch
IDLE_SECONDS = 10
PATIENCE = 60.0  # seconds until all have heard
_AT_ONCE = 100  # connections that are being opened
_SAID = re.compile(rb'data: \{"id":(\d+)')


def measure() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder, fresh("PostgreSQL", Path(folder)) as url:
        engine = open_engine(url)
        town = Town(engine, max(SIZES))
        for size in SIZES:
            found: dict[str, list[float]] = {}
            for name, module, change in (
                ("bare", "bench.bare_live", town.number), ("streams", "cli.live", town.tell),
            ):  # fmt: skip
                port = free_ports(2)
                more = {"GUICHET_PORT": str(port), "GUICHET_LIVE_STREAMS": str(size)}
                with running(module, url, Path(folder) / f"{name}-{size}", port + 1, **more) as program:
                    found[name] = yield from _measured(f"{size:,} {name}", program, town.tokens[:size], change)
            p95 = {name: percentile(took, 0.95) for name, took in found.items()}
            yield Figure(f"{size:,} streams, p95, told", p95["streams"], "ms", GOALS.get(size), at_least=False)
            yield Figure(f"{size:,} streams, p95, of the bare server's", p95["streams"] / p95["bare"], "×")
        engine.dispose()


def _measured(
    name: str, program: Program, tokens: list[str], change: Callable[[], int]
) -> Generator[Figure, None, list[float]]:
    """What one server was measured at; gives the milliseconds of every page in every round."""
    redis = Redis.from_url(program.redis_url)
    before = _held(program)
    audience = Audience(program.port, tokens)
    began = time.perf_counter()
    audience.open()
    yield Figure(f"{name}, opened a second", len(tokens) / (time.perf_counter() - began), "")
    time.sleep(3)
    yield Figure(f"{name}, memory for each", (_held(program) - before) * 1024 / len(tokens), "KB",
                 None if "bare" in name else KILOBYTES, at_least=False)  # fmt: skip
    pids = family(program.pid, set())
    busy = spent(pids)
    audience.listen(IDLE_SECONDS, lambda: False)
    yield Figure(f"{name}, processor time while nothing happens", (spent(pids) - busy) / IDLE_SECONDS * 100, "%")
    took: list[float] = []
    for round_ in range(WARM_UP + ROUNDS):
        number, busy = change(), spent(pids)
        heard = audience.hear(number, partial(redis.xadd, live.STREAM, {"n": number}))
        if round_ >= WARM_UP:
            took += heard
        audience.listen(APART, lambda: False)
    yield Figure(f"{name}, processor time of the last change, for each", (spent(pids) - busy) * 1e6 / len(tokens), "µs")
    yield Figure(f"{name}, p50", percentile(took, 0.5), "ms")
    yield Figure(f"{name}, the slowest", max(took), "ms")
    audience.close()
    return took


def _held(program: Program) -> float:
    return sum(pss(pid) for pid in family(program.pid, set()))


class Town:
    """Agents with tokens, accounts, and things that change."""

    def __init__(self, engine: Engine, size: int) -> None:
        self._engine = engine
        self._told = 0
        Base.metadata.create_all(engine)
        now = datetime.now(UTC)
        with Session(engine) as session, session.begin():
            brand = make_brand(session)
            accounts = [make_account(session, brand) for _ in range(22)]
            agents = [make_staff(session) for _ in range(size)]
            team = make_team(session, *agents)
            for account in accounts[:20]:
                session.add(Grant(team_id=team.id, account_id=account.id, role="agent", created_at=now))
            self.tokens = [_token(session, agent, now) for agent in agents]
            self._accounts = [account.id for account in accounts]
            live.number_new(session, SYSTEM)

    def number(self) -> int:
        """Nothing changes; the number that the next change would have."""
        self._told += 1
        return self._told

    def tell(self) -> int:
        """A conversation that all may see has changed, and one that nobody may; its id."""
        self._told += 1
        with Session(self._engine) as session, session.begin():
            now = datetime.now(UTC)
            live.tell(session, "conversation", now, account_id=self._accounts[-1], id=0, version=1)
            live.tell(session, "conversation", now, account_id=self._accounts[0], id=self._told, version=1)
            session.flush()
            live.number_new(session, SYSTEM)
        return self._told


def _token(session: Session, agent: Staff, now: datetime) -> str:
    return create_token_for(session, SYSTEM, agent, name="bench", scopes=["read"], expires_at=None, now=now)[1]


@dataclass
class Audience:
    """Open pages: connections that only read."""

    port: int
    tokens: list[str]
    _open: dict[int, socket.socket] = field(default_factory=dict)
    _poll: select.epoll = field(default_factory=select.epoll)
    _number: int = 0
    _heard: dict[int, float] = field(default_factory=dict)  # by connection

    def open(self) -> None:
        """Sign everybody in. Raises RuntimeError where a stream is refused."""
        for first in range(0, len(self.tokens), _AT_ONCE):
            batch = [self._ask(token) for token in self.tokens[first : first + _AT_ONCE]]
            for one in batch:
                begun = one.recv(4096)
                while b"retry:" not in begun:
                    if not (more := one.recv(4096)):
                        raise RuntimeError(f"a stream was refused: {begun[:200]!r}")
                    begun += more
                one.setblocking(False)
                self._open[one.fileno()] = one
                self._poll.register(one, select.EPOLLIN)

    def hear(self, number: int, ring: Callable[[], object]) -> list[float]:
        """Milliseconds from the bell until each has heard of it."""
        self._number, self._heard = number, {}
        began = time.perf_counter()
        ring()
        self.listen(PATIENCE, lambda: len(self._heard) == len(self._open))
        if len(self._heard) < len(self._open):
            raise RuntimeError(f"{len(self._heard)} of {len(self._open)} have heard")
        return [(at - began) * 1000 for at in self._heard.values()]

    def listen(self, seconds: float, is_over: Callable[[], bool]) -> None:
        end = time.perf_counter() + seconds
        while not is_over() and (left := end - time.perf_counter()) > 0:
            for file, _ in self._poll.poll(left, 1000):
                said = self._open[file].recv(65536)
                if not said:
                    raise RuntimeError("a stream ended")
                if any(int(n) == self._number for n in _SAID.findall(said)):
                    self._heard.setdefault(file, time.perf_counter())

    def close(self) -> None:
        for one in self._open.values():
            one.close()
        self._poll.close()

    def _ask(self, token: str) -> socket.socket:
        one = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        one.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        return one
