"""What a brand keeps for so many days only: then the words go, and what is open, or young, stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from guichet import models as m
from guichet.errors import NotAllowed
from guichet.inbox import operations as inbox
from guichet.inbox import retention
from guichet.policy import SYSTEM
from tests.inbox.desk import Desk
from tests.inbox.known import SECRETS, admin, customer_of, know_much, left
from tests.inbox.scene import SPEC, Scene, said

DAYS = 30


def keep(scene: Scene, days: int | None = DAYS) -> m.Brand:
    brand = scene.session.get_one(m.Brand, scene.account.brand_id)
    brand.keep_days = days
    scene.session.flush()
    return brand


def resolve(scene: Scene, message: m.Message) -> m.Conversation:
    conversation = scene.conversation_of(message)
    inbox.resolve(scene.session, scene.actor(), conversation, now=scene.now)
    return conversation


def forget(scene: Scene) -> tuple[int, list[str]]:
    """As the worker does, until nothing is left."""
    brand_id, forgotten, keys = scene.account.brand_id, 0, list[str]()
    while (done := retention.forget_lot(scene.session, SYSTEM, brand_id, scene.now))[0]:
        forgotten += done[0]
        keys += done[1]
    while retention.forget_raw(scene.session, SYSTEM, brand_id, scene.now):
        pass
    scene.session.expire_all()
    return forgotten, keys


def test_after_the_brands_days_nothing_that_was_said_stands_anywhere(desk: Desk) -> None:
    scene, session = desk.scene, desk.session
    told = know_much(desk)
    assert left(session) == set(SECRETS)
    resolve(scene, told)
    theirs = select(m.Wait).where(m.Wait.conversation_id == told.conversation_id).order_by(m.Wait.id)
    waits = [(w.started_at, w.ended_at, w.end_kind) for w in session.scalars(theirs)]
    keep(scene)
    scene.later(days=DAYS - 1)
    young = scene.customer_says("Where is my umbrella?", who="other", root="other")
    assert forget(scene) == (0, []), "it is a day too young"
    scene.later(days=1, minutes=10)
    assert forget(scene) == (1, ["key-of-theirs"])
    assert left(session) == set()
    session.refresh(young)
    assert young.text == "Where is my umbrella?"
    assert [(w.started_at, w.ended_at, w.end_kind) for w in session.scalars(theirs)] == waits
    assert customer_of(scene, told).erased_at == scene.now
    conversation = session.get_one(m.Conversation, told.conversation_id)
    assert (conversation.state, conversation.forgotten_at) == ("closed", scene.now)
    entry = session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "brand.forget")).one()
    assert entry.data == {"conversations": 1, "customers": 1}
    assert forget(scene) == (0, [])


def test_what_is_open_or_on_its_way_is_never_too_old(scene: Scene) -> None:
    waiting = scene.customer_says("Is anybody there?", who="one", root="one")
    answered = scene.customer_says("My parcel", who="two", root="two")
    inbox.reply(
        scene.session, scene.actor(), scene.conversation_of(answered), spec=SPEC, to_message_id=answered.id,
        text="Soon", seen_through=answered.id, now=scene.now,
    )  # fmt: skip
    resolve(scene, answered)
    keep(scene)
    scene.later(days=10 * DAYS)
    assert forget(scene) == (0, [])
    assert (waiting.text, answered.text) == ("Is anybody there?", "My parcel")
    scene.session.execute(update(m.Delivery).values(state="cancelled"))
    assert forget(scene) == (1, [])
    assert (waiting.text, answered.text) == ("Is anybody there?", "")


def test_people_stay_while_anything_said_with_them_is_kept_or_they_are_blocked(scene: Scene) -> None:
    old, blocked = (scene.customer_says(f"I am {who}", who=who, root=who) for who in ("ines", "eve"))
    customer_of(scene, blocked).is_blocked = True
    for message in (old, blocked):
        resolve(scene, message)
    keep(scene)
    scene.later(days=DAYS + 1)
    young = scene.customer_says("Me again", who="ines", root="another thread")
    assert forget(scene) == (2, [])
    assert (old.text, young.text) == ("", "Me again")
    for message in (young, blocked):
        customer = customer_of(scene, message)
        assert (customer.erased_at, customer.name.startswith("erased")) == (None, False)


def test_what_was_merged_goes_with_what_it_was_merged_into(scene: Scene) -> None:
    first = scene.customer_says("I am here", who="ines", root="one")
    second = scene.customer_says("and here", who="ines", root="two")
    into = scene.conversation_of(second)
    inbox.merge(scene.session, scene.actor(), scene.conversation_of(first), into=into, now=scene.now)
    resolve(scene, second)
    keep(scene)
    scene.later(days=DAYS + 1)
    assert forget(scene) == (1, [])
    assert (first.text, second.text) == ("", "")
    assert {c.forgotten_at for c in scene.session.scalars(select(m.Conversation))} == {scene.now}


def test_an_answer_on_its_way_in_what_was_merged_keeps_both(scene: Scene) -> None:
    first = scene.customer_says("I am here", who="ines", root="one")
    inbox.reply(
        scene.session, scene.actor(), scene.conversation_of(first), spec=SPEC, to_message_id=first.id,
        text="Soon", seen_through=first.id, now=scene.now,
    )  # fmt: skip
    second = scene.customer_says("and here", who="ines", root="two")
    into = scene.conversation_of(second)
    inbox.merge(scene.session, scene.actor(), scene.conversation_of(first), into=into, now=scene.now)
    resolve(scene, second)
    keep(scene)
    scene.later(days=DAYS + 1)
    assert forget(scene) == (0, [])
    scene.session.execute(update(m.Delivery).values(state="published"))
    assert forget(scene) == (1, [])
    assert left(scene.session, {"soon", "here"}) == set()


def test_what_was_handed_over_is_emptied_by_its_age_and_what_was_not_understood_stays(scene: Scene) -> None:
    for key, state, age in (("old", "done", 40), ("dead", "dead", 40), ("young", "done", 1)):
        scene.session.add(m.RawItem(
            account_id=scene.account.id, stream="test", delivery_key=key, headers={"h": key}, body=key.encode(),
            received_at=scene.now - timedelta(days=age), state=state,
        ))  # fmt: skip
    keep(scene)
    forget(scene)
    bodies = {r.delivery_key: bytes(r.body) for r in scene.session.scalars(select(m.RawItem))}
    assert bodies == {"old": b"", "dead": b"dead", "young": b"young"}
    scene.later(days=40)
    forget(scene)
    bodies = {r.delivery_key: bytes(r.body) for r in scene.session.scalars(select(m.RawItem))}
    assert bodies == {"old": b"", "dead": b"dead", "young": b""}


def test_a_brand_that_keeps_for_ever_forgets_nothing_and_can_ask_what_would_go(scene: Scene) -> None:
    brand = keep(scene, None)
    for n in range(3):
        resolve(scene, scene.customer_says(f"Question {n}", who=f"who{n}", root=f"root{n}"))
        scene.later(days=10)
    assert retention.brands_that_forget(scene.session, SYSTEM) == []
    assert forget(scene) == (0, [])
    chief = admin(scene)
    counts = [retention.count_too_old(scene.session, chief, brand, days, scene.now) for days in (7, 15, 25, 35)]
    assert counts == [3, 2, 1, 0]
    for ask in (
        lambda: retention.count_too_old(scene.session, scene.actor(), brand, 7, scene.now),
        lambda: retention.forget_lot(scene.session, chief, brand.id, scene.now),
        lambda: retention.forget_raw(scene.session, chief, brand.id, scene.now),
        lambda: retention.brands_that_forget(scene.session, chief),
    ):
        with pytest.raises(NotAllowed):
            ask()


def test_a_reply_to_what_was_forgotten_opens_a_conversation_of_its_own(scene: Scene) -> None:
    old = scene.customer_says("My parcel", who="ines", root="the thread", remote_id="theirs-1")
    resolve(scene, old)
    keep(scene)
    scene.later(days=DAYS + 1)
    assert forget(scene) == (1, [])
    edited = said("My old parcel", remote_at=scene.now, remote_id="theirs-1", who="ines", root="the thread",
                  edited_at=scene.now)  # fmt: skip
    assert scene.hears(edited) == []
    scene.session.refresh(old)
    assert old.text == ""
    new = scene.customer_says("And now?", who="ines", root="the thread")
    assert new.conversation_id != old.conversation_id
    assert customer_of(scene, new).id != customer_of(scene, old).id
