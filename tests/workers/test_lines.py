"""Lines: how many requests are under way, and what may be started before it has one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from channels import registry
from channels.contract import Draft, MediaItem, Surface
from guichet.delivery import rules
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig
from tests.waiting import until
from tests.workers import stage as stages
from tests.workers.stage import Stage, open_stage
from tests.workers.test_deliver import settle_all
from workers import lines
from workers.lines import Lines

KEYED, READABLE = registry.get_spec("bluesky"), registry.get_spec("x")
PICTURE = MediaItem("0" * 64, "image/png", 1, "a.png", "", bytes)


def test_only_what_the_network_knows_by_our_key_is_started_without_a_line() -> None:
    free = Lines(1)
    assert free.may_start_early(KEYED, Draft(text="a"))
    assert not free.may_start_early(READABLE, Draft(text="a"))
    assert not free.may_start_early(KEYED, Draft(text="a", surface=Surface.DIRECT))
    assert not free.may_start_early(KEYED, Draft(text="a", media=(PICTURE,)))  # its upload is a request


def test_no_more_lines_are_taken_than_there_are() -> None:
    line, seen, now = Lines(3), [], [0]

    def send() -> None:
        with line.taken():
            now[0] += 1
            seen.append(now[0])
            time.sleep(0.005)
            now[0] -= 1

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 12
    assert max(seen) <= 3
    assert not line.are_short()


def test_where_lines_come_late_nothing_is_started_early_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "PATIENCE", 0.0)
    monkeypatch.setattr(lines, "PAUSE", 0.1)
    line = Lines(1)
    with line.taken():
        assert line.may_start_early(KEYED, Draft(text="a"))
    with line.taken(is_early=True):
        assert not line.may_start_early(KEYED, Draft(text="a"))
    until(lambda: line.may_start_early(KEYED, Draft(text="a")))


# ---------------------------------------------------------------- in a worker


@pytest.fixture
def one_line(monkeypatch: pytest.MonkeyPatch, engine: Engine, tmp_path: Path) -> Iterator[ExitStack]:
    runtime_on = stages.runtime_on
    monkeypatch.setattr(stages, "runtime_on", lambda engine, folder: runtime_on(engine, folder, threads=1))
    with ExitStack() as stack:
        yield stack


def two_at_once(stack: ExitStack, rig: Rig, engine: Engine, folder: Path) -> tuple[Stage, list[int], threading.Thread]:
    """A drain of a worker with one line, which the first of two deliveries has."""
    stage = stack.enter_context(open_stage(engine, folder, stack.enter_context(rig)))
    stage.queue("the first of all pays for opening the desk")
    stage.drain()
    rig.network.latency = 0.2  # well below the stage's time-outs
    ids = [stage.queue("one"), stage.queue("two")]
    thread = threading.Thread(target=stage.drain)
    thread.start()
    until(lambda: any(stage.delivery(i).state == "sending" for i in ids))
    return stage, ids, thread


def second_began_after_first_ended(stage: Stage, ids: list[int]) -> timedelta:
    attempts = sorted((a for i in ids for a in stage.delivery(i).attempts), key=lambda a: a.started_at)
    assert len(attempts) == 2
    assert attempts[0].ended_at is not None
    return attempts[1].started_at - attempts[0].ended_at


def test_the_next_one_is_started_while_the_one_before_is_being_sent(
    one_line: ExitStack, engine: Engine, tmp_path: Path
) -> None:
    stage, ids, thread = two_at_once(one_line, BlueskyRig(), engine, tmp_path)
    thread.join(30)
    assert sorted(stage.texts()[1:]) == ["one", "two"]
    assert second_began_after_first_ended(stage, ids) < timedelta(0)


def test_elsewhere_it_waits_for_a_line_first(one_line: ExitStack, engine: Engine, tmp_path: Path) -> None:
    stage, ids, thread = two_at_once(one_line, XRig(), engine, tmp_path)
    thread.join(30)
    assert sorted(stage.texts()[1:]) == ["one", "two"]
    assert second_began_after_first_ended(stage, ids) >= timedelta(milliseconds=-1)  # SQLite tells whole ones


def test_what_waited_too_long_for_a_line_is_not_begun_and_goes_out_once(
    one_line: ExitStack, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(rules, "START_HOLDS", rules.START_HOLDS / 10)
        stage, ids, thread = two_at_once(one_line, BlueskyRig(), engine, tmp_path)
        until(lambda: "frozen" in [a.error_code for i in ids for a in stage.delivery(i).attempts])
    thread.join(30)
    stage.rig.network.latency = 0
    settle_all(stage, ids)
    assert sorted(stage.texts()[1:]) == ["one", "two"]
