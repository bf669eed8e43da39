"""While a clock is wrong, of a machine or of the database, nothing starts, nothing is taken
over and no absence counts; and who is killed meanwhile comes back as careful as before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, true
from sqlalchemy.exc import OperationalError

from channels.rehearsal.mastodon import Ways
from guichet.clock import STEADY_FOR, ClockGuard
from guichet.delivery import doubts
from guichet.delivery import engine as engine_
from guichet.delivery.rules import after_receipt
from guichet.delivery.settling import Result
from tests.channels.mastodon_rig import MastodonRig
from tests.chaos.clocks import a_database_ahead
from tests.workers.stage import Stage, open_stage
from workers import deliver, tend
from workers.committing import Committer, Outcome


class Clocks:
    """The three that a guard compares; what counts only ever goes on."""

    def __init__(self) -> None:
        self.counted = 5.0
        self.wall = 1_000_000.0

    def guard(self, memory: Path | None = None) -> ClockGuard:
        return ClockGuard(lambda: self.wall, lambda: self.counted, memory)

    def pass_(self, seconds: float) -> None:
        self.counted += seconds
        self.wall += seconds

    def database(self, off: float = 0.0) -> datetime:
        return datetime.fromtimestamp(self.wall + off, UTC)


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig(Ways(honours_keys=False)) as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def have_moved(stage: Stage, seconds: float) -> None:
    """The machine's clock has just been moved."""
    off = [0.0]
    guard = ClockGuard(wall=lambda: datetime.now(UTC).timestamp() + off[0])
    off[0] = seconds
    stage.process.runtime = replace(stage.process.runtime, clock=guard, now=guard.now)


# ---------------------------------------------------------------- what is believed


@pytest.mark.parametrize("off", [-3600.0, 3600.0])
def test_a_process_that_begins_while_the_clock_is_wrong_does_not_believe_it(tmp_path: Path, off: float) -> None:
    clocks = Clocks()
    assert clocks.guard(tmp_path).is_trusted()
    clocks.wall += off
    begun_late = clocks.guard(tmp_path)
    assert not begun_late.is_trusted()
    clocks.wall -= off
    assert begun_late.is_trusted()


def test_what_is_believed_at_last_is_remembered(tmp_path: Path) -> None:
    clocks = Clocks()
    guard = clocks.guard(tmp_path)
    clocks.wall += 3600
    assert not guard.is_trusted()
    clocks.pass_(STEADY_FOR + 1)
    assert guard.is_trusted()
    assert clocks.guard(tmp_path).is_trusted()


def test_a_memory_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    clocks = Clocks()
    clocks.guard(tmp_path)
    for file in tmp_path.iterdir():
        file.write_text("{")
    assert clocks.guard(tmp_path).is_trusted()


def test_time_goes_on_as_it_was_believed_while_the_clock_is_wrong() -> None:
    clocks = Clocks()
    guard, before = clocks.guard(), clocks.wall
    clocks.pass_(10)
    clocks.wall += 3600
    assert guard.now().timestamp() == before + 10


def test_a_database_that_is_an_hour_off_is_not_believed_until_it_is_steady() -> None:
    clocks = Clocks()
    guard = clocks.guard()
    assert guard.agrees(clocks.database())
    assert not guard.agrees(clocks.database(3600))
    assert guard.agrees(clocks.database())
    assert not guard.agrees(clocks.database(-3600))
    clocks.pass_(STEADY_FOR + 1)
    assert guard.agrees(clocks.database(-3600))


def test_a_database_that_is_an_hour_off_when_first_asked_is_not_believed() -> None:
    clocks = Clocks()
    assert not clocks.guard().agrees(clocks.database(3600))


# ---------------------------------------------------------------- what is not done meanwhile


def test_what_was_claimed_before_the_clock_moved_does_not_start_after_it(stage: Stage) -> None:
    stage.queue("the last call")
    life = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        (claimed,) = engine_.claim(connection, life.worker_id, 5, stage.runtime.now())
    have_moved(stage, 3600)
    committer = Committer(stage.process, lambda: 1, lambda: False)
    assert committer.start(engine_.Start(claimed, "", {})) is None
    committer.close()


def test_nobody_is_taken_over_from_while_the_clock_is_wrong(stage: Stage) -> None:
    """A doubt that began an hour ago would end before the request can have arrived."""
    id_ = _left_by_a_dead_worker(stage)
    have_moved(stage, -3600)
    tend.take_over_from_the_dead(stage.process)
    assert stage.delivery(id_).state == "sending"
    have_moved(stage, 0)
    tend.take_over_from_the_dead(stage.process)
    assert stage.delivery(id_).state == "unknown"


def test_no_absence_counts_while_the_clock_is_wrong(stage: Stage) -> None:
    stage.plant("status_before", status=500)
    id_ = stage.queue("not there yet")
    stage.drain()
    have_moved(stage, 3600)
    for _ in range(3):
        stage.look()
    assert stage.delivery(id_).state == "unknown"


def test_doubts_that_a_look_let_fall_are_looked_at_without_waiting_for_their_lease(stage: Stage) -> None:
    stage.plant("status_after", status=500)
    id_ = stage.queue("it is there")
    stage.drain()
    with stage.runtime.engine.begin() as connection:  # taken up, and nothing came of it
        later = stage.runtime.now() + timedelta(seconds=2)
        assert doubts.take_cases(connection, stage.process.living().worker_id, later)
    stage.look()
    assert stage.delivery(id_).state == "published"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # whose clock can be moved from here
def test_what_follows_is_not_put_off_by_a_database_that_is_an_hour_ahead(stage: Stage) -> None:
    first = stage.queue("one")
    then = stage.queue("two", kind="thread_item", predecessor_id=first)
    life = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        (claimed,) = engine_.claim(connection, life.worker_id, 5, stage.runtime.now())
        wish = engine_.Start(claimed, "", {})
        assert engine_.start(connection, life.worker_id, [wish], stage.runtime.now(), true()) == {first}
    receipt = stage.rig.begin(stage.rig.connect(), stage.rig.draft("one")).send()
    ended_at = stage.runtime.now()
    result = Result(first, stage.account_id, claimed.fence, "post", claimed.due_at, after_receipt(receipt), ended_at)
    with a_database_ahead(stage.runtime.engine, 3600):
        committer = Committer(stage.process, lambda: 1, lambda: False)
        committer.settle(Outcome(result, is_answer=False))
        committer.close()
    assert stage.delivery(then).state == "due"
    assert stage.delivery(then).not_before < ended_at + timedelta(minutes=1)


class _AwayOnce(deliver.Sender):
    """A database that does not answer once, while a send is prepared."""

    was_away = False

    def _prepare(self, *what: Any) -> Any:
        if not self.was_away:
            self.was_away = True
            raise OperationalError("SELECT 1", {}, Exception("database is locked"))
        return super()._prepare(*what)


def test_a_database_that_is_away_while_a_send_is_prepared_fails_nothing(stage: Stage) -> None:
    id_ = stage.queue("nothing is wrong with it")
    stage.process.parts["sender"] = _AwayOnce(stage.process)
    stage.drain()
    stage.drain()
    assert stage.delivery(id_).state == "published"


def _left_by_a_dead_worker(stage: Stage) -> int:
    id_ = stage.queue("and then it died")
    dead = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        (claimed,) = engine_.claim(connection, dead.worker_id, 5, stage.runtime.now())
        wish = engine_.Start(claimed, "", {})
        assert engine_.start(connection, dead.worker_id, [wish], stage.runtime.now(), true()) == {id_}
    dead.let_go()
    stage.process.life = None
    return id_
