"""Renewing sign-ins against a network that rotates refresh tokens: one flight, a blip is no
end, and what becomes of a renewal whose process was killed before it could keep what it got."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, update
from sqlalchemy.exc import OperationalError

from channels.contract import Connected
from channels.rehearsal.base import Fault
from guichet import models as m
from guichet.accounts import operations
from guichet.accounts.queries import find_due_refreshes, sign_ins
from guichet.clock import utc_now
from guichet.policy import SYSTEM
from tests.channels.x_rig import XRig
from tests.workers.stage import Stage, open_stage
from workers import tend
from workers.desks import connect, renew


class ExpiringRig(XRig):
    """Connected with what the consent gave, its end included."""

    given: Connected

    def connected(self, auth: str | None = None) -> Connected:
        self.given = super().connected(auth)
        return self.given


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with ExpiringRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        credential(stage, expires_at=utc_now() + timedelta(minutes=20), refreshed_at=utc_now() - timedelta(hours=1))
        yield stage


def credential(stage: Stage, **changes: object) -> m.Credential:
    with stage.session() as session:
        if changes:
            session.execute(update(m.Credential).values(**changes))
        found = session.get_one(m.Credential, stage.account_id)
        session.expunge_all()
        return found


def account(stage: Stage) -> m.Account:
    with stage.session() as session:
        found = session.get_one(m.Account, stage.account_id)
        session.expunge_all()
        return found


def lapse(stage: Stage) -> None:
    """As if two minutes had passed."""
    credential(stage, refresh_claimed_until=utc_now() - timedelta(seconds=1))


def due(stage: Stage) -> int:
    with stage.session() as session:
        return len(find_due_refreshes(session, SYSTEM, utc_now()))


def secrets(stage: Stage) -> dict[str, str]:
    return dict(connect(stage.process, stage.account_id).secrets)


def lose_a_renewal(stage: Stage) -> None:
    """All that a process does that is killed between the network's answer and its commit."""
    with stage.session() as session:
        row = session.get_one(m.Account, stage.account_id)
        assert operations.claim_refresh(session, SYSTEM, row, utc_now()) is not None
    connection = connect(stage.process, stage.account_id)
    stage.process.networks.connector("x", True, connection).refresh(connection)


def test_a_token_is_renewed_before_its_end_and_the_new_one_sends(stage: Stage) -> None:
    before = secrets(stage)
    assert due(stage) == 1
    tend.renew_secrets(stage.process)
    after = secrets(stage)
    assert all(before[name] != after[name] for name in ("access_token", "refresh_token"))
    assert due(stage) == 0
    id_ = stage.queue("with the new one")
    stage.drain()
    assert stage.delivery(id_).state == "published"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status_before", match="POST /2/oauth2/token", status=503),
        Fault("status_before", match="POST /2/oauth2/token", status=403),
        Fault("reset_before", match="POST /2/oauth2/token"),
    ],
    ids=["away", "a proxy's page", "reset"],
)
def test_a_blip_at_the_token_endpoint_is_no_dead_token(stage: Stage, fault: Fault) -> None:
    stage.rig.network.plant(fault)
    assert not renew(stage.process, stage.account_id)
    assert (account(stage).state, credential(stage).refused_at) == ("connected", None)
    assert not renew(stage.process, stage.account_id), "not at once again"
    lapse(stage)
    assert renew(stage.process, stage.account_id)
    assert account(stage).last_error == ""


def test_killed_between_the_answer_and_the_commit_the_old_token_serves_to_its_end(stage: Stage) -> None:
    """The new refresh token died with the process and the old one is spent: nobody can renew.
    What is held goes on until it ends; people are told at once, and asked to connect anew."""
    lose_a_renewal(stage)
    lapse(stage)
    assert not renew(stage.process, stage.account_id)
    assert account(stage).state == "connected"
    with stage.session() as session:
        sign_in = sign_ins(session, [stage.account_id], utc_now())[stage.account_id]
    assert sign_in.is_refused
    assert sign_in.is_ending
    assert sign_in.ends_at == sign_in.expires_at
    id_ = stage.queue("still with the old one")
    stage.drain()
    assert stage.delivery(id_).state == "published"
    credential(stage, expires_at=utc_now() - timedelta(seconds=1))
    lapse(stage)
    assert not renew(stage.process, stage.account_id)
    assert account(stage).state == "needs_reconnect"


def test_connected_anew_a_refused_account_is_well_again(stage: Stage) -> None:
    lose_a_renewal(stage)
    lapse(stage)
    renew(stage.process, stage.account_id)
    rig = stage.rig
    assert isinstance(rig, ExpiringRig)
    again = rig.connected()
    with stage.session() as session:
        row = session.get_one(m.Account, stage.account_id)
        brand = session.get_one(m.Brand, row.brand_id)
        operations.save_connected(
            session, SYSTEM, stage.runtime.sealer, brand, "x", again, True, utc_now(), account=row
        )  # fmt: skip
        sign_in = sign_ins(session, [stage.account_id], utc_now())[stage.account_id]
    assert (sign_in.is_refused, sign_in.ends_at) == (False, None)
    lapse(stage)
    assert renew(stage.process, stage.account_id)


def test_what_was_renewed_waits_for_a_database_that_is_away(stage: Stage) -> None:
    before = secrets(stage)
    failures = _FailingWrites(stage, 1)
    assert renew(stage.process, stage.account_id)
    assert failures.left == 0
    assert secrets(stage) != before


class _FailingWrites:
    """The database breaks off transactions that write new secrets, `left` more times."""

    def __init__(self, stage: Stage, left: int) -> None:
        self.left = left

        @event.listens_for(stage.runtime.engine, "before_cursor_execute")
        def fail(connection: object, cursor: object, statement: str, *rest: object) -> None:
            if self.left and statement.startswith("UPDATE credential") and "sealed" in statement:
                self.left -= 1
                raise OperationalError(statement, {}, Exception("away"))


def test_a_token_that_cannot_be_renewed_is_told_of_and_not_tried(stage: Stage) -> None:
    credential(stage, renews=False)
    assert due(stage) == 0
    with stage.session() as session:
        assert sign_ins(session, [stage.account_id], utc_now())[stage.account_id].is_ending


def test_a_short_lived_token_is_not_renewed_all_the_time(stage: Stage) -> None:
    now = utc_now()
    credential(stage, refreshed_at=now, expires_at=now + timedelta(minutes=10))
    assert due(stage) == 0
    credential(stage, refreshed_at=now - timedelta(minutes=6), expires_at=now + timedelta(minutes=4))
    assert due(stage) == 1
