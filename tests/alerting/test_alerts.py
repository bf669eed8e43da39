"""What raises an alert, whom it calls one after the other, and when it stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from guichet import models as m
from guichet.alerting import calling, operations, queries, rules, watching
from guichet.errors import GuichetError, Invalid, NotAllowed, NotFound
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.promises import operations as promises
from guichet.sealing import Sealer
from tests import factories as f
from tests.inbox.scene import Scene

SEALER = Sealer([("k1", bytes(32))])


def step(
    whom: m.Staff | m.Team, minutes: int = 5, *, as_: str = "", ways: tuple[str, ...] = ("page",)
) -> dict[str, Any]:
    kind = as_ or ("staff" if isinstance(whom, m.Staff) else "team")
    return {"whom": kind, "value": whom.id, "ways": list(ways), "minutes": minutes}


@pytest.fixture
def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


def policy(scene: Scene, boss: Actor, *steps: dict[str, Any], **more: Any) -> m.AlertPolicy:
    values = {
        "brand_id": scene.account.brand_id, "name": "Night", "events": [{"kind": "broken"}], "steps": list(steps),
        **more,
    }  # fmt: skip
    return operations.add_policy(scene.session, boss, values, scene.now)


def late(scene: Scene, boss: Actor) -> m.Conversation:
    """Somebody waits for an answer that was promised within the hour."""
    promises.add_policy(scene.session, boss, {"name": "P", "first_minutes": 60}, scene.now)
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(minutes=61)
    return conversation


def look(scene: Scene) -> list[m.Alert]:
    """What the worker does, without what goes out."""
    for id_ in watching.list_policies_on(scene.session, SYSTEM):
        watching.watch(scene.session, SYSTEM, id_, scene.now)
    calling.take_steps(scene.session, SYSTEM, scene.now)
    return list(scene.session.query(m.Alert).order_by(m.Alert.id))


def calls(scene: Scene) -> list[tuple[int | None, str, int, int]]:
    rows = scene.session.query(m.AlertCall).order_by(m.AlertCall.id)
    return [(c.staff_id, c.state, c.round, c.step) for c in rows]


def test_a_broken_promise_calls_one_after_the_other_until_somebody_sees_to_it(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent), step(scene.colleague), repeats=1)
    conversation = late(scene, boss)
    (alert,) = look(scene)
    assert (alert.event, alert.count, alert.conversation_id) == ("broken", 1, conversation.id)
    assert look(scene) == [alert]
    assert calls(scene) == [(scene.agent.id, "sent", 0, 0)]
    for _ in range(5):  # the second, the first again, the second again, and nobody is left
        scene.later(minutes=5)
        look(scene)
    assert [(staff, r, s) for staff, _, r, s in calls(scene)] == [
        (scene.agent.id, 0, 0), (scene.colleague.id, 0, 1), (scene.agent.id, 1, 0), (scene.colleague.id, 1, 1),
    ]  # fmt: skip
    assert alert.next_at is None
    ada, other = scene.actor(), scene.actor(scene.colleague)
    operations.acknowledge(scene.session, ada, alert.id, scene.now)
    operations.acknowledge(scene.session, other, alert.id, scene.later(minutes=1))
    assert alert.acknowledged_by == scene.agent.id  # the first who said so
    kinds = [e.action for e in scene.session.query(m.AuditEntry) if e.action.startswith("alert.")]
    assert kinds.count("alert.step") == 4
    assert {"alert.raise", "alert.nobody", "alert.acknowledge"} <= set(kinds)


def test_acknowledged_it_is_quiet_until_there_is_something_new(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent))
    late(scene, boss)
    (alert,) = look(scene)
    operations.acknowledge(scene.session, scene.actor(), alert.id, scene.now)
    scene.later(hours=5)
    assert len(look(scene)) == 1
    assert len(calls(scene)) == 1
    scene.customer_says("And mine?", who="second", root="another")
    scene.later(minutes=61)
    alerts = look(scene)
    assert [(a.count, a.ended_at is None) for a in alerts] == [(1, False), (2, True)]


def test_what_is_no_more_so_is_over_and_calls_nobody(scene: Scene, boss: Actor) -> None:
    given = {"brand_id": scene.account.brand_id, "name": "desk", "url": "https://x.example/"}
    hook, _ = operations.add_hook(scene.session, boss, SEALER, now=scene.now, **given)
    policy(scene, boss, {"whom": "hook", "value": hook.id, "ways": [], "minutes": 5}, step(scene.agent))
    conversation = late(scene, boss)
    look(scene)
    for promise in scene.session.query(m.Promise).filter_by(conversation_id=conversation.id):
        promise.ended_at = scene.now
    scene.later(minutes=6)
    (alert,) = look(scene)
    assert alert.ended_at == scene.now
    assert [c[1] for c in calls(scene)] == ["dropped"]
    assert not calling.is_anything_due(scene.session, SYSTEM, scene.now + timedelta(days=1))


def test_who_is_away_or_asleep_or_gone_is_passed_over_at_once(scene: Scene, boss: Actor) -> None:
    gone, stranger = f.make_staff(scene.session, disabled_at=scene.now), f.make_staff(scene.session)
    asleep = f.make_staff(scene.session, quiet_from="09:00", quiet_until="18:00", time_zone="UTC")
    f.make_grant(scene.session, asleep, scene.account, "agent")
    scene.agent.absent_until = scene.now + timedelta(days=2)
    scene.session.flush()
    policy(scene, boss, *(step(one) for one in (gone, stranger, asleep, scene.agent, scene.colleague)))
    late(scene, boss)
    look(scene)
    rows = scene.session.query(m.AlertCall).order_by(m.AlertCall.id)
    assert [(c.staff_id, c.said) for c in rows] == [
        (gone.id, "no longer works here"), (stranger.id, "may not answer on this account"),
        (asleep.id, "has quiet hours"), (scene.agent.id, "is away"), (scene.colleague.id, ""),
    ]  # fmt: skip


def test_a_rota_calls_whose_week_it_is_and_the_next_where_they_are_away(scene: Scene, boss: Actor) -> None:
    team = f.make_team(scene.session, scene.agent, scene.colleague)
    policy(scene, boss, step(team, as_="rota"))
    late(scene, boss)
    look(scene)
    (first,) = calls(scene)
    zone = scene.account.brand.time_zone
    assert first[0] == rules.in_turn(sorted((scene.agent.id, scene.colleague.id)), scene.now, zone)[0]
    members = [1, 2, 3]
    monday = datetime.fromisoformat("2026-03-08T23:00:00+00:00")  # 00:00 in Paris
    before = rules.in_turn(members, monday - timedelta(seconds=1), "Europe/Paris")
    assert rules.in_turn(members, monday, "Europe/Paris") == [*before[1:], before[0]]


def test_floods_lost_sign_ins_and_what_needs_a_person_are_seen(scene: Scene, boss: Actor) -> None:
    events = [
        {"kind": "flood", "minutes": 5, "count": 4},
        {"kind": "signed_out"},
        {"kind": "undecided"},
        {"kind": "failed"},
    ]
    policy(scene, boss, step(scene.agent), events=events)
    for _ in range(3):
        scene.customer_says()
    assert look(scene) == []
    scene.customer_says()
    scene.account.state = "needs_reconnect"
    f.make_delivery(scene.session, scene.account, state="needs_human", updated_at=scene.now)
    f.make_delivery(scene.session, scene.account, state="failed", updated_at=scene.now - timedelta(hours=1))  # before
    alerts = {a.event: a for a in look(scene)}
    assert {name: a.count for name, a in alerts.items()} == {"flood": 4, "signed_out": 1, "undecided": 1}
    scene.later(minutes=6)
    scene.account.state = "connected"
    look(scene)
    assert {name for name, a in alerts.items() if a.ended_at is None} == {"undecided"}


def test_outside_hours_is_when_the_brand_is_closed(scene: Scene, boss: Actor) -> None:
    calendar = m.Calendar(name="H", time_zone="UTC", intervals={"1": [["08:00", "12:00"]]})
    scene.session.add(calendar)
    scene.session.flush()
    scene.account.brand.calendar_id = calendar.id
    scene.account.state = "needs_reconnect"
    scene.session.flush()
    policy(scene, boss, step(scene.agent), events=[{"kind": "signed_out"}], hours="closed")
    assert look(scene) == []  # a Tuesday, 09:30
    scene.later(hours=3)
    assert len(look(scene)) == 1


def test_two_who_take_a_step_or_a_call_at_once_do_it_once(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent, ways=("email",)))
    late(scene, boss)
    look(scene)
    calling.take_steps(scene.session, SYSTEM, scene.now)
    (claim,) = calling.claim_calls(scene.session, SYSTEM, scene.now)
    assert calling.claim_calls(scene.session, SYSTEM, scene.now) == []
    # Its worker was killed: after a while another takes it, and what the first still says is not heard.
    scene.later(minutes=4)
    (again,) = calling.claim_calls(scene.session, SYSTEM, scene.now)
    calling.settle(scene.session, SYSTEM, claim, scene.now, problem="late", is_final=True)
    assert calls(scene)[0][1] == "sending"
    calling.settle(scene.session, SYSTEM, again, scene.now)
    assert calls(scene)[0][1] == "sent"


def test_a_call_that_is_not_taken_is_tried_again_and_then_the_next_is_called(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent, 1440, ways=("email",)), step(scene.colleague))
    late(scene, boss)
    look(scene)
    waits = []
    for _ in range(len(rules.BACKOFF) + 1):
        (claim,) = calling.claim_calls(scene.session, SYSTEM, scene.now)
        calling.settle(scene.session, SYSTEM, claim, scene.now, problem="away")
        row = scene.session.get_one(m.AlertCall, claim.call_id, populate_existing=True)
        if row.next_at is not None:
            waits.append((row.next_at - scene.now).total_seconds())
            scene.now = row.next_at
    assert (tuple(waits), row.state, len(row.log)) == (rules.BACKOFF, "failed", 6)
    look(scene)
    assert calls(scene)[-1][:2] == (scene.colleague.id, "sent")  # nobody waits a day for whom no mail reached


def test_what_cannot_be_is_refused_by_name(scene: Scene, boss: Actor) -> None:
    with pytest.raises(Invalid) as e:
        policy(
            scene, boss, step(scene.agent, ways=()), events=[{"kind": "flood", "count": 1}, {"kind": "x"}], hours="x"
        )
    assert {"steps.0.ways", "events.0.minutes", "events.0.count", "events.1.kind", "hours"} == set(e.value.fields)
    nobody = {"whom": "staff", "value": 10**9, "ways": ["page"], "minutes": 5}
    with pytest.raises(Invalid) as e:
        policy(scene, boss, nobody)
    assert set(e.value.fields) == {"steps.0.value"}
    for url in ("ftp://x.example", "https://", "https://a:b@x.example/", "https://x.example:99999/", "javascript:1"):
        with pytest.raises(Invalid):
            operations.add_hook(
                scene.session, boss, SEALER, brand_id=scene.account.brand_id, name="x", url=url, now=scene.now
            )


def test_only_who_may_answer_there_acknowledges_and_only_who_may_see_it_sees_it(scene: Scene, boss: Actor) -> None:
    policy(scene, boss, step(scene.agent))
    late(scene, boss)
    (alert,) = look(scene)
    viewer, stranger = f.make_staff(scene.session), f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    expected: tuple[tuple[m.Staff, type[GuichetError]], ...] = ((viewer, NotAllowed), (stranger, NotFound))
    for person, problem in expected:
        with pytest.raises(problem):
            operations.acknowledge(scene.session, scene.actor(person), alert.id, scene.now)
    assert [len(queries.list_alerts(scene.session, scene.actor(p))[0]) for p in (viewer, stranger)] == [1, 0]
    (mine,) = queries.list_alerts(scene.session, scene.actor(), is_open=True)[0]
    assert (mine.calls_me, mine.may_acknowledge) == (True, True)
    assert alert.acknowledged_at is None


@pytest.mark.parametrize(("at", "quiet"), [("21:59", False), ("22:00", True), ("03:00", True), ("07:00", False)])
def test_quiet_hours_go_over_midnight(at: str, quiet: bool) -> None:
    now = datetime.fromisoformat(f"2026-07-01T{at}:00+02:00")
    assert rules.is_quiet("22:00", "07:00", "Europe/Paris", now) is quiet
    assert not rules.is_quiet("", "", "Europe/Paris", now)
