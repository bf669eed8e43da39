"""Real sends to a rehearsal network: what each way of going wrong leads to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, open_stage


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def test_what_is_due_goes_out_once_and_its_receipt_is_kept(stage: Stage) -> None:
    ids = [stage.queue(f"flight {n} is on time") for n in range(5)]
    stage.drain()
    stage.drain()
    assert sorted(stage.texts()) == [f"flight {n} is on time" for n in range(5)]
    for id_ in ids:
        delivery = stage.delivery(id_)
        assert delivery.state == "published", delivery.reason
        assert delivery.remote_id
        assert delivery.remote_url.startswith("http")
        assert [a.state for a in delivery.attempts] == ["accepted"]
        assert delivery.lateness_ms is not None
