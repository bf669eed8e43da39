"""What stops a worker in the middle of sending, and who goes on: a brake, a severed lock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from guichet import models as m
from guichet.clock import utc_now
from guichet.policy import load_actor
from guichet.publishing import brakes
from tests import factories
from tests.channels.mastodon_rig import MastodonRig
from tests.waiting import until
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all
from workers import tend

MANY = 60


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        rig.network.latency = 0.15
        yield stage


def draining(stage: Stage, ids: list[int]) -> threading.Thread:
    """A drain that has begun to send, and is far from its end."""
    thread = threading.Thread(target=stage.drain)
    thread.start()
    until(lambda: len(stage.texts()) > 3)
    assert len(stage.texts()) < len(ids) - 20
    return thread


def test_a_brake_stops_a_drain_under_way_and_lifting_it_sends_the_rest_once(stage: Stage) -> None:
    ids = [stage.queue(f"n {n}") for n in range(MANY)]
    thread = draining(stage, ids)
    with stage.session() as session:
        boss = load_actor(session, factories.make_staff(session, "administrator"), utc_now())
        brakes.pull(session, boss, now=utc_now())
    pulled_at = utc_now()
    thread.join(60)
    assert not thread.is_alive()

    found = [stage.delivery(i) for i in ids]
    # On a slow machine a call may outlast its deadline: in doubt, and looked for below.
    left = [d for d in found if d.state not in ("published", "held", "unknown")]
    assert not left, [(d.state, d.reason_code, d.tries, d.not_before) for d in left]
    started = [a.started_at for d in found for a in d.attempts]
    assert max(started) <= pulled_at + timedelta(seconds=1)
    assert len(stage.texts()) <= len(started) < MANY
    with stage.session() as session:
        brakes.lift(session, boss, otherwise="send", now=utc_now())
    stage.rig.network.latency = 0
    settle_all(stage, ids)
    assert sorted(stage.texts()) == sorted(f"n {n}" for n in range(MANY))


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_worker_whose_lock_was_severed_goes_on_under_another_name(stage: Stage, engine: Engine) -> None:
    """The server ends the lock's connection while sends are under way: what had started ends
    as it would have, what was merely claimed is taken over, nothing goes out twice."""
    ids = [stage.queue(f"n {n}") for n in range(MANY)]
    before = stage.process.living().worker_id
    thread = draining(stage, ids)
    with engine.begin() as connection:
        severed = connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'guichet life lock' AND datname = current_database()"
            )
        ).all()
    assert len(severed) == 1
    thread.join(30)
    assert stage.process.living().worker_id != before

    tend.take_over_from_the_dead(stage.process)
    with stage.runtime.reading() as session:
        assert session.get_one(m.Worker, before).ended_at is not None
        left = session.scalars(select(m.Delivery.id).where(m.Delivery.worker_id == before)).all()
    assert left == []
    stage.rig.network.latency = 0
    settle_all(stage, ids)
    assert sorted(stage.texts()) == sorted(f"n {n}" for n in range(MANY))
    assert stage.process.living().worker_id != before
