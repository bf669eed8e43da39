"""The brake's second, measured: real sending threads, requests on real sockets, and a brake
that is pulled at any moment among them. Prints what it measured (`pytest -s`)."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest

from guichet.clock import utc_now
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.models import Account
from guichet.policy import SYSTEM
from guichet.publishing import brakes
from tests import databases
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, open_stage
from tests.workers.test_lives import until

THREADS = 8  # of `runtime_on`
WAITING = 40  # posts that are due in each trial
ON_ONE_STAGE = 10  # trials: an account of Mastodon takes 300 posts in three hours
PROMISED = 1.0  # seconds


@dataclass
class Starts:
    """When requests that publish began: seen in what Python's http.client hands to its socket."""

    listening: bool = False
    at: list[float] = field(default_factory=list)

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.listening and event == "http.client.send" and bytes(arguments[1][:5]) == b"POST ":
            self.at.append(time.monotonic())


STARTS = Starts()
OPENED = {"sqlite": databases.sqlite_engine, "postgresql": databases.postgres_engine}


@pytest.fixture(scope="module", autouse=True)
def heard() -> Iterator[None]:
    sys.addaudithook(STARTS.hear)  # cannot be taken out again: it is deaf afterwards
    yield
    STARTS.listening = False


@contextmanager
def sending(stage: Stage) -> Iterator[threading.Thread]:
    """A drain with its threads, over posts that are all due."""
    thread = threading.Thread(target=stage.drain)
    STARTS.at, STARTS.listening = [], True
    thread.start()
    yield thread
    thread.join(60)
    STARTS.listening = False
    assert not thread.is_alive()


@dataclass(frozen=True)
class Trial:
    """In seconds: how long the brake took from being asked for to its commit, and when the last
    request began, after the commit was begun (below 0: before it)."""

    took: float
    last: float


def try_once(stage: Stage, chance: random.Random) -> Trial:
    """Pulls the brake while posts go out."""
    queue(stage, chance)
    with sending(stage):
        until(lambda: len(STARTS.at) > 2)
        time.sleep(chance.random() * 0.1)
        asked_at = time.monotonic()
        with stage.session() as session:
            brakes.pull(session, SYSTEM, now=utc_now())
            session.flush()
            commit_at = time.monotonic()
        took = time.monotonic() - asked_at
    assert len(STARTS.at) < WAITING, "all of it was out before the brake"
    with stage.session() as session:
        brakes.lift(session, SYSTEM, otherwise="drop", now=utc_now())
    return Trial(took, STARTS.at[-1] - commit_at)


def queue(stage: Stage, chance: random.Random) -> None:
    now = utc_now()
    with stage.session() as session:
        account = session.get_one(Account, stage.account_id)
        for n in range(WAITING):
            payload = freeze(text=f"{n} {chance.random()}", surface="public")
            delivering.create(session, SYSTEM, account=account, kind="post", payload=payload, due_at=now, now=now)


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize(
    "trials",
    [
        pytest.param(ON_ONE_STAGE, marks=pytest.mark.chaos),
        pytest.param(200, marks=[pytest.mark.proof, pytest.mark.timeout(1800)]),
    ],
)
def test_no_request_begins_later_than_a_second_after_the_brake(database: str, trials: int, tmp_path: Path) -> None:
    chance, tried = random.Random(trials), list[Trial]()
    for place in range(trials // ON_ONE_STAGE):
        folder = tmp_path / str(place)
        folder.mkdir()
        with OPENED[database]() as engine, MastodonRig() as rig, open_stage(engine, folder, rig) as stage:
            rig.network.latency = 0.1
            tried += [try_once(stage, chance) for _ in range(ON_ONE_STAGE)]
    print(
        f"\n{database}, {trials} brakes over {THREADS} sending threads, ms."
        f" Asked for to committed: {_spread(t.took for t in tried)}."
        f" Last request after the commit was begun: {_spread(t.last for t in tried)}."
    )
    assert max(t.last for t in tried) <= PROMISED


def _spread(seconds: Iterable[float]) -> str:
    found = sorted(1000 * s for s in seconds)
    cuts = quantiles(found, n=100, method="inclusive")
    return f"p50 {cuts[49]:.0f}, p90 {cuts[89]:.0f}, p99 {cuts[98]:.0f}, most {found[-1]:.0f}"
