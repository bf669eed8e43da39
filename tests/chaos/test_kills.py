"""200 publications while workers, the clock and Valkey are killed: nothing twice, nothing
lost, nothing stuck, by what the networks themselves recorded."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import Engine

from channels.rehearsal.base import Fault
from tests.chaos.harness import open_harness
from tests.chaos.judge import faults

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(240)]


def test_nothing_is_sent_twice_lost_or_stuck_whatever_is_killed(engine: Engine, tmp_path: Path) -> None:
    url = engine.url.render_as_string(hide_password=False)
    with open_harness(engine, url, tmp_path) as harness:
        began = time.monotonic()
        texts = harness.schedule(200, over=15)
        for rig in harness.rigs:
            rig.network.plant(Fault("status_after", match=rig.publishes, times=3, probability=0.2))
            rig.network.plant(Fault("reset_after", match=rig.publishes, times=3, probability=0.2))
        time.sleep(2)
        harness.freeze("send-1", 6)  # in the middle of sending; it wakes as if nothing had been
        harness.hurt(times=12, pause=1.0, seed=20260310)
        harness.await_settled(max(5.0, 90 - (time.monotonic() - began)))
        took = time.monotonic() - began
        published = harness.published()
        print(f"{took:.0f} s, kills: {dict(harness.kills)}, states: {harness.states()}")
    assert faults(texts, published, harness.states()) == {}
    assert harness.states() == {"published": 200}
    assert harness.kills.total() == 12
