"""Custom fields: who makes them, what stands in them, and who fills them in before closing."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import field_values, fields, uniting
from guichet.inbox import operations as inbox
from guichet.inbox.field_rules import Definition
from guichet.inbox.pending import Later
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.receiving import operations as receiving
from guichet.unit import open_unit
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, make_scene

REASONS = {"lost": "Lost bag", "late": "Late", "other": "Something else"}


def boss(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, "administrator"), scene.now)


def field(scene: Scene, key: str = "code", kind: str = "text", *, name: str = "", **more: Any) -> m.CustomField:
    if kind in ("choice", "choices"):
        more.setdefault("choices", REASONS)
    wanted = Definition(key=key, kind=kind, **more)
    return fields.create_field(scene.session, boss(scene), wanted, name=name or key.title(), now=scene.now)


@pytest.fixture
def asked(scene: Scene) -> m.Conversation:
    return scene.conversation_of(scene.customer_says())


def fill(scene: Scene, conversation: m.Conversation, **values: Any) -> None:
    inbox.fill_in(scene.session, scene.actor(), conversation, values=values, now=scene.now)


def held(scene: Scene, conversation: m.Conversation) -> dict[str, Any]:
    found = field_values.read_fields(scene.session, scene.actor(), conversation)
    return {one.field.key: one.value for one in found if one.value is not None}


def customer_of(scene: Scene, conversation: m.Conversation) -> m.Customer:
    identity = scene.session.get_one(m.Identity, conversation.identity_id)
    return scene.session.get_one(m.Customer, identity.customer_id)


def events(scene: Scene, conversation: m.Conversation) -> list[dict[str, Any]]:
    row = m.ConversationEvent
    found = select(row.data).where(row.conversation_id == conversation.id, row.kind == "field")
    return list(scene.session.scalars(found.order_by(row.id)))


# ---------------------------------------------------------------- definitions


def test_who_manages_an_account_of_the_brand_makes_its_fields_and_no_others(scene: Scene) -> None:
    session, now = scene.session, scene.now
    manager = f.make_staff(session)
    f.make_grant(session, manager, scene.account, "manager")
    other = f.make_brand(session)
    actor, ours = load_actor(session, manager, now), scene.account.brand_id
    made = fields.create_field(session, actor, Definition("code", "text", brand_id=ours), name="Code", now=now)
    fields.change_field(session, actor, made, fields.definition_of(made), name="Booking code", now=now)
    for brand_id in (other.id, None):
        with pytest.raises(NotAllowed):
            fields.create_field(session, actor, Definition("more", "text", brand_id=brand_id), name="More", now=now)
    theirs = field(scene, "theirs", brand_id=other.id)
    with pytest.raises(NotAllowed):
        fields.change_field(session, actor, theirs, fields.definition_of(theirs), name="Mine", now=now)
    with pytest.raises(NotAllowed):
        fields.place_field(session, actor, theirs, 1, now)
    with pytest.raises(NotFound):
        fields.get_field(session, actor, theirs.id)
    assert [one.key for one in fields.list_fields(session, actor)] == ["code"]
    with pytest.raises(NotAllowed):
        fields.create_field(session, scene.actor(), Definition("x", "text", brand_id=ours), name="X", now=now)


def test_a_key_is_given_once_and_what_is_wrong_is_named(scene: Scene) -> None:
    field(scene, "code")
    with pytest.raises(Conflict) as refused:
        field(scene, "code", "number")
    assert refused.value.code == "exists"
    field(scene, "code", subject="customer")
    with pytest.raises(Invalid) as wrong:
        field(scene, "Bad key", "choice", choices={})
    assert set(wrong.value.fields) == {"key", "choices"}


def test_a_choice_that_was_made_stays_and_others_may_go(scene: Scene, asked: m.Conversation) -> None:
    row = field(scene, "reason", "choices")
    fill(scene, asked, reason=["late"])
    here = fields.definition_of(row)
    late, lost = replace(here, choices={"late": "Too late"}), replace(here, choices={"lost": "Lost"})
    fields.change_field(scene.session, boss(scene), row, late, name="R", now=scene.now)
    assert held(scene, asked) == {"reason": ["late"]}
    with pytest.raises(Conflict) as refused:
        fields.change_field(scene.session, boss(scene), row, lost, name="R", now=scene.now)
    assert refused.value.code == "in_use"


def test_fields_stand_in_the_order_they_are_put_in_and_archived_ones_not_at_all(
    scene: Scene, asked: m.Conversation
) -> None:
    one, two, three = (field(scene, key) for key in ("one", "two", "three"))
    field(scene, "ours", brand_id=scene.account.brand_id)
    field(scene, "theirs", brand_id=f.make_brand(scene.session).id)
    fields.place_field(scene.session, boss(scene), three, 1, scene.now)
    read = lambda: [x.field.key for x in field_values.read_fields(scene.session, scene.actor(), asked)]  # noqa: E731
    assert read() == ["three", "one", "two", "ours"]
    fill(scene, asked, one="kept")
    fields.change_field(
        scene.session, boss(scene), one, replace(fields.definition_of(one), is_retired=True), name="One", now=scene.now
    )
    assert read() == ["three", "two", "ours"]
    with pytest.raises(Invalid):
        fill(scene, asked, one="again")
    fields.change_field(
        scene.session, boss(scene), one, replace(fields.definition_of(one), is_retired=False), name="One", now=scene.now
    )
    assert held(scene, asked) == {"one": "kept"}
    fields.place_field(scene.session, boss(scene), two, 99, scene.now)
    assert read() == ["three", "one", "two", "ours"]


# ---------------------------------------------------------------- values


def test_values_of_every_kind_are_kept_shown_and_taken_away(scene: Scene, asked: m.Conversation) -> None:
    for key in ("text", "number", "choice", "choices", "date", "yes_no"):
        field(scene, key, key)
    given = {
        "text": "a  b", "number": "12.50", "choice": "lost", "choices": ["other", "lost"], "date": "2026-02-28",
        "yes_no": False,
    }  # fmt: skip
    fill(scene, asked, **given)
    kept = {**given, "text": "a b", "number": "12.5", "choices": ["lost", "other"]}
    assert held(scene, asked) == kept
    before = asked.version
    fill(scene, asked, choices=["lost"], text=None, number="")
    assert asked.version == before + 1
    assert held(scene, asked) == {"choice": "lost", "choices": ["lost"], "date": "2026-02-28", "yes_no": False}


def test_history_holds_codes_and_no_free_text(scene: Scene, asked: m.Conversation) -> None:
    words, code, reason = field(scene, "words"), field(scene, "code", mask="AA99"), field(scene, "reason", "choice")
    fill(scene, asked, words="my card is 4111 1111 1111 1111")
    fill(scene, asked, code="ab12")
    fill(scene, asked, reason="lost")
    fill(scene, asked, reason="lost")  # nothing new
    fill(scene, asked, code=None)
    assert events(scene, asked) == [
        {"field_id": words.id, "does": "set"},
        {"field_id": code.id, "does": "set", "to": ["ab12"]},
        {"field_id": reason.id, "does": "set", "to": ["lost"]},
        {"field_id": code.id, "does": "cleared"},
    ]
    acts = scene.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "conversation.fields")).all()
    assert [act.data for act in acts] == [{"fields": [x]} for x in (words.id, code.id, reason.id, code.id)]


def test_all_that_is_given_is_kept_or_nothing(scene: Scene, asked: m.Conversation) -> None:
    field(scene, "code")
    field(scene, "weight", "number")
    field(scene, "theirs", brand_id=f.make_brand(scene.session).id)
    with pytest.raises(Invalid) as wrong:
        fill(scene, asked, code="x", weight="heavy", theirs="x", nothing=1)
    assert set(wrong.value.fields) == {"values.weight", "values.theirs", "values.nothing"}
    assert held(scene, asked) == {}


def test_who_may_not_answer_fills_in_nothing(scene: Scene, asked: m.Conversation) -> None:
    field(scene, "code")
    viewer = f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    with pytest.raises(NotAllowed):
        inbox.fill_in(scene.session, scene.actor(viewer), asked, values={"code": "x"}, now=scene.now)


def test_a_customers_fields_are_those_of_brands_where_one_answers(scene: Scene, asked: m.Conversation) -> None:
    session, customer = scene.session, customer_of(scene, asked)
    field(scene, "tier", "choice", subject="customer", choices={"gold": "Gold"})
    field(scene, "theirs", subject="customer", brand_id=f.make_account(session).brand_id)
    field(scene, "ours", subject="customer", brand_id=scene.account.brand_id)
    inbox.fill_in_customer(session, scene.actor(), customer, values={"tier": "gold", "ours": "yes"}, now=scene.now)
    found = field_values.read_customer_fields(session, scene.actor(), customer)
    assert [(x.field.key, x.value) for x in found] == [("tier", "gold"), ("ours", "yes")]
    with pytest.raises(Invalid):
        inbox.fill_in_customer(session, scene.actor(), customer, values={"theirs": "x"}, now=scene.now)
    stranger = f.make_staff(session)
    with pytest.raises(NotFound):
        inbox.fill_in_customer(session, scene.actor(stranger), customer, values={"tier": None}, now=scene.now)


@pytest.mark.parametrize("subject", ["conversation", "customer"])
def test_of_two_who_fill_in_at_once_one_stands_whole(engine: Engine, now: datetime, subject: str) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        scene = make_scene(session, now)
        asked = scene.conversation_of(scene.customer_says())
        field(scene, "reason", "choices", subject=subject)
        customer = customer_of(scene, asked)
    ready, wrong = threading.Barrier(4), []

    def write(value: list[str]) -> None:
        ready.wait()
        try:
            with open_unit(engine) as unit:
                actor = load_actor(unit.session, unit.session.get_one(m.Staff, scene.agent.id), now)
                given: Any = {"values": {"reason": value}, "now": now}
                if subject == "customer":
                    inbox.fill_in_customer(unit.session, actor, unit.session.get_one(m.Customer, customer.id), **given)
                else:
                    inbox.fill_in(unit.session, actor, unit.session.get_one(m.Conversation, asked.id), **given)
        except Exception as e:
            wrong.append(e)

    threads = [threading.Thread(target=write, args=(v,)) for v in (["lost", "late"], ["other"]) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
    with Session(engine) as session:
        rows = session.scalars(select(m.FieldValue.value).order_by(m.FieldValue.place)).all()
    assert rows in (["lost", "late"], ["other"])


# ---------------------------------------------------------------- the gate


def close_by(scene: Scene, how: str, conversation: m.Conversation) -> None:
    session, actor, now = scene.session, scene.actor(), scene.now
    if how == "resolve":
        inbox.resolve(session, actor, conversation, how="not_needed", now=now)
    elif how == "close":
        inbox.close(session, actor, conversation, now)
    else:
        later = Later("2026-05-01T09:00:00", "UTC", now + timedelta(hours=1)) if how == "later" else None
        inbox.reply(
            session, actor, conversation, spec=SPEC, text="Here it is", seen_through=conversation.last_message_id or 0,
            then_close=True, later=later, now=now,
        )  # fmt: skip


@pytest.mark.parametrize("how", ["resolve", "close", "reply", "later"])
def test_nobody_closes_before_what_is_needed_is_filled_in(scene: Scene, asked: m.Conversation, how: str) -> None:
    field(scene, "reason", "choice", name="Reason", is_required=True, brand_id=scene.account.brand_id)
    field(scene, "tier", name="Tier", is_required=True, subject="customer")
    field(scene, "elsewhere", is_required=True, brand_id=f.make_brand(scene.session).id)
    field(scene, "wanted")
    messages = select(func.count(m.Message.id))
    before = scene.session.scalar(messages), asked.state
    with pytest.raises(Conflict) as refused:
        close_by(scene, how, asked)
    assert refused.value.code == "fields_lacking"
    assert [(x["key"], x["name"]) for x in refused.value.data["fields"]] == [("reason", "Reason"), ("tier", "Tier")]
    assert "Reason, Tier" in str(refused.value.message)
    scene.session.refresh(asked)
    assert (scene.session.scalar(messages), asked.state) == before
    fill(scene, asked, reason="other")
    customer = customer_of(scene, asked)
    inbox.fill_in_customer(scene.session, scene.actor(), customer, values={"tier": "gold"}, now=scene.now)
    close_by(scene, how, asked)
    assert asked.state != before[1]


def test_an_answer_that_does_not_close_and_spam_are_not_stopped(scene: Scene, asked: m.Conversation) -> None:
    field(scene, "reason", is_required=True)
    inbox.reply(
        scene.session, scene.actor(), asked, spec=SPEC, text="Hello", seen_through=asked.last_message_id or 0,
        now=scene.now,
    )  # fmt: skip
    inbox.mark_spam(scene.session, scene.actor(), asked, scene.now)
    assert asked.state == "spam"


def test_what_the_house_does_by_itself_is_not_stopped(scene: Scene, asked: m.Conversation) -> None:
    field(scene, "reason", is_required=True)
    inbox.resolve(scene.session, SYSTEM, asked, now=scene.now)
    assert asked.state == "resolved"


def test_an_answer_that_was_planned_before_closes_as_it_was_said(scene: Scene, asked: m.Conversation) -> None:
    close_by(scene, "later", asked)
    field(scene, "reason", is_required=True)
    scene.later(hours=2)
    scene.accept(scene.session.scalars(select(m.Message).where(m.Message.direction == "out")).one())
    receiving.follow_settled(scene.session, SYSTEM, scene.now)
    assert asked.state == "resolved"


# ---------------------------------------------------------------- merges


def test_a_merge_keeps_what_is_there_and_fills_what_is_lacking_and_can_be_undone(scene: Scene) -> None:
    one, two = (scene.conversation_of(scene.customer_says(root=root)) for root in ("one", "two"))
    for key in ("both", "theirs", "mine", "changed"):
        field(scene, key)
    field(scene, "several", "choices")
    fill(scene, one, both="one", mine="one")
    fill(scene, two, both="two", theirs="two", changed="two", several=["lost", "late"])
    inbox.merge(scene.session, scene.actor(), two, into=one, now=scene.now)
    filled = {"both": "one", "mine": "one", "theirs": "two", "changed": "two", "several": ["lost", "late"]}
    assert held(scene, one) == filled
    fill(scene, one, changed="since")
    inbox.unmerge(scene.session, scene.actor(), two, scene.now)
    assert held(scene, one) == {"both": "one", "mine": "one", "changed": "since"}
    assert held(scene, two) == {"both": "two", "theirs": "two", "changed": "two", "several": ["lost", "late"]}


def test_a_split_copies_what_is_filled_in_and_each_goes_on_with_its_own(scene: Scene, asked: m.Conversation) -> None:
    field(scene, "code")
    field(scene, "several", "choices")
    fill(scene, asked, code="AB12", several=["lost", "late"])
    turn = scene.customer_says("And another thing")
    made = inbox.split(scene.session, scene.actor(), asked, from_message=turn, now=scene.now)
    assert held(scene, made) == held(scene, asked) == {"code": "AB12", "several": ["lost", "late"]}
    fill(scene, made, code="CD34")
    assert held(scene, asked)["code"] == "AB12"


def test_joined_customers_have_the_fields_of_both_and_separated_each_its_own(scene: Scene) -> None:
    session, now = scene.session, scene.now
    people = [
        customer_of(scene, scene.conversation_of(scene.customer_says(who=who, root=who)))
        for who in ("ann", "bea", "cy")
    ]
    ann, bea, cy = people
    for key in ("both", "filled"):
        field(scene, key, subject="customer")

    def put(customer: m.Customer, **values: Any) -> None:
        inbox.fill_in_customer(session, scene.actor(), customer, values=values, now=now)

    def has(customer: m.Customer) -> dict[str, Any]:
        found = field_values.read_customer_fields(session, scene.actor(), customer)
        return {one.field.key: one.value for one in found if one.value is not None}

    put(ann, both="ann")
    put(bea, both="bea", filled="bea")
    put(cy, filled="cy")
    with_bea = uniting.join(session, scene.actor(), ann, other=bea, now=now)
    with_cy = uniting.join(session, scene.actor(), ann, other=cy, now=now)
    assert has(ann) == {"both": "ann", "filled": "bea"}
    uniting.separate(session, scene.actor(), ann, with_bea.id, now)
    assert has(ann) == {"both": "ann", "filled": "cy"}
    assert has(bea) == {"both": "bea", "filled": "bea"}
    uniting.separate(session, scene.actor(), ann, with_cy.id, now)
    assert has(ann) == {"both": "ann"}
