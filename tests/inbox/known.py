"""Somebody of whom much is known, in every place where anything is."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Surface, Target
from guichet import models as m
from guichet.delivery.payload import freeze
from guichet.inbox import customers, knowing, uniting
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


def left(session: Session, words: Collection[str] = SECRETS) -> set[str]:
    """Which of them stand anywhere in the database."""
    session.flush()
    found = set()
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)):
            text = repr(tuple(row)).lower()
            found |= {word for word in words if word in text}
    return found


def know_much(desk: Desk) -> m.Message:
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
