"""Rules ask what stands in custom fields, and fill in those that are empty."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Invalid
from guichet.inbox import fields
from guichet.inbox import operations as inbox
from guichet.inbox.field_rules import Definition
from guichet.inbox.field_values import read_fields
from guichet.policy import SYSTEM
from guichet.triage import elapsed, previewing
from guichet.triage import operations as triage
from guichet.triage.applying import apply_rules
from guichet.triage.moments import When
from tests import factories as f
from tests.inbox.scene import Scene, make_scene, spec_of
from tests.triage.test_rules import cond, lead

REASONS = {"lost": "Bagage égaré", "late": "Late"}


@pytest.fixture
def scene(session: Session, now: datetime) -> Scene:
    scene = make_scene(session, now)
    field(scene, "reason", "choice", choices=REASONS)
    field(scene, "nights", "number")
    field(scene, "tier", subject="customer")
    return scene


def field(scene: Scene, key: str, kind: str = "text", **more: Any) -> m.CustomField:
    wanted = Definition(key=key, kind=kind, **more)
    return fields.create_field(scene.session, lead(scene), wanted, name=key.title(), now=scene.now)


def rule(scene: Scene, *conditions: dict[str, Any], do: list[dict[str, Any]], **more: Any) -> m.Rule:
    return triage.create_rule(
        scene.session,
        lead(scene),
        name="By field",
        conditions=conditions,
        actions=do,
        is_on=True,
        now=scene.now,
        **more,
    )


def comes_in(scene: Scene, text: str, who: str) -> m.Conversation:
    message = scene.customer_says(text, who=who, root=who + text)
    apply_rules(scene.session, SYSTEM, [message], scene.now, spec_of)
    return scene.conversation_of(message)


def holds(scene: Scene, of: m.Conversation) -> dict[str, Any]:
    return {one.field.key: one.value for one in read_fields(scene.session, scene.actor(), of) if one.rows}


def test_a_condition_asks_what_stands_in_a_field(scene: Scene) -> None:
    label = f.make_label(scene.session, "Gold")
    rule(scene, cond("custom", "is", "tier=gold"), do=[{"kind": "label", "value": label.id}])
    first = comes_in(scene, "Hello", "anna")
    customer = scene.session.get_one(m.Customer, scene.session.get_one(m.Identity, first.identity_id).customer_id)
    inbox.fill_in_customer(scene.session, scene.actor(), customer, values={"tier": "Göld"}, now=scene.now)
    scene.later(minutes=1)
    again, other = comes_in(scene, "Again", "anna"), comes_in(scene, "Hello", "bob")
    assert [[one.name for one in c.labels] for c in (first, again, other)] == [[], ["Gold"], []]


@pytest.mark.parametrize(
    ("condition", "who"),
    [
        (cond("custom", "is", "nights>=3"), ["anna"]),
        (cond("custom", "is", "nights>=3", "nights<2"), ["anna", "bob"]),
        (cond("custom", "is_not", "nights>=3"), ["bob", "carl"]),
        (cond("custom", "is", "nights"), ["anna", "bob"]),
        (cond("custom", "is", "nights="), ["carl"]),
        (cond("custom", "is", "reason=Bagage egare"), ["anna"]),
    ],
)
def test_a_preview_says_what_it_would_have_met(scene: Scene, condition: dict[str, Any], who: list[str]) -> None:
    of = {
        name: scene.conversation_of(scene.customer_says(name, who=name, root=name)) for name in ("anna", "bob", "carl")
    }
    for name, values in (("anna", {"nights": 3, "reason": "lost"}), ("bob", {"nights": 1, "reason": "late"})):
        inbox.fill_in(scene.session, scene.actor(), of[name], values=values, now=scene.now)
    found = previewing.preview_rule(scene.session, lead(scene), conditions=[condition], now=scene.now)
    assert sorted(one.preview for one in found.examples) == who


def test_a_field_is_filled_in_where_it_is_empty_and_the_history_says_so(scene: Scene) -> None:
    kept = rule(scene, cond("text", "any_of", "bag"), do=[{"kind": "field", "value": "reason=lost"}])
    filled = comes_in(scene, "My bag!", "anna")
    assert holds(scene, filled) == {"reason": "lost"}
    told = scene.session.query(m.ConversationEvent).filter_by(conversation_id=filled.id, kind="field").one()
    assert (told.staff_id, told.data["does"], told.data["to"]) == (None, "set", ["lost"])
    inbox.fill_in(scene.session, scene.actor(), filled, values={"reason": "late"}, now=scene.now)
    scene.later(minutes=1)
    message = scene.customer_says("The bag again", who="anna", root="annaMy bag!")
    apply_rules(scene.session, SYSTEM, [message], scene.now, spec_of)
    assert holds(scene, filled) == {"reason": "late"}, f"rule {kept.id} took away what a person chose"


def test_who_is_at_work_on_it_keeps_it_and_what_is_empty_is_filled_in(scene: Scene) -> None:
    rule(scene, cond("text", "any_of", "bag"), do=[{"kind": "field", "value": "nights=2.50"}])
    message = scene.customer_says("Hello", who="anna", root="x")
    inbox.claim(scene.session, scene.actor(), scene.conversation_of(message), scene.now)
    more = scene.customer_says("My bag", who="anna", root="x")
    apply_rules(scene.session, SYSTEM, [more], scene.now, spec_of)
    assert holds(scene, scene.conversation_of(more)) == {"nights": "2.5"}


def test_after_a_time_too_and_asked_as_it_is_then(scene: Scene) -> None:
    when = When("waiting", 60)
    wanted = cond("custom", "is", "reason=")
    rule(scene, wanted, do=[{"kind": "field", "value": "reason=late"}], when=when)
    lost, empty = (scene.conversation_of(scene.customer_says(who, who=who, root=who)) for who in ("anna", "bob"))
    inbox.fill_in(scene.session, scene.actor(), lost, values={"reason": "lost"}, now=scene.now)
    scene.later(minutes=61)
    (lot,) = elapsed.list_lots(scene.session, SYSTEM, scene.now)
    assert elapsed.take_lot(scene.session, SYSTEM, lot, scene.now) == (2, 1)
    assert [holds(scene, one) for one in (lost, empty)] == [{"reason": "lost"}, {"reason": "late"}]


def test_what_can_hold_it_no_more_is_left_alone(scene: Scene) -> None:
    label = f.make_label(scene.session, "Sorted")
    rule(scene, do=[{"kind": "field", "value": "reason=lost"}, {"kind": "label", "value": label.id}])
    rule(scene, cond("custom", "is", "tier=gold"), do=[{"kind": "priority", "value": 3}])
    for key in ("reason", "tier"):
        kept = scene.session.query(m.CustomField).filter_by(key=key).one()
        wanted = replace(fields.definition_of(kept), is_retired=True)
        fields.change_field(scene.session, lead(scene), kept, wanted, name=kept.name, now=scene.now)
    found = comes_in(scene, "My bag", "anna")
    assert (holds(scene, found), [one.name for one in found.labels], found.priority) == ({}, ["Sorted"], 1)


@pytest.mark.parametrize(
    ("conditions", "actions", "where"),
    [
        ([cond("custom", "is", "tyre=gold")], [], "conditions.0.value"),
        ([cond("custom", "is", "tier=gold", "nights>=many")], [], "conditions.0.value"),
        ([cond("custom", "is", "tier>gold")], [], "conditions.0.value"),
        ([cond("custom", "is", "=gold")], [], "conditions.0.value"),
        ([cond("custom", "any_of", "tier=gold")], [], "conditions.0.operator"),
        ([], [{"kind": "field", "value": "tier=gold"}], "actions.0.value"),
        ([], [{"kind": "field", "value": "reason=gone"}], "actions.0.value"),
        ([], [{"kind": "field", "value": "reason="}], "actions.0.value"),
        ([], [{"kind": "field", "value": "reason"}], "actions.0.value"),
        ([], [{"kind": "field", "value": 7}], "actions.0.value"),
        ([], [{"kind": "field", "value": "x" * 601}], "actions.0.value"),
    ],
)
def test_what_no_field_can_hold_is_refused_where_it_stands(
    scene: Scene, conditions: list[dict[str, Any]], actions: list[dict[str, Any]], where: str
) -> None:
    with pytest.raises(Invalid) as refused:
        rule(scene, *conditions, do=actions or [{"kind": "priority", "value": 2}])
    assert list(refused.value.fields) == [where]


def test_a_rule_of_one_brand_knows_no_field_of_another(scene: Scene) -> None:
    other = f.make_brand(scene.session)
    field(scene, "secret", brand_id=other.id)
    for asked, do in ((cond("custom", "is", "secret=x"), "reason=lost"), (cond("custom", "is", "reason"), "secret=x")):
        with pytest.raises(Invalid):
            rule(scene, asked, do=[{"kind": "field", "value": do}], brand_id=scene.account.brand_id)
    rule(scene, cond("custom", "is", "secret="), do=[{"kind": "field", "value": "secret=x"}])
    assert holds(scene, comes_in(scene, "Hello", "anna")) == {}
