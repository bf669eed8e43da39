"""A customer is erased: nothing that they or anybody said of them stands anywhere; the figures stay."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Surface, Target
from guichet import models as m
from guichet.delivery.payload import freeze
from guichet.errors import Conflict, NotAllowed
from guichet.inbox import customers, erasing, knowing, timeline, uniting
from guichet.inbox import operations as inbox
from guichet.models.base import Base
from guichet.policy import Actor, load_actor
from tests import factories as f
from tests.inbox.desk import Desk
from tests.inbox.scene import SPEC, Scene, said

# Each stands in one place only, so that what is left over is known by it.
SECRETS = (
    "zaragoza", "quibble", "marmalade", "trombone", "gazebo", "walrus", "lozenge", "kumquat", "sarong", "bassoon",
    "flotsam", "jetsam", "hubris", "limerick", "ocarina", "pumice", "sorbet",
)  # fmt: skip


def admin(scene: Scene) -> Actor:
    return load_actor(scene.session, f.make_staff(scene.session, role="administrator"), scene.now)


def customer_of(scene: Scene, message: m.Message) -> m.Customer:
    return scene.session.get_one(
        m.Customer, scene.session.get_one(m.Identity, message.identity_id).customer_id
    )  # fmt: skip


def left(session: Session) -> set[str]:
    """Which of them stand anywhere in the database."""
    session.flush()
    found = set()
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)):
            text = repr(tuple(row)).lower()
            found |= {secret for secret in SECRETS if secret in text}
    return found


@pytest.fixture
def told(desk: Desk) -> m.Message:
    """Somebody of whom much is known: all that is known holds a secret."""
    scene, session = desk.scene, desk.session
    more = {"who": "zaragoza", "root": "quibble", "remote_id": "theirs-1"}
    (message,) = scene.hears(said("My marmalade is lost", remote_at=scene.now, **more))
    (raw,) = session.scalars(select(m.RawItem).where(m.RawItem.id == message.raw_item_id))
    raw.body, raw.headers = b'{"text": "trombone"}', {"x": "trombone"}
    scene.hears(said("My gazebo is lost", remote_at=scene.now, edited_at=scene.later(minutes=1), **more))
    session.add(m.RawItem(
        account_id=message.account_id, stream="test", delivery_key="of another day", headers={},
        body=b'{"by": "id-zaragoza", "text": "flotsam"}', received_at=scene.now, state="done",
    ))  # fmt: skip
    conversation = scene.conversation_of(message)
    inbox.note(session, scene.actor(), conversation, text="a walrus, I think", now=scene.now)
    answer = inbox.reply(
        session, scene.actor(), conversation, spec=SPEC, to_message_id=message.id, text="Dear lozenge",
        seen_through=message.id, now=scene.later(minutes=4),
    )  # fmt: skip
    desk.accept(answer)
    delivery = session.get_one(m.Delivery, answer.delivery_id)
    delivery.remote_url = "https://network.example/@kumquat/1"
    session.add(m.Attempt(
        delivery_id=delivery.id, generation=1, fence=1, worker_id="w", payload_hash="", state="accepted",
        started_at=scene.now, prepared={"text": "sarong"}, evidence={"text": "sarong"}, error="sarong",
    ))  # fmt: skip
    session.add(m.Attachment(
        message_id=message.id, filename="jetsam.png", mime="image/png", storage_key="key-of-theirs"
    ))  # fmt: skip
    # A like carries no message, and names whom it is for.
    f.make_delivery(
        session, scene.account, kind="like", state="published", conversation_id=conversation.id,
        payload=freeze(text="", surface="public", reply_to=Target("theirs-1", "limerick", "", "", Surface.PUBLIC)),
    )  # fmt: skip
    customer = customer_of(scene, message)
    customers.change_customer(session, scene.actor(), customer, {"note": "bassoon"}, scene.now)
    knowing.add_note(session, scene.actor(), customer, "hubris", scene.now)
    for place, word in ((f"conversations/{conversation.id}", "ocarina"), (f"customers/{customer.id}", "pumice")):
        session.add(m.IdempotencyKey(
            staff_id=scene.agent.id, route=f"POST /api/v1/{place}/notes", key=word, payload_hash="", status=201,
            response=word, created_at=scene.now,
        ))  # fmt: skip
    # They were taken for somebody else once, who had their fields for a while.
    wrong = customer_of(scene, scene.customer_says(who="somebody", root="somebody"))
    made = uniting.join(session, scene.actor(), wrong, other=customer, now=scene.now)
    made.before = {**made.before, "fields": ["sorbet"]}
    made.undone_at, customer.joined_into_id = scene.now, None
    session.get_one(m.Identity, message.identity_id).customer_id = customer.id
    desk.conversation = conversation
    desk.open(subject="the gazebo of zaragoza", to=[{"name": "hubris", "address": "hubris@desk.example"}])
    for one in session.scalars(select(m.Delivery).where(m.Delivery.state.not_in(("published",)))):
        one.state = "cancelled"
    session.flush()
    return message


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
