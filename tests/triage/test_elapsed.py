"""Rules that act after a time: by which clock, once each, whoever looks and whatever was changed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from channels.contract import InboundKind
from guichet import models as m
from guichet.errors import Invalid
from guichet.inbox import notices
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.receiving import operations as receiving
from guichet.triage import elapsed, previewing
from guichet.triage import operations as triage
from guichet.triage.applying import apply_rules
from guichet.triage.moments import When
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import Scene, make_scene, spec_of

URGENT: Sequence[dict[str, Any]] = [{"kind": "priority", "value": 3}]
CLOSE: Sequence[dict[str, Any]] = [{"kind": "close"}]


def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


def rule(scene: Scene, since: str, minutes: int = 60, **more: Any) -> m.Rule:
    """That makes it urgent, unless something else is said."""
    in_hours = more.pop("in_hours", False)
    given: dict[str, Any] = {"conditions": [], "actions": URGENT, "is_on": True, **more}
    when = When(since, minutes, in_hours)
    return triage.create_rule(scene.session, boss(scene), name=since, when=when, now=scene.now, **given)


def tick(scene: Scene) -> int:
    """What a round does; returns how many it acted on."""
    acted = 0
    for lot in elapsed.list_lots(scene.session, SYSTEM, scene.now):
        looked = 1
        while looked:
            looked, done = elapsed.take_lot(scene.session, SYSTEM, lot, scene.now)
            acted += done
    return acted


def answer(scene: Scene, conversation: m.Conversation) -> None:
    """We answer, and the network accepts it."""
    sent = inbox.reply(
        scene.session, scene.actor(), conversation, text="Thus.", seen_through=conversation.last_message_id or 0,
        spec=spec_of("mastodon"), now=scene.now,
    )  # fmt: skip
    scene.accept(sent)
    receiving.follow_settled(scene.session, SYSTEM, scene.now)


def test_who_waits_too_long_is_urgent_once_and_the_history_and_the_audit_say_why(scene: Scene) -> None:
    made = rule(scene, "waiting")
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(minutes=59)
    assert tick(scene) == 0
    assert elapsed.list_lots(scene.session, SYSTEM, scene.now) == []
    scene.later(minutes=1)
    assert (tick(scene), tick(scene), conversation.priority) == (1, 0, 3)
    (event,) = scene.session.query(m.ConversationEvent).filter_by(kind="rule_in_time")
    assert (event.rule_id, event.data["since"], event.data["actions"]) == (made.id, "waiting", ["priority"])
    (entry,) = scene.session.query(m.AuditEntry).filter_by(action="rule.act")
    assert (entry.target_id, entry.data["rule_id"]) == (conversation.id, made.id)
    inbox.set_priority(scene.session, scene.actor(), conversation, priority=1, now=scene.now)
    scene.customer_says("Well?")  # the same wait goes on
    scene.later(hours=9)
    assert (tick(scene), conversation.priority) == (0, 1)
    answer(scene, conversation)
    scene.customer_says("And now?")  # another wait
    scene.later(minutes=60)
    assert (tick(scene), conversation.priority) == (1, 3)


def test_a_message_that_came_late_is_counted_from_when_it_came(scene: Scene) -> None:
    rule(scene, "waiting")
    scene.customer_says(root="a")
    scene.later(hours=2)
    assert tick(scene) == 1  # the walk has passed what began two hours ago
    late = scene.conversation_of(scene.customer_says(root="b", remote_at=scene.now - timedelta(hours=5)))
    assert (tick(scene), late.priority) == (0, 1)
    scene.later(hours=1)
    assert (tick(scene), late.priority) == (1, 3)


def test_a_customer_who_does_not_answer_is_closed(scene: Scene) -> None:
    f.make_field(scene.session, "reason", is_required=True)  # which keeps people only
    rule(scene, "answer", 3 * 1440, actions=CLOSE)
    silent, talks = (scene.conversation_of(scene.customer_says(who=w, root=w)) for w in ("a", "b"))
    answer(scene, silent)
    answer(scene, talks)
    assert silent.state == "waiting_customer"
    scene.later(days=2)
    scene.customer_says("But", who="b", root="b")
    scene.later(days=1)
    assert (tick(scene), silent.state, talks.state) == (1, "resolved", "open")
    scene.customer_says("Thanks", who="a", root="a")
    assert (silent.state, silent.answered_at) == ("open", None)
    answer(scene, silent)
    scene.later(days=3)
    assert (tick(scene), silent.state) == (1, "resolved")


def test_nobodys_begins_again_when_it_comes_back(scene: Scene) -> None:
    team = f.make_team(scene.session, scene.colleague)
    rule(scene, "unassigned", 30, actions=[{"kind": "team", "value": team.id}, {"kind": "tell_team", "value": team.id}])
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(minutes=20)
    inbox.claim(scene.session, scene.actor(), conversation, now=scene.now)
    scene.later(minutes=20)
    assert tick(scene) == 0
    inbox.release(scene.session, scene.actor(), conversation, now=scene.now)
    scene.later(minutes=30)
    assert (tick(scene), conversation.team_id, conversation.assignee_id) == (1, team.id, None)
    found, _ = notices.list_notices(scene.session, scene.actor(scene.colleague))
    assert [one.notice.kind for one in found] == ["rule"]
    scene.later(days=1)
    assert tick(scene) == 0


def test_set_to_wait_and_begun_and_the_last_message_have_clocks_of_their_own(scene: Scene) -> None:
    reopened = rule(scene, "put_off", 60, actions=[{"kind": "reopen"}, {"kind": "note", "value": " Look again "}])
    rule(scene, "created", 240)
    rule(scene, "customer", 90, actions=[{"kind": "snooze", "value": 60}], conditions=[
        {"field": "state", "operator": "is", "value": ["open"]}
    ])  # fmt: skip
    conversation = scene.conversation_of(scene.customer_says())
    inbox.wait_internally(scene.session, scene.actor(), conversation, now=scene.now)
    scene.later(minutes=60)
    assert (tick(scene), conversation.state) == (1, "open")
    note = scene.session.get_one(m.Message, conversation.last_message_id)
    assert (note.direction, note.text, note.staff_id, note.is_automatic) == ("note", "Look again", None, True)
    assert (tick(scene), reopened.is_on) == (0, True)
    scene.later(minutes=30)
    assert (tick(scene), conversation.state, conversation.hold_until) == (1, "snoozed", scene.now + timedelta(hours=1))
    scene.later(minutes=149)
    assert (tick(scene), conversation.priority) == (0, 1)
    scene.later(minutes=1)
    assert (tick(scene), conversation.priority) == (1, 3)


def test_in_the_hours_of_the_brand_and_by_another_calendar_at_once(scene: Scene) -> None:
    """Said at 16:00 on a Monday, three hours, open from nine to five."""
    week = {str(day): [["09:00", "17:00"]] for day in range(5)}
    calendar = f.make_calendar(scene.session, time_zone="Europe/Paris", intervals=week)
    scene.account.brand.calendar = calendar
    scene.now = datetime.fromisoformat("2026-03-02T16:00:00+01:00")
    rule(scene, "waiting", 180, in_hours=True)
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(hours=18, minutes=59)
    assert tick(scene) == 0
    calendar.holidays, calendar.version = ["2026-03-03"], calendar.version + 1
    scene.later(minutes=1)
    assert tick(scene) == 0  # Tuesday is none any more
    scene.later(days=1)
    assert (tick(scene), conversation.priority) == (1, 3)


def test_a_changed_rule_looks_again_and_acts_no_second_time(scene: Scene) -> None:
    made = rule(scene, "waiting", 60, conditions=[{"field": "text", "operator": "any_of", "value": ["parcel"]}])
    parcel, other = (scene.conversation_of(scene.customer_says(t, root=t)) for t in ("parcel", "flowers"))
    scene.later(hours=2)
    assert (tick(scene), parcel.priority, other.priority) == (1, 3, 1)
    parcel.priority = 1
    scene.later(seconds=1)
    triage.change_rule(
        scene.session, boss(scene), made, name="x", conditions=[], actions=URGENT, when=When("waiting", 30),
        now=scene.now,
    )  # fmt: skip
    assert (tick(scene), parcel.priority, other.priority) == (1, 1, 3)
    triage.delete_rule(scene.session, boss(scene), made, scene.now)
    assert scene.session.query(m.RuleFiring).count() == 0


def test_rules_come_in_their_order_and_one_that_stops_ends_it(scene: Scene) -> None:
    hot = f.make_label(scene.session, "hot")
    first = rule(scene, "waiting", 60, stops=True, conditions=[{"field": "text", "operator": "any_of", "value": ["a"]}])
    rule(scene, "waiting", 60, actions=[{"kind": "label", "value": hot.id}])
    a, b = (scene.conversation_of(scene.customer_says(t, root=t)) for t in ("a", "b"))
    scene.later(hours=1)
    tick(scene)
    assert [[x.name for x in c.labels] for c in (a, b)] == [[], ["hot"]]
    assert (a.priority, b.priority, first.stops) == (3, 1, True)


def test_what_stands_otherwise_is_asked_when_the_time_has_come(scene: Scene) -> None:
    hot = f.make_label(scene.session, "hot")
    asked = [
        {"field": "label", "operator": "is", "value": [hot.id]},
        {"field": "priority", "operator": "is_not", "value": [0]},
    ]
    rule(scene, "waiting", 60, conditions=asked)
    a, b, c = (scene.conversation_of(scene.customer_says(t, root=t)) for t in ("a", "b", "c"))
    for one in (a, b):
        inbox.set_labels(scene.session, scene.actor(), one, labels=[hot], now=scene.now)
    inbox.set_priority(scene.session, scene.actor(), b, priority=0, now=scene.now)
    scene.later(hours=1)
    tick(scene)
    assert [x.priority for x in (a, b, c)] == [3, 0, 1]


def test_what_is_finished_is_left_alone_and_messages_do_not_start_it(scene: Scene) -> None:
    rule(scene, "created", 60)
    message = scene.customer_says()
    apply_rules(scene.session, SYSTEM, [message], scene.now, spec_of)
    conversation = scene.conversation_of(message)
    assert conversation.priority == 1
    inbox.resolve(scene.session, scene.actor(), conversation, how="not_needed", now=scene.now)
    scene.later(days=1)
    assert (tick(scene), conversation.priority) == (0, 1)


def test_the_preview_says_what_it_would_act_on_now_of_what_one_may_see(scene: Scene) -> None:
    scene.customer_says("old", root="a")
    scene.later(hours=3)
    scene.customer_says("new", root="b")
    found = previewing.preview_rule(
        scene.session, boss(scene), conditions=[], when=When("waiting", 60), now=scene.now
    )  # fmt: skip
    assert (found.tried, found.matched, [e.preview for e in found.examples]) == (1, 1, ["old"])
    blind = load_actor(scene.session, f.make_staff(scene.session, "team_lead"), scene.now)
    none = previewing.preview_rule(scene.session, blind, conditions=[], when=When("waiting", 60), now=scene.now)
    assert (none.tried, scene.session.query(m.RuleFiring).count()) == (0, 0)


def test_an_outage_is_caught_up_lot_by_lot_the_oldest_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elapsed, "LOT", 2)
    rule(scene, "waiting")
    made = []
    for n in range(5):
        made.append(scene.conversation_of(scene.customer_says(root=f"r{n}")))
        scene.later(minutes=1)
    scene.later(days=2)
    (lot,) = elapsed.list_lots(scene.session, SYSTEM, scene.now)
    assert elapsed.take_lot(scene.session, SYSTEM, lot, scene.now) == (2, 2)
    assert [c.priority for c in made] == [3, 3, 1, 1, 1]
    assert (tick(scene), [c.priority for c in made]) == (3, [3] * 5)


@pytest.mark.parametrize("since", ["waiting", "created"])
def test_a_look_goes_by_the_clock_and_passes_what_other_brands_have(scene: Scene, since: str) -> None:
    """Else each look would read all that was ever said, or all that others have had meanwhile."""
    elsewhere = f.make_account(scene.session)
    made = rule(scene, since, brand_id=elsewhere.brand_id)
    scene.customer_says()
    scene.later(days=1)
    (lot,) = elapsed.list_lots(scene.session, SYSTEM, scene.now)
    assert elapsed.take_lot(scene.session, SYSTEM, lot, scene.now) == (0, 0)
    walk = scene.session.get_one(m.RuleWalk, (made.id, elsewhere.brand_id))
    assert walk.through_at == scene.now - timedelta(hours=1)
    assert elapsed.list_lots(scene.session, SYSTEM, scene.now) == []
    if scene.session.get_bind().dialect.name == "sqlite":
        looks = elapsed._next(scene.session, made, elsewhere.brand, walk, scene.now).compile(scene.session.get_bind())
        plan = scene.session.connection().exec_driver_sql(
            f"EXPLAIN QUERY PLAN {looks}", (None,) * str(looks).count("?")
        )
        name = "ix_conversation_asked" if since == "waiting" else "ix_conversation_begun"
        assert any(name in step[-1] for step in plan)


@pytest.mark.parametrize(
    ("when", "field"),
    [
        (When("moon", 60), "since"), (When("waiting", None), "after_minutes"), (When("waiting", 4), "after_minutes"),
        (When("", 60), "since"), (When("waiting", True), "after_minutes"), (When("waiting", 10**9), "after_minutes"),
    ],
)  # fmt: skip
def test_a_time_that_makes_no_sense_is_refused(scene: Scene, when: When, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        triage.create_rule(
            scene.session, boss(scene), name="x", conditions=[], actions=URGENT, when=when, now=scene.now
        )  # fmt: skip
    assert set(refused.value.fields) == {field}


@pytest.mark.parametrize("kind", ["spam", "hide"])
def test_what_only_a_message_can_bring_is_refused_and_the_other_way_round(scene: Scene, kind: str) -> None:
    with pytest.raises(Invalid):
        rule(scene, "waiting", actions=[{"kind": kind, "value": 5}])
    with pytest.raises(Invalid):
        triage.create_rule(scene.session, boss(scene), name="x", conditions=[], actions=CLOSE, now=scene.now)
    asked = [{"field": "priority", "operator": "is", "value": [3]}]
    with pytest.raises(Invalid):
        triage.create_rule(scene.session, boss(scene), name="x", conditions=asked, actions=URGENT, now=scene.now)


def test_what_is_gone_is_left_out_and_the_rest_is_done(scene: Scene) -> None:
    leaver = f.make_staff(scene.session)
    rule(scene, "waiting", actions=[{"kind": "assignee", "value": leaver.id}, *URGENT])
    conversation = scene.conversation_of(scene.customer_says())
    scene.later(hours=1)
    assert (tick(scene), conversation.assignee_id, conversation.priority) == (1, None, 3)


def test_many_who_look_at_once_act_once_each(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        rule(scene, "waiting", actions=[{"kind": "note", "value": "Late"}])
        for n in range(6):
            scene.customer_says(kind=InboundKind.MENTION, root=f"r{n}")
        (lot,) = elapsed.list_lots(session, SYSTEM, now + timedelta(hours=2))
    ready = threading.Barrier(4)
    acted: list[int] = []

    def look() -> None:
        ready.wait()
        with open_unit(engine) as unit:
            acted.append(elapsed.take_lot(unit.session, SYSTEM, lot, now + timedelta(hours=2))[1])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        assert sorted(acted) == [0, 0, 0, 6]
        assert len(session.scalars(select(m.Message).where(m.Message.direction == "note")).all()) == 6
        assert session.query(m.RuleFiring).count() == 6
