"""The worker's round that plans what goes out again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from guichet import models as m
from guichet.clock import utc_now
from guichet.evergreen import items, queues
from guichet.evergreen.items import Limits
from guichet.evergreen.queues import Setting
from guichet.policy import load_actor
from guichet.publishing.drafting import VariantSpec, Words, create
from guichet.publishing.openings import WeekSlot
from tests import factories
from tests.channels.mastodon_rig import MastodonRig
from tests.workers.stage import Stage, open_stage
from workers import tend

EACH_MORNING = tuple(WeekSlot(day, "09:00") for day in range(7))


@pytest.fixture
def stage(engine: Engine, tmp_path: Path) -> Iterator[Stage]:
    with MastodonRig() as rig, open_stage(engine, tmp_path, rig) as stage:
        yield stage


def planned(stage: Stage) -> list[str]:
    """The states of the deliveries that queues have planned."""
    with stage.session() as session:
        wanted = select(m.Delivery.state).join(m.Post, m.Post.id == m.Delivery.post_id)
        return list(session.scalars(wanted.where(m.Post.wording_id.is_not(None))))


def test_a_round_fills_the_slots_of_the_next_days_and_the_one_after_it_none(stage: Stage) -> None:
    now = utc_now()
    with stage.session() as session:
        boss = load_actor(session, factories.make_staff(session, "administrator"), now)
        account = session.get_one(m.Account, stage.account_id)
        wanted = Setting("Tips", (account.id,), week=EACH_MORNING, rest_days=0, horizon_days=3)
        queue = queues.create_queue(session, boss, account.brand, wanted, now)
        kept = create(
            session, boss, brand=account.brand, words=Words("Pets travel in the cabin."),
            variants=[VariantSpec(account.id)], now=now,
        )  # fmt: skip
        items.add_item(session, boss, queue, kept, Limits(), stage.process.networks.specs(), now)
    tend.fill_queues(stage.process)
    found = planned(stage)
    assert found in (["scheduled"] * 3, ["scheduled"] * 2)  # two in the minute before nine: that slot is too near
    tend.fill_queues(stage.process)
    assert planned(stage) == found
