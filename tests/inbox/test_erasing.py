"""A customer is erased: nothing that they or anybody said of them stands anywhere; the figures stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from guichet import models as m
from guichet.errors import Conflict, NotAllowed
from guichet.inbox import customers, erasing, knowing, timeline, uniting
from guichet.inbox import operations as inbox
from tests.inbox.desk import Desk
from tests.inbox.known import SECRETS, admin, customer_of, know_much, left
from tests.inbox.scene import SPEC, Scene, said


@pytest.fixture
def told(desk: Desk) -> m.Message:
    return know_much(desk)


def test_nothing_that_was_said_stands_anywhere_and_what_others_said_does(desk: Desk, told: m.Message) -> None:
    session, scene = desk.session, desk.scene
    assert left(session) == set(SECRETS), "the test must know them all"
    other = scene.customer_says("Where is my umbrella?", who="other", root="other")
    keys = erasing.erase(session, admin(scene), customer_of(scene, told), scene.now)
    assert keys == ["key-of-theirs"]
    assert left(session) == set()
    assert other.text == "Where is my umbrella?"


def test_waits_and_figures_stay_and_can_be_recounted(desk: Desk, told: m.Message) -> None:
    session, scene = desk.session, desk.scene
    conversation = desk.conversation

    def waits() -> list[tuple[object, ...]]:
        found = session.scalars(select(m.Wait).where(m.Wait.conversation_id == conversation.id).order_by(m.Wait.id))
        return [(w.started_at, w.ended_at, w.end_kind, w.answered_by) for w in found]

    before, counted = waits(), timeline.recount_waits(session, scene.actor(), conversation)
    assert [kind for *_, kind, _ in before] == ["human_reply"]
    erasing.erase(session, admin(scene), customer_of(scene, told), scene.now)
    assert waits() == before
    assert timeline.recount_waits(session, scene.actor(), conversation) == counted
    assert conversation.state == "closed"
    entry = session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "customer.erase")).one()
    assert entry.data == {"conversations": 1, "messages": 4}


def test_an_open_question_is_closed_and_its_wait_ends(scene: Scene) -> None:
    asked = scene.customer_says()
    erasing.erase(scene.session, admin(scene), customer_of(scene, asked), scene.later(minutes=1))
    (wait,) = scene.session.scalars(select(m.Wait))
    assert (wait.end_kind, wait.ended_at) == ("closed_unanswered", scene.now)


def test_what_is_read_again_stays_erased_and_who_writes_again_is_somebody_new(scene: Scene) -> None:
    asked = scene.customer_says("My parcel", remote_id="theirs-1")
    gone = customer_of(scene, asked)
    erasing.erase(scene.session, admin(scene), gone, scene.now)
    again = said("My parcel", remote_at=scene.now, remote_id="theirs-1", edited_at=scene.now + timedelta(minutes=1))
    assert scene.hears(again) == []
    scene.session.refresh(asked)
    assert asked.text == ""
    new = scene.customer_says("Hello again")
    assert customer_of(scene, new).id != gone.id
    assert new.conversation_id != asked.conversation_id


def test_it_waits_for_what_is_on_its_way(scene: Scene) -> None:
    asked = scene.customer_says()
    inbox.reply(
        scene.session, scene.actor(), scene.conversation_of(asked), spec=SPEC, to_message_id=asked.id, text="Soon",
        seen_through=asked.id, now=scene.now,
    )  # fmt: skip
    with pytest.raises(Conflict) as refused:
        erasing.erase(scene.session, admin(scene), customer_of(scene, asked), scene.now)
    assert refused.value.code == "on_its_way"
    assert asked.text


def test_only_administrators_and_only_once(scene: Scene) -> None:
    asked = scene.customer_says()
    customer = customer_of(scene, asked)
    with pytest.raises(NotAllowed):
        erasing.erase(scene.session, scene.actor(), customer, scene.now)
    erasing.erase(scene.session, admin(scene), customer, scene.now)
    with pytest.raises(Conflict) as refused:
        erasing.erase(scene.session, admin(scene), customer, scene.now)
    assert refused.value.code == "erased"


def test_who_was_joined_goes_too(scene: Scene) -> None:
    one, two = (scene.customer_says(f"I am {who}", who=who, root=who) for who in ("zaragoza", "quibble"))
    kept, other = customer_of(scene, one), customer_of(scene, two)
    uniting.join(scene.session, scene.actor(), kept, other=other, now=scene.now)
    with pytest.raises(Conflict) as refused:
        erasing.erase(scene.session, admin(scene), other, scene.now)
    assert refused.value.code == "joined"
    erasing.erase(scene.session, admin(scene), kept, scene.now)
    assert left(scene.session) == set()


def test_of_who_is_erased_nothing_is_known_anew(scene: Scene) -> None:
    customer = customer_of(scene, scene.customer_says(who="zaragoza", root="zaragoza"))
    other = customer_of(scene, scene.customer_says())
    erasing.erase(scene.session, admin(scene), customer, scene.now)
    session, actor, now = scene.session, scene.actor(), scene.now
    assert not knowing.may_change(session, actor, customer)
    for act in (
        lambda: knowing.add_note(session, actor, customer, "a note", now),
        lambda: customers.change_customer(session, actor, customer, {"is_vip": True}, now),
        lambda: uniting.join(session, actor, other, other=customer, now=now),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "erased"


def test_what_was_not_understood_may_hold_what_others_said_and_stays(scene: Scene) -> None:
    asked = scene.customer_says(who="zaragoza")
    body = b'[{"by": "id-zaragoza"}, {"by": "id-other", "text": "Help"}]'
    given = {"stream": "test", "headers": {}, "body": body, "received_at": scene.now}
    dead, done = (
        m.RawItem(account_id=asked.account_id, delivery_key=state, state=state, **given) for state in ("dead", "done")
    )
    scene.session.add_all([dead, done])
    scene.session.flush()
    erasing.erase(scene.session, admin(scene), customer_of(scene, asked), scene.now)
    scene.session.expire_all()
    assert (dead.body, done.body) == (body, b"")
