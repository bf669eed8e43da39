"""Conversations are found by what stands in custom fields, never beyond one's rights."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Invalid
from guichet.inbox import field_finding, fields, queries
from guichet.inbox import operations as inbox
from guichet.inbox.field_rules import Definition
from guichet.inbox.queries import Filters
from guichet.inbox.sought import OfField
from guichet.policy import load_actor
from tests import factories as f
from tests.inbox.scene import Scene, make_scene

REASONS = {"lost": "Bagage égaré", "late": "Late"}


def field(scene: Scene, key: str, kind: str = "text", **more: Any) -> m.CustomField:
    boss = load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)
    wanted = Definition(key=key, kind=kind, choices=REASONS if kind.startswith("choice") else None, **more)
    return fields.create_field(scene.session, boss, wanted, name=key.title(), now=scene.now)


def conversation(scene: Scene, who: str) -> m.Conversation:
    return scene.conversation_of(scene.customer_says("Hello", who=who, root=who))


def fill(scene: Scene, of: m.Conversation, **values: Any) -> None:
    inbox.fill_in(scene.session, scene.actor(), of, values=values, now=scene.now)


def fill_customer(scene: Scene, of: m.Conversation, **values: Any) -> None:
    identity = scene.session.get_one(m.Identity, of.identity_id)
    customer = scene.session.get_one(m.Customer, identity.customer_id)
    inbox.fill_in_customer(scene.session, scene.actor(), customer, values=values, now=scene.now)


def found(scene: Scene, text: str) -> str:
    """Who is found, by the first letter of their names, in the order of the alphabet."""
    page = queries.list_conversations(scene.session, scene.actor(), Filters(states=("all",), text=text))
    return "".join(sorted(row.customer_handle[0] for row in page.items))


@pytest.fixture
def filled(session: Session, now: datetime) -> Scene:
    """Conversations of Anna, Bob and Carl; nothing stands in Carl's."""
    scene = make_scene(session, now)
    for key, kind in (("why", "text"), ("nights", "number"), ("reason", "choice"), ("reasons", "choices")):
        field(scene, key, kind)
    for key, kind in (("visit", "date"), ("vip", "yes_no")):
        field(scene, key, kind)
    field(scene, "tier", subject="customer", brand_id=scene.account.brand_id)
    field(scene, "why", "date", subject="customer")
    anna, bob, _ = (conversation(scene, who) for who in ("anna", "bob", "carl"))
    fill(scene, anna, why="Hôtel Élysée AB-12", nights=10, reason="lost", reasons=["lost", "late"], vip=True)
    fill(scene, bob, why="AB12", nights="-2.5", reason="late", visit="2026-05-31", vip=False)
    fill_customer(scene, anna, tier="Or massif")
    fill_customer(scene, bob, why="2026-01-01")
    session.commit()
    return scene


WHO = {
    'field:why="hotel elysee ab-12"': "a", "field:why=ab12": "b", "field:why=ab-12": "", "field:WHY=AB12": "b",
    "field:nights=10": "a", "field:nights=10.0": "a", "field:nights>=9": "a", "field:nights<3": "b",
    "field:nights>-2.5": "a", "field:nights>=-2.5": "ab", "field:reason=late": "b",
    'field:reason="bagage egare"': "a", "field:reasons=late": "a", "field:visit=2026-05-31": "b",
    "field:visit<2026-06-01": "b", "field:visit>2026-05-31": "", "field:vip=yes": "a", "field:vip=non": "b",
    'champ:tier="or MASSIF"': "a", "field:tier=": "bc", "field:tier": "a", "field:why=2026-01-01": "b",
    "field:nights=": "c", "field:nights": "ab", "hello -field:nights>3": "bc", "hello -field:tier=": "a",
    "field:nights>0 field:vip=yes": "a", "hello field:reason=lost": "a",
}  # fmt: skip


@pytest.mark.parametrize("few", [1000, 0])
def test_a_field_finds(filled: Scene, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_finding, "_FEW", few)
    assert {text: found(filled, text) for text in WHO} == WHO


def test_fields_and_values_of_other_brands_do_not_exist(filled: Scene) -> None:
    other = make_scene(filled.session, filled.now)
    field(filled, "secret", brand_id=other.account.brand_id)
    theirs = conversation(other, "hidden")
    fill(other, theirs, secret="x", nights=10)
    assert found(other, "field:secret=x") == found(other, "field:nights=10") == "h"
    assert found(filled, "field:nights=10") == "a"
    with pytest.raises(Invalid) as refused:
        found(filled, "field:secret=x")
    assert "“field:secret=x”" in refused.value.fields["q"]
    with pytest.raises(Invalid):
        found(other, "field:tier=gold")


@pytest.mark.parametrize(
    "text",
    [
        "field:wy=lost", "field:nights=many", "field:nights>x", "field:reason=gone", "field:visit=soon",
        "field:vip=maybe", "field:reason>late", "field:vip>yes", "field:tier>gold", "field:nights=1e99",
    ],
)  # fmt: skip
def test_what_a_field_cannot_hold_is_refused_with_the_word(filled: Scene, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        found(filled, text)
    assert f"“{text}”" in refused.value.fields["q"]


@pytest.mark.parametrize("few", [1000, 0])
def test_pages_of_what_is_found_follow_each_other(filled: Scene, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(field_finding, "_FEW", few)
    for n in range(5):
        fill(filled, conversation(filled, f"p{n}"), nights=70)
    asked, ids, cursor = Filters(states=("all",), text="field:nights=70"), [], ""
    while True:
        page = queries.list_conversations(filled.session, filled.actor(), asked, limit=2, after=cursor)
        ids += [row.id for row in page.items]
        cursor = page.next_cursor
        if not cursor:
            break
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize("youngest", ["ix_field_value_folded", "another"])
def test_values_are_looked_up_in_their_index(filled: Scene, youngest: str) -> None:
    """Of two that it thinks as good SQLite takes the younger one; PostgreSQL reads a small table whole,
    unless it is told not to."""
    connection = filled.session.connection()
    tier = filled.session.query(m.CustomField).filter_by(key="nights").one()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        (index,) = (i for i in m.Base.metadata.tables["field_value"].indexes if i.name == "ix_field_value_folded")
        if youngest == index.name:
            index.drop(connection)
            index.create(connection)
    else:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    wanted = field_finding.holding(tier, OfField("nights", "=", "10")).limit(1001)
    looks = wanted.compile(connection, compile_kwargs={"literal_binds": True})
    explained = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN' if is_sqlite else ''} {looks}")
    steps = " ".join(str(step[-1]) for step in explained)
    assert "ix_field_value_folded" in steps, steps
    assert "folded=?" in steps if is_sqlite else "Index Cond" in steps and "folded" in steps.split("Index Cond")[1]
