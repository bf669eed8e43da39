"""Being told of mail instead of asking for it (IMAP IDLE): it is in the inbox within
seconds, a broken line is dialled again, and a hint that comes at a bad moment is not lost."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.clock import utc_now
from guichet.jobs import POLL, Job
from tests.channels.email_rig import COMPANY, EmailRig
from tests.waiting import until
from tests.workers.hearing import begin, looking, make_due, messages, texts
from tests.workers.stage import Stage, open_stage
from workers import listening, receive
from workers.runtime import use

SOON = 15.0  # seconds, on a busy machine; the next poll by the clock is an hour away


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with EmailRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        begin(stage)
        with stage.session() as session:  # the next poll by the clock is far away
            session.execute(update(m.PollCursor).values(next_poll_at=utc_now() + timedelta(hours=1)))
        yield stage


@contextmanager
def listening_to(stage: Stage) -> Iterator[Fault]:
    """The listening of the clock, and a worker for its wake-ups. Yields a fault that does nothing
    but count how often the company's mailbox was waited on."""
    wakes: queue.SimpleQueue[tuple[Job, dict[str, Any]] | None] = queue.SimpleQueue()
    object.__setattr__(stage.runtime, "wake", lambda job, params: wakes.put((job, params)))
    waited = Fault("slow", match="^IMAP IDLE$", times=0, seconds=0)
    stage.rig.network.plant(waited)

    def work() -> None:
        while (woken := wakes.get()) is not None:
            job, params = woken
            if job == POLL:
                receive.poll(**params)
            else:
                receive.digest()

    threads = [threading.Thread(target=t, daemon=True) for t in (work, lambda: listening.listen(stage.process))]
    for thread in threads:
        thread.start()
    try:
        until(lambda: waited.struck > 0, SOON)
        yield waited
    finally:
        stage.process.stopping.set()
        wakes.put(None)
        for thread in threads:
            thread.join(10)


def test_a_mail_is_in_the_inbox_within_seconds_without_a_poll(stage: Stage) -> None:
    with listening_to(stage):
        for n, said in enumerate(("Where is my parcel?", "Are you there?"), start=1):
            stage.rig.say_publicly(said)
            until(lambda n=n: len(messages(stage)) == n, SOON)
    assert texts(stage) == ["Where is my parcel?", "Are you there?"]


def test_a_broken_line_is_dialled_again_and_what_came_meanwhile_is_told(stage: Stage) -> None:
    with listening_to(stage) as waited:
        before = waited.struck
        stage.rig.network.faults.insert(0, Fault("reset_before", match="^IMAP IDLE$"))  # before the one that counts
        stage.rig.say_publicly("Before the line broke")
        until(lambda: len(messages(stage)) == 1, SOON)
        until(lambda: waited.struck > before, SOON)
        stage.rig.say_publicly("After it")
        until(lambda: len(messages(stage)) == 2, SOON)
    assert texts(stage) == ["Before the line broke", "After it"]


def test_the_same_mails_under_new_numbers_are_not_new(stage: Stage) -> None:
    for n in range(5):
        stage.rig.say_publicly(f"Question {n}")
    make_due(stage)
    receive.poll(stage.account_id)
    receive.digest()
    before = {message.remote_id for message in messages(stage)}
    with listening_to(stage):
        stage.rig.network.change_uidvalidity(COMPANY)
        said = stage.rig.say_publicly("While the numbers changed")
        until(lambda: said in {message.remote_id for message in messages(stage)}, SOON)
    assert {message.remote_id for message in messages(stage)} == {*before, said}
    assert len(messages(stage)) == 6


def test_a_hint_during_a_poll_leaves_the_stream_due(stage: Stage) -> None:
    """The poll may have looked before the mail was there."""
    use(stage.process)
    make_due(stage)
    stage.rig.network.plant(Fault("slow", match="^IMAP LOGOUT$", seconds=0.4))  # it has read, and not yet stored
    polling = threading.Thread(target=receive.poll, args=(stage.account_id,))
    polling.start()
    until(lambda: _is_claimed(stage), SOON)
    listening.ask_now(stage.process, stage.account_id)
    polling.join(10)
    with looking(stage) as session:
        for cursor in session.scalars(select(m.PollCursor).where(m.PollCursor.stream == "INBOX")):
            assert cursor.claimed_until is None
            assert cursor.next_poll_at <= utc_now()


def _is_claimed(stage: Stage) -> bool:
    with looking(stage) as session:
        claimed = select(m.PollCursor.stream).where(m.PollCursor.claimed_until.is_not(None))
        return session.scalar(claimed) is not None


def test_an_account_that_is_gone_is_waited_for_no_more(stage: Stage) -> None:
    others = set(threading.enumerate())
    with listening_to(stage) as waited:
        with stage.session() as session:
            session.get_one(m.Account, stage.account_id).state = "disconnected"
        stage.rig.say_publicly("Anybody there?")  # the wait that is under way ends with it
        until(lambda: not [t for t in set(threading.enumerate()) - others if t.name.startswith("waiter-")], SOON)
        assert waited.struck == 1
