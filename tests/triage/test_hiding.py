"""Rules that hide at the network: the same act as by hand, so many in an hour, in whose right."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from channels.contract import ChannelSpec, InboundKind
from channels.x import SPEC as X
from guichet import models as m
from guichet.errors import Invalid, NotAllowed
from guichet.inbox import acting
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.triage import operations as triage
from guichet.triage import previewing
from guichet.triage.applying import apply_rules
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import Scene, make_scene, spec_of
from tests.triage.test_rules import cond, lead

CASINO = [cond("text", "any_of", "casino")]


def hides(network: str) -> ChannelSpec:
    return X


def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


def rule(scene: Scene, most: int = 10, **more: Any) -> m.Rule:
    given: dict[str, Any] = {"actions": [{"kind": "hide", "value": most}], "is_on": True, **more}
    return triage.create_rule(
        scene.session, boss(scene), name="Casino", conditions=CASINO, now=scene.now, **given
    )  # fmt: skip


def reply(scene: Scene, text: str = "The casino!", **more: Any) -> m.Message:
    return scene.customer_says(text, **{"kind": InboundKind.REPLY, **more})


def hidden(scene: Scene) -> Sequence[m.Delivery]:
    return scene.session.scalars(select(m.Delivery).where(m.Delivery.kind == "hide").order_by(m.Delivery.id)).all()


def audited(scene: Scene, action: str) -> list[m.AuditEntry]:
    return list(scene.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == action)))


def test_a_rule_asks_the_network_to_hide_and_the_audit_says_which(scene: Scene) -> None:
    made = rule(scene)
    bad, good = reply(scene), reply(scene, "Lovely!", root="b")
    apply_rules(scene.session, SYSTEM, [bad, good], scene.now, hides)
    (asked,) = hidden(scene)
    assert (asked.target_remote_id, asked.actor_id, asked.state) == (bad.remote_id, None, "due")
    assert acting.standing_of(scene.session, [bad])[bad.id]["hide"].state == "pending"
    assert bad.hidden_at is None
    (entry,) = audited(scene, "message.hide")
    assert (entry.target_id, entry.actor_kind, entry.data) == (bad.id, "system", {"rule_id": made.id})
    apply_rules(scene.session, SYSTEM, [bad], scene.now, hides)  # once is enough
    assert len(hidden(scene)) == 1


@pytest.mark.parametrize("kind", [InboundKind.MENTION, InboundKind.QUOTE])
def test_what_cannot_be_hidden_is_left_as_it_is(scene: Scene, kind: InboundKind) -> None:
    rule(scene, actions=[{"kind": "hide", "value": 5}, {"kind": "priority", "value": 3}])
    elsewhere, here = reply(scene, kind=kind, root="a"), reply(scene, root="b")
    apply_rules(scene.session, SYSTEM, [elsewhere], scene.now, hides)
    apply_rules(scene.session, SYSTEM, [here], scene.now, spec_of)  # a network that knows no hiding
    assert hidden(scene) == []
    assert [scene.conversation_of(one).priority for one in (elsewhere, here)] == [3, 3]


def test_beyond_what_an_hour_holds_messages_wait_and_who_leads_is_told_once(scene: Scene) -> None:
    leader = f.make_staff(scene.session, "team_lead")
    f.make_grant(scene.session, leader, scene.account, "agent")
    team = f.make_team(scene.session)
    scene.session.add(m.TeamMember(team_id=team.id, staff_id=leader.id, is_lead=True))
    scene.session.add(m.TeamMember(team_id=team.id, staff_id=scene.agent.id))
    made = rule(scene, 2)
    lot = [reply(scene, who=f"w{n}", root=f"r{n}") for n in range(5)]
    apply_rules(scene.session, SYSTEM, lot, scene.now, hides)
    assert [d.target_remote_id for d in hidden(scene)] == [one.remote_id for one in lot[:2]]
    assert [scene.conversation_of(one).state for one in lot] == ["new"] * 5
    assert all(scene.conversation_of(one).waiting_since is not None for one in lot)
    told = scene.session.scalars(select(m.Notice).where(m.Notice.kind == "hiding_stopped")).all()
    assert {n.staff_id for n in told} == {leader.id, made.created_by}
    assert [n.message_id for n in told] == [lot[2].id] * 2
    assert [e.data for e in audited(scene, "rule.hiding_stopped")] == [{"rule_id": made.id, "most": 2, "is_let": True}]

    scene.later(minutes=59)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="s")], scene.now, hides)
    assert len(hidden(scene)) == 2
    assert len(audited(scene, "rule.hiding_stopped")) == 1
    scene.later(minutes=2)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="t")], scene.now, hides)
    assert len(hidden(scene)) == 3


def test_what_a_person_hid_does_not_count_nor_does_another_account(scene: Scene) -> None:
    rule(scene, 1)
    by_hand = reply(scene, "Nothing of the sort")
    acting.act(scene.session, boss(scene), scene.conversation_of(by_hand), by_hand.id, "hide", hides(""), scene.now)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="b")], scene.now, hides)
    scene.account = f.make_account(scene.session)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="c")], scene.now, hides)
    assert len(hidden(scene)) == 3


def test_what_is_in_hand_is_hidden_too_and_stays_in_hand(scene: Scene) -> None:
    first = reply(scene, "Hello")
    conversation = scene.conversation_of(first)
    conversation.assignee_id, conversation.state = scene.agent.id, "open"
    rule(scene, actions=[{"kind": "hide", "value": 5}, {"kind": "spam"}])
    apply_rules(scene.session, SYSTEM, [reply(scene)], scene.now, hides)
    assert (len(hidden(scene)), conversation.state, conversation.assignee_id) == (1, "open", scene.agent.id)


def test_only_who_may_publish_there_lets_a_rule_hide(scene: Scene) -> None:
    acts = [{"kind": "hide", "value": 5}]
    agents_lead, brand_id = lead(scene), scene.account.brand_id
    with pytest.raises(NotAllowed):
        rule_of(scene, agents_lead, acts, brand_id)
    publisher = f.make_staff(scene.session, "team_lead")
    f.make_grant(scene.session, publisher, scene.account, "publisher")
    able = load_actor(scene.session, publisher, scene.now)
    kept = rule_of(scene, able, acts, brand_id)
    empty = f.make_brand(scene.session)
    with pytest.raises(NotAllowed):  # whose accounts are yet to come
        rule_of(scene, able, acts, empty.id)
    rule_of(scene, boss(scene), acts, empty.id)
    f.make_account(scene.session)  # of another brand
    with pytest.raises(NotAllowed):
        rule_of(scene, able, acts, None)
    with pytest.raises(NotAllowed):
        triage.switch_rule(scene.session, agents_lead, kept, is_on=True, now=scene.now)
    triage.switch_rule(scene.session, agents_lead, kept, is_on=False, now=scene.now)  # to stop it takes less
    with pytest.raises(NotAllowed):
        triage.change_rule(
            scene.session, agents_lead, kept, name="x", conditions=[], actions=acts, brand_id=brand_id, now=scene.now
        )  # fmt: skip


def test_it_hides_no_more_once_who_let_it_lost_the_right_until_somebody_lets_it_again(scene: Scene) -> None:
    publisher = f.make_staff(scene.session, "team_lead")
    grant = f.make_grant(scene.session, publisher, scene.account, "publisher")
    able = load_actor(scene.session, publisher, scene.now)
    kept = rule_of(scene, able, [{"kind": "hide", "value": 5}], scene.account.brand_id)
    triage.switch_rule(scene.session, able, kept, is_on=True, now=scene.now)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="a")], scene.now, hides)
    assert len(hidden(scene)) == 1
    scene.session.delete(grant)
    scene.session.flush()
    triage.switch_rule(scene.session, lead(scene), kept, is_on=False, now=scene.now)  # is no leave
    kept.is_on = True
    apply_rules(scene.session, SYSTEM, [reply(scene, root="b"), reply(scene, root="c")], scene.now, hides)
    assert len(hidden(scene)) == 1
    assert [e.data["is_let"] for e in audited(scene, "rule.hiding_stopped")] == [False]
    triage.switch_rule(scene.session, boss(scene), kept, is_on=True, now=scene.now)
    apply_rules(scene.session, SYSTEM, [reply(scene, root="d")], scene.now, hides)
    assert len(hidden(scene)) == 2


def rule_of(scene: Scene, actor: Actor, actions: list[dict[str, Any]], brand_id: int | None) -> m.Rule:
    return triage.create_rule(
        scene.session, actor, name="Casino", conditions=CASINO, actions=actions, brand_id=brand_id, now=scene.now
    )  # fmt: skip


def test_of_many_that_come_at_once_no_more_are_hidden_than_an_hour_holds(engine: Engine, now: datetime) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        rule(scene, 2)
        ids = [reply(scene, who=f"w{n}", root=f"r{n}").id for n in range(6)]
    ready = threading.Barrier(len(ids))

    def arrive(id_: int) -> None:
        ready.wait()
        with open_unit(engine) as unit:
            apply_rules(unit.session, SYSTEM, [unit.session.get_one(m.Message, id_)], now, hides)

    threads = [threading.Thread(target=arrive, args=(id_,)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Session(engine) as session:
        assert session.query(m.Delivery).filter_by(kind="hide").count() == 2
        assert session.query(m.AuditEntry).filter_by(action="rule.hiding_stopped").count() == 1


@pytest.mark.parametrize("most", [0, 1001, True, "5", None, 2.5])
def test_a_number_is_wanted(scene: Scene, most: Any) -> None:
    with pytest.raises(Invalid) as refused:
        rule(scene, most)
    assert set(refused.value.fields) == {"actions.0.value"}


def test_the_preview_hides_nothing(scene: Scene) -> None:
    reply(scene)
    found = previewing.preview_rule(scene.session, boss(scene), conditions=CASINO, now=scene.now + timedelta(hours=1))
    assert (found.matched, hidden(scene)) == (1, [])
