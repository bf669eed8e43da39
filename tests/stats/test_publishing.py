"""What went out and how late, on the accounts that one may see."""

from __future__ import annotations

from datetime import timedelta

from guichet import models as m
from guichet.delivery.payload import freeze, payload_hash
from guichet.policy import load_actor
from guichet.stats import publishing
from tests import factories as f
from tests.inbox.scene import Scene


def deliver(
    scene: Scene, account: m.Account, state: str, late_ms: int | None = None, kind: str = "post", **ago: float
) -> None:
    payload = freeze(text="on time", surface="public")
    due_at = scene.now - timedelta(**ago)
    scene.session.add(
        m.Delivery(
            kind=kind, state=state, account_id=account.id, payload=payload, payload_hash=payload_hash(payload),
            due_at=due_at, not_before=due_at, created_at=due_at, updated_at=due_at, lateness_ms=late_ms,
        )
    )  # fmt: skip
    scene.session.flush()


def test_counts_and_lateness_by_account_within_the_period(scene: Scene) -> None:
    other = f.make_account(scene.session)
    for late in (100, 300, 90_000):
        deliver(scene, scene.account, "published", late, hours=1)
    deliver(scene, scene.account, "failed", hours=1)
    deliver(scene, scene.account, "scheduled", hours=1)
    deliver(scene, scene.account, "published", 9, kind="like", hours=1)  # says nothing
    deliver(scene, scene.account, "published", 7, hours=25)  # before it
    deliver(scene, scene.account, "published", 7, hours=0)  # its end is not in it
    deliver(scene, other, "needs_human", 5, hours=2)
    boss = load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)
    period = {"since": scene.now - timedelta(days=1), "until": scene.now}

    here, there = publishing.published(scene.session, boss, **period)
    assert (here.account_id, here.published, here.failed, here.needs_human) == (scene.account.id, 3, 1, 0)
    assert (here.late_p50_ms, here.late_max_ms) == (300, 90_000)
    assert (there.needs_human, there.late_p50_ms, there.late_max_ms) == (1, None, None)
    total = publishing.total_of([here, there])
    assert (total.published, total.failed, total.needs_human, total.late_max_ms) == (3, 1, 1, 90_000)
    assert [p.account_id for p in publishing.published(scene.session, boss, account_ids=[other.id], **period)] == [
        other.id
    ]
    assert [p.account_id for p in publishing.published(scene.session, scene.actor(), **period)] == [scene.account.id]
    stranger = load_actor(scene.session, f.make_staff(scene.session), scene.now)
    assert publishing.published(scene.session, stranger, **period) == []
