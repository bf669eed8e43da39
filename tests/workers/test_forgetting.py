"""What brands keep no longer goes in the worker, with its files, lot by lot; what is left over waits an hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, update

from guichet import models as m
from guichet.clock import utc_now
from guichet.inbox import retention
from tests import factories as f
from tests.channels.mastodon_rig import MastodonRig
from tests.waiting import until
from tests.workers.stage import Stage, open_stage
from workers import tend

COUNT = 7


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


@pytest.fixture
def keys(stage: Stage) -> list[str]:
    """Of the files in conversations that have been over for 40 days, of a brand that keeps for 30."""
    keys = [stage.runtime.store.put(f"picture {n}".encode()) for n in range(COUNT)]
    before = utc_now() - timedelta(days=40)
    with stage.session() as session:
        account = session.get_one(m.Account, stage.account_id)
        session.execute(update(m.Brand).values(keep_days=30))
        for n, key in enumerate(keys):
            identity = f.make_customer(session, account.network)
            conversation = f.make_conversation(
                session, account, identity=identity, state="closed", last_message_at=before, created_at=before
            )
            message = m.Message(
                conversation_id=conversation.id, account_id=account.id, direction="in", kind="mention",
                remote_id=f"r{n}", identity_id=identity.id, text="My passport", remote_at=before,
                received_at=before, sort_at=before,
            )  # fmt: skip
            message.attachments = [m.Attachment(filename="a.png", mime="image/png", storage_key=key)]
            session.add(message)
    return keys


def left(stage: Stage) -> int:
    with stage.session() as session:
        return session.scalar(select(func.count()).select_from(m.Message).where(m.Message.text != "")) or 0


def test_lots_of_it_go_with_their_files_until_nothing_is_left(
    stage: Stage, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOT", 2)
    monkeypatch.setattr(tend, "FORGOTTEN_LOTS", 2)
    counted = []
    for _ in range(3):
        tend.forget_what_is_old(stage.process)
        counted.append(left(stage))
    assert counted == [COUNT - 4, 0, 0]
    for key in keys:
        with pytest.raises(FileNotFoundError):
            stage.runtime.store.get(key)
    with stage.session() as session:
        assert session.scalar(select(func.count()).where(m.Customer.erased_at.is_not(None))) == COUNT


def test_where_nothing_was_left_it_is_looked_again_after_an_hour(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tend.forget_what_is_old(stage.process)
    asked = []
    monkeypatch.setattr(retention, "brands_that_forget", lambda *_: asked.append(1) or [])
    tend.forget_what_is_old(stage.process)
    assert asked == []
    monkeypatch.setattr(tend, "FORGET_EVERY", 0.05)
    stage.process.parts.pop("forget_at")
    tend.forget_what_is_old(stage.process)
    until(lambda: tend.forget_what_is_old(stage.process) or len(asked) > 1, 5)
