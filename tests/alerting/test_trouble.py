"""Alerts when something goes wrong around them: nobody is called for nothing, and no alarm is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet import models as m
from guichet.alerting import calling, operations
from guichet.policy import SYSTEM, Actor
from guichet.promises import operations as promises
from tests.alerting.test_alerts import boss, calls, late, look, policy, step
from tests.inbox.scene import Scene

__all__ = ["boss"]


def test_what_a_killed_worker_left_calls_nobody_once_somebody_sees_to_it(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent, ways=("email",)))
    late(scene, boss)
    (alert,) = look(scene)
    (claim,) = calling.claim_calls(scene.session, SYSTEM, scene.now)  # and it was killed
    operations.acknowledge(scene.session, scene.actor(scene.colleague), alert.id, scene.now)
    assert calling.why_not(scene.session, SYSTEM, claim.call_id, scene.now) is not None  # it is asked before sending
    scene.later(minutes=4)
    assert calling.claim_calls(scene.session, SYSTEM, scene.now) == []
    assert calls(scene)[0][1] == "dropped"
    assert not calling.is_anything_due(scene.session, SYSTEM, scene.now + timedelta(days=1))


def test_what_was_not_taken_when_somebody_already_sees_to_it_is_no_failure(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent, ways=("email",)))
    late(scene, boss)
    (alert,) = look(scene)
    (claim,) = calling.claim_calls(scene.session, SYSTEM, scene.now)
    operations.acknowledge(scene.session, scene.actor(scene.colleague), alert.id, scene.now)
    calling.settle(scene.session, SYSTEM, claim, scene.now, problem="late", is_final=True)
    assert calls(scene)[0][1] == "dropped"
    assert "alert.unreached" not in {e.action for e in scene.session.query(m.AuditEntry)}


@pytest.mark.parametrize("how", ["right", "left", "away", "quiet"])
def test_the_right_is_asked_again_when_the_call_goes_out(scene: Scene, boss: Actor, how: str) -> None:
    policy(scene, boss, step(scene.agent, ways=("email",)))
    late(scene, boss)
    look(scene)
    (claim,) = calling.claim_calls(scene.session, SYSTEM, scene.now)
    assert calling.why_not(scene.session, SYSTEM, claim.call_id, scene.now) is None
    if how == "right":
        scene.session.query(m.Grant).filter_by(staff_id=scene.agent.id).delete()
    elif how == "left":
        scene.agent.disabled_at = scene.now
    elif how == "away":
        scene.agent.absent_until = scene.now + timedelta(days=1)
    else:
        scene.agent.quiet_from, scene.agent.quiet_until = "00:00", "23:59"
    scene.session.flush()
    assert calling.why_not(scene.session, SYSTEM, claim.call_id, scene.now)


def test_an_alert_that_cannot_be_taken_further_holds_up_no_other(scene: Scene, boss: Actor) -> None:
    broken = policy(scene, boss, step(scene.agent))
    policy(scene, boss, step(scene.colleague))
    late(scene, boss)
    broken.steps = [{"whom": "staff"}]  # as nobody could have entered it
    scene.session.flush()
    look(scene)
    assert calls(scene) == [(scene.colleague.id, "sent", 0, 0)]
    spoilt = scene.session.query(m.Alert).filter_by(policy_id=broken.id).one()
    assert spoilt.next_at is not None
    assert spoilt.next_at > scene.now  # later again, not twice in a second


def test_a_shorter_promise_is_news_although_a_longer_one_is_seen_to(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent), events=[{"kind": "near", "minutes": 120}])
    promises.add_policy(scene.session, boss, {"name": "P", "first_minutes": 110}, scene.now)
    scene.customer_says()
    (alert,) = look(scene)
    operations.acknowledge(scene.session, scene.actor(), alert.id, scene.now)
    scene.later(minutes=1)
    assert len(look(scene)) == 1
    scene.customer_says("Now!", who="second", root="another")
    second = scene.session.query(m.Promise).order_by(m.Promise.id.desc()).first()
    assert second is not None
    second.due_at = scene.now + timedelta(minutes=20)
    scene.session.flush()
    assert [a.ended_at is None for a in look(scene)] == [False, True]


def test_what_was_late_when_it_came_is_news(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent))
    late(scene, boss)
    (alert,) = look(scene)
    operations.acknowledge(scene.session, scene.actor(), alert.id, scene.now)
    scene.customer_says("Written during the outage", who="second", root="another")
    second = scene.session.query(m.Promise).order_by(m.Promise.id.desc()).first()
    assert second is not None
    second.started_at = second.due_at = alert.through - timedelta(minutes=30)
    scene.session.flush()
    assert [a.ended_at is None for a in look(scene)] == [False, True]


def test_a_night_in_which_nobody_could_be_called_ends_with_a_call(scene: Scene, boss: Actor) -> None:
    wall = scene.now + timedelta(minutes=61)
    scene.agent.time_zone = "UTC"
    scene.agent.quiet_from = wall.strftime("%H:%M")
    scene.agent.quiet_until = (wall + timedelta(hours=3)).strftime("%H:%M")
    policy(scene, boss, step(scene.agent, minutes=1))
    late(scene, boss)
    (alert,) = look(scene)
    for _ in range(11):
        scene.later(minutes=15)
        look(scene)
    assert [c[:2] for c in calls(scene)] == [(scene.agent.id, "skipped")]  # said once, not each quarter of an hour
    assert alert.next_at is not None
    scene.later(minutes=16)
    look(scene)
    assert [c[1] for c in calls(scene)] == ["skipped", "sent"]
    scene.later(minutes=2)
    look(scene)
    assert alert.next_at is None  # reached, and nobody is left
