"""Live streams as they are served, by gevent and by threads, over a real Valkey: what changes
is heard at once, a stop ends every stream, and whoever comes back has missed nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from redis import Redis
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from guichet import live
from guichet.clock import utc_now
from guichet.policy import SYSTEM
from guichet.staff import operations
from tests import databases
from tests import factories as make
from tests.architecture.source import ROOT
from tests.cli.conftest import KEYS
from tests.journeys.stack import START_SECONDS, free_ports
from tests.valkeys import running_valkey
from tests.waiting import until
from webapp.live import PING

STREAMS = 10
STOP_SECONDS = 15  # a machine may be busy; the server itself takes two


@dataclass
class Listener:
    """A program at a stream: which things it heard of, and the last number it got."""

    things: list[int] = field(default_factory=list)
    last: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    def open(self, url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": self.last} if self.last else {})}
        answer = requests.get(f"{url}/api/v1/events", headers=headers, stream=True, timeout=30)
        assert answer.status_code == 200, answer.text
        self.ended.clear()
        threading.Thread(target=self._read, args=(answer,), daemon=True).start()

    def _read(self, answer: requests.Response) -> None:
        try:
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line.startswith('data: {"id":'):
                    self.things.append(int(line.split(":")[2].split(",")[0]))
                elif line.startswith("id: "):
                    self.last = line[4:]
        except requests.RequestException:
            pass  # cut off in the middle: that too is an end
        self.ended.set()


@dataclass
class Stage:
    """The rows, the bell and the environment of the program that serves streams."""

    engine: Engine
    redis: Redis
    environment: dict[str, str]
    url: str
    token: str
    told: int = 0

    def tell(self, count: int) -> None:
        """Change so many things, as the domain and the clock do it."""
        with Session(self.engine) as session, session.begin():
            for _ in range(count):
                self.told += 1
                live.tell(session, "conversation", utc_now(), id=self.told, version=1)
            session.flush()
            number = live.number_new(session, SYSTEM)
        self.redis.xadd(live.STREAM, {"n": number})

    @contextmanager
    def serving(self, program: str) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "cli.main", "serve", program]
        with (Path(self.environment["GUICHET_DATA_DIR"]) / "log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        try:
            until(self._answers, START_SECONDS)
            yield process
        finally:
            process.kill()  # its worker sees that it is alone, and goes
            process.wait()
            until(lambda: not self._answers(), STOP_SECONDS)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(params=["live", "web"])
def program(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stage(program: str) -> Iterator[Stage]:
    port = free_ports(2)
    with (
        tempfile.TemporaryDirectory(prefix="live-") as name,  # short: a socket lies in it
        databases.sqlite_engine() as engine,
        running_valkey(Path(name)) as redis,
    ):
        with Session(engine) as session, session.begin():
            owner = make.make_staff(session, "owner")
            given = {"name": "test", "scopes": ["read"], "expires_at": None, "now": utc_now()}
            _, token = operations.create_token_for(session, SYSTEM, owner, **given)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
            "GUICHET_DATA_DIR": name,
            "GUICHET_DATABASE_URL": str(engine.url),
            "GUICHET_REDIS_URL": f"unix://{name}/v.sock",
            "GUICHET_SECRET_KEYS": KEYS,
            "GUICHET_PORT": str(port),
        }
        listens_at = port + 1 if program == "live" else port
        yield Stage(engine, redis, environment, f"http://127.0.0.1:{listens_at}", token)


def _seconds_until(heard: Callable[[], bool], stage: Stage) -> float:
    began = time.monotonic()
    stage.tell(1)
    until(heard, 10)
    return time.monotonic() - began


def test_a_stop_ends_every_stream_and_those_who_come_back_missed_nothing(stage: Stage, program: str) -> None:
    listeners = [Listener() for _ in range(STREAMS)]

    def all_heard() -> bool:
        return all(set(one.things) == set(range(1, stage.told + 1)) for one in listeners)

    with stage.serving(program) as process:
        for one in listeners:
            one.open(stage.url, stage.token)
        stage.tell(3)
        until(all_heard, 5)
        took = [_seconds_until(all_heard, stage) for _ in range(3)]
        assert min(took) < 0.5, "the bell was not heard: streams asked by themselves, each second"
        process.send_signal(signal.SIGTERM)
        until(lambda: all(one.ended.is_set() for one in listeners), 3)
        assert process.wait(20) == 0  # the interpreters' own end takes its time on a busy machine
    stage.tell(5)
    with stage.serving(program):
        for one in listeners:
            one.open(stage.url, stage.token)
        stage.tell(2)
        until(all_heard, 5)
    until(lambda: all(one.ended.is_set() for one in listeners), STOP_SECONDS)
    for one in listeners:
        assert one.things == sorted(set(one.things)), "in order, none twice"


@pytest.mark.parametrize("program", ["live"], indirect=True)
def test_the_process_of_streams_has_places_of_its_own(stage: Stage) -> None:
    stage.environment |= {"GUICHET_STREAMS": "1", "GUICHET_LIVE_STREAMS": "3"}
    headers = {"Authorization": f"Bearer {stage.token}"}
    with stage.serving("live"):
        knocked = [requests.get(f"{stage.url}/api/v1/events", headers=headers, stream=True, timeout=30) for _ in "abcd"]
        assert [one.status_code for one in knocked] == [200, 200, 200, 503]
        for one in knocked:
            one.close()


@pytest.mark.parametrize("program", ["web"], indirect=True)
def test_the_place_of_a_page_that_was_left_is_free_before_anything_is_written_to_it(stage: Stage) -> None:
    stage.environment["GUICHET_STREAMS"] = "2"
    headers = {"Authorization": f"Bearer {stage.token}"}

    def knock() -> requests.Response:
        return requests.get(f"{stage.url}/api/v1/events", headers=headers, stream=True, timeout=30)

    with stage.serving("web"):
        taken = [knock(), knock()]
        assert [one.status_code for one in taken] == [200, 200]
        with knock() as refused:
            assert refused.status_code == 503
        for one in taken:
            next(one.iter_content(1))
            one.close()
        again: list[requests.Response] = []

        def is_let_in() -> bool:
            again.append(knock())
            return again[-1].status_code == 200

        until(is_let_in, PING / 2)  # the first ping after would not show it yet
        for one in again:
            one.close()
