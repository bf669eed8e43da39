"""The judge is no friend of ours: take one guard of the engine away, and it says so.

Each guard (DESIGN §4 and docs/journeys/post.md) has a story that only it survives. The
story is played with the guard and without it; without, something must go out twice, be
lost or stick. The only tests that replace our own functions: that is what they are about.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rq import Queue, Retry, SimpleWorker
from sqlalchemy import Engine, true, update

from channels.errors import OutcomeUnknown
from channels.rehearsal.mastodon import Ways
from guichet import models as m
from guichet.clock import ClockGuard, utc_now
from guichet.delivery import engine as engine_
from guichet.delivery import rules, takeover
from guichet.delivery.states import AttemptState, State
from tests.channels.mastodon_rig import MastodonRig
from tests.chaos.clocks import a_database_ahead
from tests.chaos.judge import Wanted, faults, judge
from tests.valkeys import running_valkey
from tests.workers.stage import Stage, open_stage, runtime_on
from workers import clock, deliver, reconcile, tend
from workers.committing import Committer
from workers.runtime import Process, use

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(60)]

TEXT = "boarding is at gate F7"
LATE = 2.5  # seconds within which these networks publish, or not at all
Story = Callable[[Stage], None]
Guard = Callable[[pytest.MonkeyPatch], dict[str, timedelta]]


# ---------------------------------------------------------------- stories


def an_error_after_it_was_published(stage: Stage) -> None:
    stage.plant("status_after", status=500)
    stage.queue(TEXT)
    work(stage)


def a_publication_that_arrives_late(stage: Stage) -> None:
    """The server says 500 and publishes later, but within the time that its network may take."""
    stage.plant("late", seconds=LATE - 0.5)
    began = time.monotonic()
    stage.queue(TEXT)
    work(stage)
    time.sleep(max(0.0, began + LATE - time.monotonic()))


def a_worker_that_slept_through_its_replacement(stage: Stage) -> None:
    """It claims, and sleeps before the start; another takes over and sends; it wakes."""
    stage.queue(TEXT)
    sleeper = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        (claimed,) = engine_.claim(connection, sleeper.worker_id, 5, utc_now())
    sleeper.let_go()  # to everybody else it is dead
    with another_worker(stage) as other:
        use(other)
        tend.take_over_from_the_dead(other)
        deliver.drain()
    committer = Committer(stage.process, lambda: 1, lambda: False)
    if committer.start(engine_.Start(claimed, "", {})) is not None:
        send(stage)
    committer.close()


def a_worker_that_died_with_a_claim(stage: Stage) -> None:
    stage.queue(TEXT)
    dead = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        assert len(engine_.claim(connection, dead.worker_id, 5, utc_now())) == 1
    dead.let_go()
    stage.process.life = None
    work(stage, 2)


def a_worker_that_died_while_sending(stage: Stage) -> None:
    """The request is out, its outcome is nowhere written."""
    id_ = stage.queue(TEXT)
    dead = stage.process.living()
    with stage.runtime.engine.begin() as connection:
        (claimed,) = engine_.claim(connection, dead.worker_id, 5, utc_now())
        wish = engine_.Start(claimed, "", {})
        assert engine_.start(connection, dead.worker_id, [wish], utc_now(), true()) == {id_}
    send(stage)
    dead.let_go()
    stage.process.life = None
    work(stage)


def send(stage: Stage) -> None:
    """The request itself, as a worker makes it."""
    stage.rig.begin(stage.rig.connect(), stage.rig.draft(TEXT)).send()


# ---------------------------------------------------------------- guards, taken away


def no_doubt_about_errors(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    """An error reply is taken as proof that nothing was published."""
    judged = rules.after_error

    def naive(error: BaseException, **how: Any) -> rules.Verdict:
        verdict = judged(error, **how)
        if verdict.state is not State.UNKNOWN:
            return verdict
        return replace(verdict, state=State.DUE, attempt=AttemptState.REFUSED, not_before=how["now"])

    patch.setattr(rules, "after_error", naive)
    return {}


def no_wait_before_absence_counts(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    return {"read_lag": timedelta(0), "latest_arrival": timedelta(0)}


def no_condition_in_the_starting_update(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    """Who claimed it once may send it."""

    def naive(connection: Any, worker_id: str, starts: Any, now: Any, lock_is_held: Any) -> set[int]:
        ids = {s.claimed.id for s in starts}
        connection.execute(update(m.Delivery).where(m.Delivery.id.in_(ids)).values(state=State.SENDING))
        return ids

    patch.setattr(engine_, "start", naive)
    return {}


def no_taking_over(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    patch.setattr(takeover, "suspects", lambda connection: [])
    return {}


def no_unknown_after_a_death(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    """What a dead worker had started is sent again at once."""
    recover = takeover.recover

    def naive(connection: Any, worker_id: str, now: Any, *more: Any) -> tuple[int, int]:
        mine = (m.Delivery.worker_id == worker_id, m.Delivery.state == State.SENDING)
        connection.execute(update(m.Delivery).where(*mine).values(state=State.CLAIMED))
        connection.execute(update(m.Attempt).where(m.Attempt.worker_id == worker_id).values(state=AttemptState.UNSENT))
        return recover(connection, worker_id, now, *more)

    patch.setattr(takeover, "recover", naive)
    return {}


def a_second_try_inside_a_send(patch: pytest.MonkeyPatch) -> dict[str, timedelta]:
    """Whoever got no answer asks once more at once."""
    request = deliver._request

    def naive(*what: Any) -> Any:
        try:
            return request(*what)
        except OutcomeUnknown:
            return request(*what)

    patch.setattr(deliver, "_request", naive)
    return {}


GUARDS: dict[str, tuple[Guard, Story, str]] = {
    "rule 2, errors": (no_doubt_about_errors, an_error_after_it_was_published, "twice"),
    "rule 7, waiting": (no_wait_before_absence_counts, a_publication_that_arrives_late, "twice"),
    "rule 1, starting": (no_condition_in_the_starting_update, a_worker_that_slept_through_its_replacement, "twice"),
    "rule 3, one request": (a_second_try_inside_a_send, an_error_after_it_was_published, "twice"),
    "rule 4, taking over": (no_taking_over, a_worker_that_died_with_a_claim, "lost"),
    "rule 4, unknown": (no_unknown_after_a_death, a_worker_that_died_while_sending, "twice"),
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # the same code runs on both
@pytest.mark.parametrize("guard", GUARDS)
def test_without_this_guard_the_judge_finds_fault_and_with_it_none(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: str
) -> None:
    take_away, story, fault = GUARDS[guard]
    assert played(engine, tmp_path / "with", story, {"latest_arrival": timedelta(seconds=LATE)}) == {}
    changed = take_away(monkeypatch)
    assert fault in played(engine, tmp_path / "without", story, {"latest_arrival": timedelta(seconds=0.3), **changed})


def played(engine: Engine, folder: Path, story: Story, quick: dict[str, timedelta]) -> dict[str, list[str]]:
    """The judge's word on a story. The server ignores keys, as some of them do."""
    folder.mkdir()
    with MastodonRig(Ways(honours_keys=False)) as rig, open_stage(engine, folder, rig, **quick) as stage:
        story(stage)
        ids = [row.id for row in stage_deliveries(stage)]
        states = [stage.delivery(i).state for i in ids]
        return faults([TEXT], Counter(stage.texts()), states)


# ---------------------------------------------------------------- the clock


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_without_the_guard_of_the_clocks_the_judge_finds_what_went_out_early(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert published_early(engine, tmp_path / "with") == []
    monkeypatch.setattr(ClockGuard, "agrees", lambda guard, database_now: True)
    monkeypatch.setattr(ClockGuard, "is_trusted", lambda guard: True)
    assert len(published_early(engine, tmp_path / "without")) == 1


def published_early(engine: Engine, folder: Path) -> list[str]:
    """What the judge says of a post due in half an hour, while every clock is an hour ahead."""
    folder.mkdir()
    with MastodonRig() as rig, open_stage(engine, folder, rig) as stage:
        wanted, due_at = Wanted(), (utc_now() + timedelta(minutes=30)).replace(microsecond=0)
        token = wanted.new_token()
        wanted.expect_post("mastodon", [token], due_at, 0, has_comment=False)
        stage.queue(f"{token} is called", due_at=due_at)
        off = [0.0]
        guard = ClockGuard(wall=lambda: time.time() + off[0])
        stage.process.runtime = replace(stage.process.runtime, clock=guard, now=guard.now)
        off[0] = 3600.0
        with a_database_ahead(engine, off[0]):
            clock.Clock(stage.process).tick()
            stage.drain()
        return judge(wanted, {"mastodon": stage.rig.network.ledger()}, []).early


# ---------------------------------------------------------------- a naive publisher


def test_a_publisher_that_lets_rq_repeat_its_jobs_is_found_out(tmp_path: Path) -> None:
    """The obvious design: one job for a post, and `Retry(3)` for when it fails."""
    with running_valkey(tmp_path) as redis, MastodonRig(Ways(honours_keys=False)) as rig:
        rig.plant("status_after", status=500, times=2)
        queue = Queue("naive", connection=redis)
        CONNECTED["rig"] = rig
        queue.enqueue(publish_naively, TEXT, retry=Retry(max=3))
        SimpleWorker([queue], connection=redis).work(burst=True, logging_level="CRITICAL")
        published = Counter(e["text"] for e in rig.published())
    assert faults([TEXT], published) == {"twice": [TEXT]}


CONNECTED: dict[str, MastodonRig] = {}


def publish_naively(text: str) -> None:
    rig = CONNECTED["rig"]
    rig.begin(rig.connect(), rig.draft(text)).send()


# ---------------------------------------------------------------- playing


def stage_deliveries(stage: Stage) -> list[m.Delivery]:
    with stage.session() as session:
        return session.query(m.Delivery).filter_by(account_id=stage.account_id).all()


def work(stage: Stage, seconds: float = 6) -> None:
    """Tend, drain and look until nothing is open any more, or for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        tend.take_over_from_the_dead(stage.process)
        stage.drain()
        use(stage.process)
        reconcile.look()
        if all(d.state in ("published", "needs_human", "failed") for d in stage_deliveries(stage)):
            return
        time.sleep(0.05)


@contextmanager
def another_worker(stage: Stage) -> Iterator[Process]:
    """A second process on the same database, as far as anybody can see."""
    runtime = runtime_on(stage.runtime.engine, stage.runtime.settings.data_dir)
    other = Process(replace(runtime, store=stage.runtime.store), stage.process.networks, "send")
    try:
        yield other
    finally:
        if other.life is not None:
            other.life.let_go()
