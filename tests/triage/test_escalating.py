"""Steps of a promise: taken when their time has come, each once, whoever looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guichet import models as m
from guichet.inbox import notices
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.promises import operations
from guichet.triage.escalating import is_step_due, take_steps
from tests import factories as f
from tests.inbox.scene import Scene

WARN = {"of": "answer", "percent": 75, "actions": [{"kind": "tell_assignee"}, {"kind": "tell_leads"}]}
RESOLVE = {"of": "resolution", "percent": 50, "actions": [{"kind": "tell_leads"}]}


@pytest.fixture
def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


@pytest.fixture
def desk(scene: Scene) -> m.Team:
    """The colleague leads, the agent works there."""
    team = f.make_team(scene.session, scene.agent, scene.colleague)
    next(x for x in team.members if x.staff_id == scene.colleague.id).is_lead = True
    scene.session.flush()
    return team


def promise(scene: Scene, boss: Actor, *steps: dict[str, Any], **more: Any) -> m.PromisePolicy:
    values = {"name": "P", "first_minutes": 60, "steps": list(steps), **more}
    return operations.add_policy(scene.session, boss, values, scene.now)


def told(scene: Scene, staff: m.Staff) -> list[tuple[str, int]]:
    found, _ = notices.list_notices(scene.session, scene.actor(staff))
    return [(one.notice.kind, one.notice.count) for one in found]


def taken(scene: Scene) -> list[tuple[int, bool]]:
    """Of each step in the history: at how many percent, and whether it was late."""
    events = scene.session.query(m.ConversationEvent).filter_by(kind="promise_step").order_by(m.ConversationEvent.id)
    return [(e.data["percent"], e.data["is_late"]) for e in events]


def test_who_has_it_and_who_leads_are_warned_once(scene: Scene, boss: Actor, desk: m.Team) -> None:
    promise(scene, boss, WARN)
    conversation = scene.conversation_of(scene.customer_says())
    inbox.assign(scene.session, boss, conversation, staff=scene.agent, team=desk, now=scene.now)
    scene.later(minutes=44)
    assert not is_step_due(scene.session, SYSTEM, scene.now)
    scene.later(minutes=1)
    assert is_step_due(scene.session, SYSTEM, scene.now)
    assert (take_steps(scene.session, SYSTEM, scene.now), take_steps(scene.session, SYSTEM, scene.now)) == (1, 0)
    assert told(scene, scene.agent) == [("due_soon", 1)] == told(scene, scene.colleague)
    assert taken(scene) == [(75, False)]
    entries = scene.session.query(m.AuditEntry).filter_by(action="promise.step").all()
    assert [(e.target_id, e.data["percent"]) for e in entries] == [(conversation.id, 75)]


def test_a_broken_promise_is_made_urgent_and_moved_and_never_lowered(
    scene: Scene, boss: Actor, desk: m.Team
) -> None:  # fmt: skip
    rescue = f.make_team(scene.session, scene.colleague)
    actions = [
        {"kind": "priority", "value": 3}, {"kind": "team", "value": rescue.id},
        {"kind": "tell_staff", "value": scene.colleague.id},
    ]  # fmt: skip
    late = {"of": "answer", "percent": 100, "actions": actions}
    milder = {"of": "answer", "percent": 110, "actions": [{"kind": "priority", "value": 2}]}
    promise(scene, boss, late, milder, WARN)
    conversation = scene.conversation_of(scene.customer_says())
    inbox.assign(scene.session, boss, conversation, staff=scene.agent, team=desk, now=scene.now)
    scene.later(minutes=60)
    take_steps(scene.session, SYSTEM, scene.now)  # nobody was there to take the first in time
    assert taken(scene) == [(75, True), (100, True)]
    assert (conversation.priority, conversation.team_id, conversation.assignee_id) == (3, rescue.id, None)
    assert told(scene, scene.colleague) == [("late", 2)]
    scene.later(minutes=10)
    take_steps(scene.session, SYSTEM, scene.now)
    assert (conversation.priority, taken(scene)[-1]) == (3, (110, True))
    assert not is_step_due(scene.session, SYSTEM, scene.now + timedelta(days=9))


def test_a_deadline_that_moved_later_makes_a_step_wait(scene: Scene, boss: Actor, desk: m.Team) -> None:
    policy = promise(scene, boss, WARN)
    conversation = scene.conversation_of(scene.customer_says())
    inbox.assign(scene.session, boss, conversation, staff=scene.agent, now=scene.now)
    scene.later(minutes=46)
    # Changed, and nobody has measured anew yet: what is due by the old version is not done.
    operations.change_policy(scene.session, boss, policy, {"first_minutes": 120}, scene.now)
    assert take_steps(scene.session, SYSTEM, scene.now) == 1
    assert (taken(scene), is_step_due(scene.session, SYSTEM, scene.now)) == ([], False)
    scene.later(minutes=44)
    take_steps(scene.session, SYSTEM, scene.now)
    assert taken(scene) == [(75, False)]


def test_who_has_an_answer_is_nobodys_alarm(scene: Scene, boss: Actor, desk: m.Team) -> None:
    promise(scene, boss, WARN, RESOLVE, resolution_minutes=200)
    conversation = scene.conversation_of(scene.customer_says())
    inbox.assign(scene.session, boss, conversation, team=desk, now=scene.now)
    scene.later(minutes=30)
    inbox.resolve(scene.session, scene.actor(), conversation, how="answered", now=scene.now)
    assert not is_step_due(scene.session, SYSTEM, scene.now + timedelta(days=1))
    scene.customer_says("And now?")
    scene.later(minutes=100)
    take_steps(scene.session, SYSTEM, scene.now)
    assert taken(scene) == [(75, True), (50, False)]
    assert told(scene, scene.colleague) == [("due_soon", 1), ("late", 1)]


def test_two_who_look_at_once_take_a_step_once(scene: Scene, boss: Actor) -> None:
    """The second judges again what the first has changed since it looked."""
    promise(scene, boss, WARN)
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(minutes=50)
    (row,) = scene.session.query(m.Promise)
    take_steps(scene.session, SYSTEM, scene.now)
    row.next_at = scene.now  # as the second still sees it
    scene.session.flush()
    take_steps(scene.session, SYSTEM, scene.now)
    assert (taken(scene), row.next_at, conversation.due_at) == ([(75, False)], None, row.due_at)
