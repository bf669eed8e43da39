"""What customers were promised, in step with what happens to their conversations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from guichet import models as m
from guichet.accounts import operations as accounts
from guichet.errors import Invalid, NotAllowed
from guichet.inbox import operations as inbox
from guichet.inbox.customers import change_customer
from guichet.inbox.queries import Filters, list_conversations
from guichet.inbox.remeasuring import BATCH, SETTLED, is_asked_for, remeasure_promises
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.promises import operations, previewing
from guichet.receiving import operations as receiving
from tests import factories as f
from tests.inbox.scene import SPEC, Scene

VIPS = {"field": "customer", "operator": "is", "value": ["vip"]}


@pytest.fixture
def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


def promise(scene: Scene, boss: Actor, **values: Any) -> m.PromisePolicy:
    return operations.add_policy(scene.session, boss, {"name": "P", **values}, scene.now)


def rows(scene: Scene) -> list[m.Promise]:
    return list(scene.session.query(m.Promise).order_by(m.Promise.id))


def minutes(scene: Scene, start: datetime) -> list[tuple[str, float | None, bool | None]]:
    """Of each promise: its kind, when it ends in minutes after `start`, and whether it was kept."""
    return [(r.kind, (r.due_at - start).total_seconds() / 60 if r.due_at else None, r.is_kept) for r in rows(scene)]


def answer(scene: Scene, conversation: m.Conversation) -> None:
    message = inbox.reply(
        scene.session, scene.actor(), conversation, spec=SPEC, text="Here it is.",
        seen_through=conversation.last_message_id, now=scene.now,
    )  # fmt: skip
    scene.accept(message)
    receiving.follow_settled(scene.session, SYSTEM, scene.now)


def settle(scene: Scene) -> None:
    """The worker measures anew, twice round."""
    for _ in range(2):
        scene.later(seconds=SETTLED.total_seconds())
        while remeasure_promises(scene.session, SYSTEM, scene.now):
            pass
    assert not is_asked_for(scene.session, SYSTEM, scene.now + timedelta(days=1))


def test_first_and_next_answers_have_promises_of_their_own(scene: Scene, boss: Actor) -> None:
    promise(scene, boss, first_minutes=60, next_minutes=20)
    start = scene.now
    conversation = scene.conversation_of(scene.customer_says())
    assert conversation.due_at == start + timedelta(minutes=60)
    scene.later(minutes=60)
    answer(scene, conversation)
    assert (minutes(scene, start), conversation.due_at) == ([("first", 60, True)], None)
    scene.later(minutes=10)
    scene.customer_says("And where is it now?")
    scene.later(minutes=21)
    answer(scene, conversation)
    assert minutes(scene, start) == [("first", 60, True), ("next", 90, False)]


def test_a_resolution_waits_while_it_is_the_customers_turn(scene: Scene, boss: Actor) -> None:
    promise(scene, boss, resolution_minutes=120)
    start = scene.now
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(minutes=30)
    answer(scene, conversation)
    assert minutes(scene, start) == [("resolution", None, None)]
    scene.later(days=2)
    scene.customer_says("Thank you, and the refund?")
    assert minutes(scene, start) == [("resolution", 120 + 2880, None)]
    scene.later(minutes=90)
    inbox.resolve(scene.session, scene.actor(), conversation, how="answered", now=scene.now)
    assert minutes(scene, start) == [("resolution", 3000, True)]
    scene.later(minutes=5)
    scene.customer_says("It is wrong again")
    assert [kind for kind, _, _ in minutes(scene, start)] == ["resolution", "resolution"]
    inbox.resolve(scene.session, scene.actor(), conversation, now=scene.now)
    assert rows(scene)[1].is_kept is False  # closed over an open question


def test_what_changes_who_they_are_moves_the_deadline_of_who_waits(scene: Scene, boss: Actor) -> None:
    promise(scene, boss, first_minutes=60)
    urgent = {"field": "priority", "operator": "is", "value": [3]}
    promise(scene, boss, name="Urgent", conditions=[urgent], first_minutes=10)
    promise(scene, boss, name="VIPs", conditions=[VIPS], first_minutes=5)
    start = scene.now
    conversation = scene.conversation_of(scene.customer_says())
    inbox.set_priority(scene.session, scene.actor(), conversation, priority=3, now=scene.now)
    assert conversation.due_at == start + timedelta(minutes=10)
    change_customer(scene.session, scene.actor(), conversation.identity.customer, {"is_vip": True}, scene.now)
    settle(scene)
    assert conversation.due_at == start + timedelta(minutes=5)
    events = [e for e in scene.session.query(m.LiveEvent) if e.data.get("what") == "promise"]
    assert [e.data["id"] for e in events] == [conversation.id]


def test_a_changed_policy_or_calendar_moves_open_waits_and_no_ended_ones(scene: Scene, boss: Actor) -> None:
    session = scene.session
    everybody = promise(scene, boss, first_minutes=60)
    start = scene.now  # a Tuesday at 09:30
    answered = scene.conversation_of(scene.customer_says(root="answered"))
    scene.later(minutes=1)
    answer(scene, answered)
    waiting = scene.conversation_of(scene.customer_says(root="waiting", remote_at=start))
    operations.change_policy(session, boss, everybody, {"first_minutes": 30, "name": "All"}, scene.now)
    settle(scene)
    assert waiting.due_at == start + timedelta(minutes=30)
    assert [(r.policy_version, r.due_at) for r in rows(scene)] == [
        (1, start + timedelta(minutes=60)), (2, start + timedelta(minutes=30)),
    ]  # fmt: skip
    afternoons = accounts.add_calendar(
        session, boss, name="Afternoons", time_zone="UTC", intervals={"1": [["14:00", "18:00"]]}, now=scene.now
    )
    accounts.change_brand(session, boss, scene.account.brand, {"calendar_id": afternoons.id}, scene.now)
    session.refresh(scene.account.brand)
    settle(scene)
    assert waiting.due_at == start.replace(hour=14, minute=30)
    accounts.change_calendar(session, boss, afternoons, {"intervals": {"1": [["15:00", "18:00"]]}}, scene.now)
    settle(scene)
    assert (waiting.due_at, rows(scene)[1].calendar_version) == (start.replace(hour=15, minute=30), 2)
    operations.change_policy(session, boss, everybody, {"runs_always": True}, scene.now)
    settle(scene)
    assert waiting.due_at == start + timedelta(minutes=30)
    operations.remove_policy(session, boss, everybody, scene.now)
    settle(scene)
    assert (waiting.due_at, [r.policy_id for r in rows(scene)]) == (None, [everybody.id, None])


def test_many_are_measured_in_lots(scene: Scene, boss: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guichet.inbox.remeasuring.BATCH", 2)
    waiting = [scene.conversation_of(scene.customer_says(root=f"r{n}")) for n in range(5)]
    promise(scene, boss, first_minutes=60)
    lots = [remeasure_promises(scene.session, SYSTEM, scene.now) for _ in range(4)]
    assert (lots, {c.due_at for c in waiting}) == ([2, 2, 1, 0], {scene.now + timedelta(minutes=60)})
    assert BATCH > 2


def test_merged_conversations_have_the_earlier_deadline_and_it_comes_back(scene: Scene, boss: Actor) -> None:
    promise(scene, boss, first_minutes=60)
    start = scene.now
    one = scene.conversation_of(scene.customer_says(root="one"))
    scene.later(minutes=10)
    two = scene.conversation_of(scene.customer_says(root="two"))
    inbox.merge(scene.session, scene.actor(), one, into=two, now=scene.now)
    assert (one.due_at, two.due_at) == (None, start + timedelta(minutes=60))
    inbox.unmerge(scene.session, scene.actor(), one, now=scene.now)
    assert (one.due_at, two.due_at) == (start + timedelta(minutes=60), start + timedelta(minutes=70))
    assert [r.is_kept for r in rows(scene)] == [None, None]


def test_a_preview_says_who_would_fall_under_it_and_be_late(scene: Scene, boss: Actor) -> None:
    everybody = promise(scene, boss, first_minutes=60)
    scene.customer_says(root="calm", who="calm")
    vip = scene.conversation_of(scene.customer_says(root="vip", who="vip"))
    vip.identity.customer.is_vip = True
    scene.later(minutes=20)
    draft = {"conditions": [VIPS], "first_minutes": 15}
    found = previewing.preview_policy(scene.session, boss, draft, now=scene.now)
    assert (found.tried, found.matched, found.late) == (2, 1, 1)
    assert [e.conversation_id for e in found.examples] == [vip.id]
    inside = previewing.preview_policy(
        scene.session, boss, {"first_minutes": 15}, policy_id=everybody.id, now=scene.now
    )
    assert (inside.matched, inside.late) == (2, 2)
    operations.change_policy(scene.session, boss, everybody, {"is_on": False}, scene.now)
    assert (
        previewing.preview_policy(
            scene.session, boss, {"first_minutes": 30}, policy_id=everybody.id, now=scene.now
        ).matched
        == 2
    )


def test_policies_are_kept_in_order_and_only_by_who_may(scene: Scene, boss: Actor) -> None:
    session = scene.session
    one, two = promise(scene, boss, first_minutes=60), promise(scene, boss, first_minutes=30)
    assert operations.list_policies(session, boss) == [two, one]
    operations.order_policies(session, boss, [one.id, two.id], scene.now)
    assert operations.list_policies(session, boss) == [one, two]
    with pytest.raises(Invalid):
        operations.order_policies(session, boss, [one.id], scene.now)
    with pytest.raises(Invalid) as refused:
        operations.change_policy(
            session, boss, one,
            {"steps": [{"of": "answer", "percent": 75, "actions": [{"kind": "tell_team", "value": 404}]}]}, scene.now,
        )  # fmt: skip
    assert list(refused.value.fields) == ["steps.0.actions.0.value"]
    with pytest.raises(NotAllowed):
        operations.list_policies(session, scene.actor())
    with pytest.raises(NotAllowed):
        operations.add_policy(session, scene.actor(), {"name": "P", "first_minutes": 1}, scene.now)


def test_the_list_goes_by_deadline_and_shows_what_is_late(scene: Scene, boss: Actor) -> None:
    promise(scene, boss, first_minutes=60)
    promise(scene, boss, name="VIPs", conditions=[VIPS], first_minutes=5)
    first = scene.conversation_of(scene.customer_says(root="first", who="first"))
    scene.later(minutes=2)
    vip = scene.conversation_of(scene.customer_says(root="vip", who="vip"))
    vip.identity.customer.is_vip = True
    inbox.set_priority(scene.session, scene.actor(), vip, priority=2, now=scene.now)
    actor, listed = scene.actor(), []
    cursor = ""
    for _ in range(2):
        page = list_conversations(scene.session, actor, order="deadline", limit=1, after=cursor)
        listed += [row.id for row in page.items]
        cursor = page.next_cursor
    assert (listed, cursor) == ([vip.id, first.id], "")
    # The database's clock decides what is late: both promises ended in the past.
    late = list_conversations(scene.session, actor, Filters(is_late=True))
    assert {row.id for row in late.items} == {vip.id, first.id}
    assert list_conversations(scene.session, actor, Filters(text="is:new -is:late")).items == []
    vip.due_at = datetime.now(vip.created_at.tzinfo) + timedelta(minutes=30)
    scene.session.flush()
    assert [r.id for r in list_conversations(scene.session, actor, Filters(text="is:due -is:late")).items] == [vip.id]
