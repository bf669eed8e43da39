"""Customers write while whoever receives is killed: everything that they said is in the
inbox, once, in the order of each, by what the networks themselves have."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from guichet import models as m
from guichet.unit import open_reading
from tests.chaos.behaviours import BEHAVIOURS
from tests.chaos.harness import Harness, open_harness
from tests.chaos.stores import Store

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180)]

PROGRAMS = ("receive-1", "receive-2", "clock")
KILLED = ("receive-1", "receive-2", "receive-1", "receive-2", "clock", "valkey")
HEARD = [b for b in BEHAVIOURS if b.name in ("mastodon", "no keys", "bluesky")]
EACH = 60


def test_nothing_that_customers_say_is_lost_or_doubled_whatever_is_killed(store: Store, tmp_path: Path) -> None:
    dice = random.Random(7)
    with open_harness(store, tmp_path, HEARD, PROGRAMS, latency=0.02) as harness:
        wait_until(harness, lambda: len(cursors(harness)) >= 2 * len(harness.rigs), 60)
        said: dict[int, list[str]] = defaultdict(list)
        for n in range(EACH):
            for name, rig in harness.rigs.items():
                said[harness.accounts[name]].append(rig.say_publicly(f"Question {n}: where is my parcel?"))
            if n % 8 == 7:
                time.sleep(dice.uniform(0.2, 0.6))
                name = dice.choice(KILLED)
                harness.await_ready([name])
                harness.kill(name)
        wait_until(harness, lambda: heard(harness) == said, 90)
        print(f"kills: {dict(harness.kills)}")
        with open_reading(harness.store.engine) as session:
            left = session.scalars(select(m.RawItem.state).where(m.RawItem.state != "done")).all()
    assert left == []
    assert harness.kills.total() == EACH // 8


def cursors(harness: Harness) -> list[str]:
    """Streams that were read for the first time: from then on everything is news."""
    with open_reading(harness.store.engine) as session:
        return list(session.scalars(select(m.PollCursor.stream).where(m.PollCursor.polled_at.is_not(None))))


def heard(harness: Harness) -> dict[int, list[str]]:
    """Remote ids by account, in the order in which a conversation shows them."""
    found: dict[int, list[str]] = defaultdict(list)
    query = select(m.Message.account_id, m.Message.remote_id).where(m.Message.direction == "in")
    with open_reading(harness.store.engine) as session:
        for account_id, remote_id in session.execute(query.order_by(m.Message.sort_at, m.Message.id)):
            found[account_id].append(str(remote_id))
    return found


def wait_until(harness: Harness, holds: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, {a: len(ids) for a, ids in heard(harness).items()}
        time.sleep(0.5)
