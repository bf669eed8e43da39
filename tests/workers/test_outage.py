"""Three days without a network, by a virtual clock: everything that customers said meanwhile is
in the inbox, once, in its order, with the waits that they had; what cannot be had is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select

from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.clock import utc_now
from guichet.policy import SYSTEM
from guichet.receiving import ingest
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.email_rig import EmailRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.x_rig import XRig
from tests.databases import sqlite_engine
from tests.workers.hearing import begin, looking, make_due, receive_all
from tests.workers.stage import Stage, open_stage
from workers import receive

BEGAN = datetime(2026, 3, 27, 9, 0, tzinfo=UTC)  # the clocks are turned within the three days
EVERY = timedelta(hours=12)
TIMES = 6  # three days
NETWORKS: dict[str, Callable[[], Rig]] = {
    "mastodon": MastodonRig,
    "bluesky": BlueskyRig,
    "x": lambda: XRig(access_life=60 * 86_400),
    "mail": EmailRig,
}


@pytest.fixture
def traveller() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(BEGAN, tick=True) as traveller:
        yield traveller


@pytest.mark.parametrize("network", NETWORKS)
def test_what_was_said_in_three_days_without_the_network_is_all_there_once_and_in_order(
    network: str, tmp_path: Path, traveller: time_machine.Traveller
) -> None:
    with sqlite_engine() as engine, NETWORKS[network]() as rig, open_stage(engine, tmp_path, rig) as stage:
        begin(stage)
        away = Fault("reset_before", match="^(GET|POST|IMAP|SMTP) (?!/_rehearsal)", times=0)
        rig.network.plant(away)
        said = []
        for n in range(TIMES):
            traveller.shift(EVERY)
            said.append((rig.say_publicly(f"Question {n}: where is my parcel?"), utc_now()))
            make_due(stage)
            asked_at = utc_now()
            receive.poll(stage.account_id)
            assert_tried_again_soon(stage, asked_at)
        assert heard(stage) == []
        rig.network.forget_faults()
        traveller.shift(timedelta(minutes=10))
        for _ in range(2):  # the second time there is nothing new
            receive_all(stage)
        there = heard(stage)
        assert [message.remote_id for message in there] == [remote_id for remote_id, _ in said]
        for message, (_, at) in zip(there, said, strict=True):
            assert abs(message.remote_at - at) < timedelta(minutes=1), "the customer's wait is the network's time"
            assert message.received_at - message.remote_at > timedelta(minutes=9), "and ours is ours"
        with looking(stage) as session:
            waits = session.scalars(select(m.Wait).order_by(m.Wait.started_at)).all()
            assert [wait.started_at for wait in waits] == [message.remote_at for message in there]
            assert all(wait.received_at > BEGAN + TIMES * EVERY and wait.ended_at is None for wait in waits)
            assert [c.gap_since for c in session.scalars(select(m.PollCursor)) if c.gap_since] == []


def heard(stage: Stage) -> list[m.Message]:
    """In the order in which the inbox shows them."""
    with looking(stage) as session:
        wanted = select(m.Message).where(m.Message.direction == "in").order_by(m.Message.sort_at, m.Message.id)
        found = list(session.scalars(wanted))
        session.expunge_all()
        return found


def assert_tried_again_soon(stage: Stage, asked_at: datetime) -> None:
    with looking(stage) as session:
        for cursor in session.scalars(select(m.PollCursor).where(m.PollCursor.stream != receive.RECHECK)):
            assert cursor.failures > 0
            assert cursor.last_error
            assert asked_at < cursor.next_poll_at <= utc_now() + receive.LONGEST_PAUSE


def test_what_x_does_not_hand_out_any_more_is_said_with_its_bounds(
    tmp_path: Path, traveller: time_machine.Traveller
) -> None:
    """Direct messages go back thirty days; we were away for forty."""
    with sqlite_engine() as engine, NETWORKS["x"]() as rig, open_stage(engine, tmp_path, rig) as stage:
        begin(stage)
        traveller.shift(timedelta(days=40))
        receive_all(stage)
        with looking(stage) as session:
            direct = session.get_one(m.PollCursor, (stage.account_id, "direct"))
            assert direct.gap_since is not None
            assert direct.gap_until is not None
            assert abs(direct.gap_since - BEGAN) < timedelta(hours=2)
            assert abs(direct.gap_until - (BEGAN + timedelta(days=10))) < timedelta(minutes=5)
            assert "30 days" in direct.gap_reason
        with stage.runtime.unit() as unit:  # somebody has seen it: once, and the log keeps it
            account = unit.session.get_one(m.Account, stage.account_id)
            for stream in ("mentions", "direct", "direct"):
                ingest.forget_gap(unit.session, SYSTEM, account, stream, utc_now())
        with looking(stage) as session:
            assert session.get_one(m.PollCursor, (stage.account_id, "direct")).gap_since is None
            [entry] = session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "account.gap_seen"))
            assert entry.data["stream"] == "direct"
            assert entry.data["since"] < entry.data["until"]
