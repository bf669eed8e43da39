"""Two steps to publish: what is made first is found again, used once, or taken away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from channels.contract import Connection
from channels.drills.publish import ContainerPublisher
from channels.mastodon.send import MastodonPublisher
from channels.rehearsal.base import Fault
from channels.rehearsal.mastodon.world import Ways
from guichet import models as m
from guichet.clock import utc_now
from guichet.delivery import operations
from guichet.delivery.payload import MediaRef, freeze
from guichet.policy import SYSTEM
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.drill_rig import DrillRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import sample_image
from tests.workers.quick import QuickNetworks
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all
from workers.staging import discard_leftovers

MAKES = {"drill-containers": r"POST /containers$", "drill-drafts": r"POST /posts$"}
TEXT = "the gate has changed to B12"


@contextmanager
def opened(engine: Engine, folder: Path, name: str, **how: float) -> Iterator[Stage]:
    with BlueskyRig() if name == "bluesky" else DrillRig(name, **how) as rig, open_stage(engine, folder, rig) as stage:
        yield stage


@pytest.fixture(params=MAKES)
def stage(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with opened(engine, tmp_path, request.param) as stage:
        yield stage


class _Impatient(QuickNetworks):
    """Asks once whether a container is ready."""

    def publisher(self, connection: Connection, is_rehearsal: bool) -> ContainerPublisher:
        wire = self.wire_for(connection.network, is_rehearsal)
        return ContainerPublisher(connection, wire, processing_waits=(0.0,))


class _Hurried(QuickNetworks):
    """Asks once whether an upload is ready."""

    def publisher(self, connection: Connection, is_rehearsal: bool) -> MastodonPublisher:
        wire = self.wire_for(connection.network, is_rehearsal)
        return MastodonPublisher(connection, wire, processing_waits=(0.0,))


def again(stage: Stage, id_: int) -> None:
    """What was put off is due now."""
    with stage.session() as session:
        session.execute(update(m.Delivery).where(m.Delivery.id == id_).values(not_before=utc_now()))
    stage.drain()


def staged(stage: Stage) -> list[m.Staged]:
    with stage.runtime.reading() as session:
        rows = list(session.scalars(select(m.Staged).order_by(m.Staged.id)))
        session.expunge_all()
        return rows


def made(stage: Stage) -> list[str]:
    """Ids of what stands at the network."""
    return [doc["id"] for doc in stage.rig.network.made()]


def tidy(stage: Stage) -> None:
    """What is left over, an hour later."""
    with stage.session() as session:
        session.execute(update(m.Delivery).values(updated_at=utc_now() - timedelta(hours=1)))
    discard_leftovers(stage.process)


def test_what_was_made_first_is_on_record_with_its_attempt_and_published_once(stage: Stage) -> None:
    id_ = stage.queue(TEXT)
    stage.drain()
    delivery, [row] = stage.delivery(id_), staged(stage)
    assert (delivery.state, stage.texts(), made(stage)) == ("published", [TEXT], list(row.made.values()))
    [attempt] = delivery.attempts
    assert (attempt.prepared, attempt.idempotency_key) == (row.made, row.key)
    tidy(stage)
    assert [row.state for row in staged(stage)] == ["used"]
    assert stage.texts() == [TEXT]


def test_made_but_not_recorded_it_is_found_where_the_network_can_be_asked(stage: Stage) -> None:
    """A container is made anew, and the one that nobody knows of is forgotten there."""
    network = stage.rig.network
    network.plant(Fault("reset_after", match=MAKES[network.name]))
    id_ = stage.queue(TEXT)
    stage.drain()
    assert (stage.delivery(id_).state, len(made(stage)), [r.state for r in staged(stage)]) == ("due", 1, ["begun"])
    again(stage, id_)
    assert (stage.delivery(id_).state, stage.texts()) == ("published", [TEXT])
    assert len(made(stage)) == {"drill-drafts": 1, "drill-containers": 2}[network.name]
    assert len(staged(stage)) == 1


def test_what_was_recorded_is_gone_on_with_after_a_network_that_was_away(stage: Stage) -> None:
    network = stage.rig.network
    network.plant(Fault("status_before", match=r"GET /(containers|posts)/\d+$", status=503))
    id_ = stage.queue(TEXT)
    stage.drain()
    assert (stage.delivery(id_).state, [r.state for r in staged(stage)]) == ("due", ["made"])
    again(stage, id_)
    assert (stage.texts(), len(made(stage))) == ([TEXT], 1)


def test_what_is_gone_at_the_network_is_made_anew(stage: Stage) -> None:
    network = stage.rig.network
    network.plant(Fault("status_before", match=r"GET /(containers|posts)/\d+$", status=404))
    id_ = stage.queue(TEXT)
    stage.drain()
    assert (stage.delivery(id_).state, stage.delivery(id_).reason_code) == ("due", "staged_gone")
    again(stage, id_)
    assert (stage.texts(), [r.state for r in staged(stage)]) == ([TEXT], ["left", "made"])


def test_another_content_is_staged_anew_and_the_old_one_never_published(stage: Stage) -> None:
    network = stage.rig.network
    network.plant(Fault("status_before", match=r"GET /(containers|posts)/\d+$", status=503))
    id_ = stage.queue("the gate is B11")
    stage.drain()
    with stage.session() as session:
        delivery = session.get_one(m.Delivery, id_)
        operations.replace_content(session, SYSTEM, delivery, freeze(text=TEXT, surface="public"), "", utc_now())
    again(stage, id_)
    assert (stage.texts(), len(made(stage)), [r.state for r in staged(stage)]) == ([TEXT], 2, ["left", "made"])
    tidy(stage)
    assert stage.texts() == [TEXT]
    assert len(made(stage)) == {"drill-drafts": 1, "drill-containers": 2}[network.name]
    assert [r.state for r in staged(stage)] == ["discarded", "used"]


@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_draft_of_what_was_cancelled_is_taken_away(engine: Engine, tmp_path: Path, is_recorded: bool) -> None:
    with opened(engine, tmp_path, "drill-drafts") as stage:
        where = r"GET /posts/\d+$" if is_recorded else r"POST /posts$"
        stage.rig.network.plant(Fault("reset_after", match=where))
        id_ = stage.queue(TEXT)
        stage.drain()
        with stage.session() as session:
            operations.cancel(session, SYSTEM, session.get_one(m.Delivery, id_), utc_now())
        assert len(made(stage)) == 1
        tidy(stage)
        assert (made(stage), stage.rig.network.ledger()) == ([], [])
        assert [r.state for r in staged(stage)] == ["discarded"]


def test_a_network_that_works_at_it_for_long_holds_no_thread_and_no_second_is_made(
    engine: Engine, tmp_path: Path
) -> None:
    with opened(engine, tmp_path, "drill-containers", processing_seconds=60) as stage:
        stage.process.networks = _Impatient(stage.process.networks.wire, stage.process.networks.rehearsal)
        id_ = stage.queue(TEXT)
        stage.drain()
        assert (stage.delivery(id_).state, stage.delivery(id_).reason_code) == ("due", "processing")
        [container] = made(stage)
        doc = stage.rig.network.find_made("acme", container)
        stage.rig.network.store.put("made", container, {**doc, "ready_at": 0})
        again(stage, id_)
        assert (stage.texts(), made(stage)) == ([TEXT], [container])


@pytest.mark.parametrize("effect", ["reset_before", "reset_after", "status_after"])
def test_a_doubt_about_the_second_step_ends_with_one_publication(stage: Stage, effect: str) -> None:
    stage.plant(effect)
    id_ = stage.queue(TEXT)
    stage.drain()
    assert stage.delivery(id_).state == "unknown"
    settle_all(stage, [id_])
    assert (stage.delivery(id_).state, stage.texts(), len(made(stage))) == ("published", [TEXT], 1)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # its SQL is tried on both in tests/delivery
@pytest.mark.parametrize("name", [*MAKES, "bluesky"])
def test_a_key_that_ended_before_it_could_be_repeated_is_no_leave_to_send_anew(
    engine: Engine, tmp_path: Path, name: str
) -> None:
    """It arrives late: not found at the first look, so due once more under its key; and two days
    later that key is gone."""
    with opened(engine, tmp_path, name) as stage:
        stage.process.networks = replace(stage.process.networks, latest_arrival=timedelta(seconds=6))
        stage.plant("late", seconds=3)  # time enough for what comes before it, on a busy machine
        id_ = stage.queue(TEXT)
        stage.drain()
        time.sleep(0.1)
        stage.look()
        assert (stage.delivery(id_).state, stage.delivery(id_).attempts[0].state) == ("due", "moot")
        with stage.session() as session:
            for column in (m.Attempt.started_at, m.Staged.begun_at):
                session.execute(update(column.class_).values({column: utc_now() - timedelta(days=2)}))
        stage.drain()
        assert (stage.delivery(id_).state, stage.delivery(id_).attempts[0].state) == ("unknown", "unknown")
        settle_all(stage, [id_], 20)
        assert (stage.delivery(id_).state, stage.texts()) == ("published", [TEXT])


def test_a_file_that_a_network_works_at_for_long_is_uploaded_once_and_nobody_waits_for_it(
    engine: Engine, tmp_path: Path
) -> None:
    with MastodonRig(Ways(processing_seconds=3600)) as rig, open_stage(engine, tmp_path, rig) as stage:
        stage.process.networks = _Hurried(stage.process.networks.wire, stage.process.networks.rehearsal)
        image = sample_image("Gate F7")
        key = stage.runtime.store.put(image.open())
        ref = MediaRef(1, image.sha256, image.mime, image.size, image.filename, "Gate F7", key)
        id_ = stage.queue("", payload=freeze(text=TEXT, surface="public", media=(ref,)))
        stage.drain()
        delivery = stage.delivery(id_)
        assert (delivery.state, delivery.reason_code, delivery.attempts) == ("due", "media_processing", [])
        assert delivery.not_before > utc_now()
        again(stage, id_)
        assert stage.delivery(id_).state == "due"
        (upload,) = rig.network.store.all("media")
        rig.network.store.put("media", upload["id"], {**upload, "ready_at": 0})
        again(stage, id_)
        assert stage.delivery(id_).state == "published"
        assert [f["alt"] for f in rig.published()[0]["media"]] == ["Gate F7"]
        assert len(rig.network.store.all("media")) == 1
        assert [row.state for row in staged(stage)][-1] == "made"
