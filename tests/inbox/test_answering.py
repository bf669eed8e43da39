"""Answering: it reaches exactly the one answered, once, and only what its author had seen."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.contract import Surface
from guichet import models as m
from guichet.delivery.bounds import bounds_for
from guichet.delivery.materials import ref_of
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox.owners import find_open_wait
from guichet.policy import SYSTEM, load_actor
from guichet.receiving import operations as receiving
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, echo


def answer(scene: Scene, message: m.Message, text: str = "It left today.", staff: m.Staff | None = None, **more):
    conversation = scene.conversation_of(message)
    given = {"spec": SPEC, "seen_through": conversation.last_message_id, **more}
    return inbox.reply(scene.session, scene.actor(staff), conversation, text=text, now=scene.now, **given)


def test_an_answer_names_and_targets_the_one_answered_and_nobody_else(scene: Scene) -> None:
    first = scene.customer_says(who="alice", root="post")
    other = scene.customer_says("Me too", who="bob", root="post")
    assert scene.conversation_of(first).id != scene.conversation_of(other).id

    out = answer(scene, first)
    delivery = scene.session.get_one(m.Delivery, out.delivery_id)

    assert delivery.payload["text"] == "@alice It left today."
    assert delivery.payload["reply_to"]["remote_id"] == first.remote_id
    assert delivery.payload["reply_to"]["author_id"] == "id-alice"
    assert (delivery.kind, delivery.is_answer, delivery.state) == ("reply", True, "due")


def test_the_wait_goes_on_until_the_network_has_accepted(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    scene.later(minutes=5)
    out = answer(scene, message)
    assert conversation.state == "waiting_customer"
    assert conversation.waiting_since == message.remote_at

    accepted = scene.later(seconds=3)
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.later(seconds=30))

    (wait,) = scene.session.query(m.Wait).all()
    assert conversation.waiting_since is None
    assert (wait.end_kind, wait.ended_at, wait.answered_by) == ("human_reply", accepted, scene.agent.id)
    assert out.remote_id == f"ours-{out.delivery_id}"


def test_following_twice_changes_nothing(scene: Scene) -> None:
    out = answer(scene, scene.customer_says())
    delivery = scene.accept(out)
    receiving.follow_delivery(scene.session, SYSTEM, delivery, scene.now)
    events = scene.session.query(m.ConversationEvent).count()
    receiving.follow_delivery(scene.session, SYSTEM, delivery, scene.now)
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 0
    assert scene.session.query(m.ConversationEvent).count() == events


def test_the_sweep_finds_what_was_not_followed(scene: Scene) -> None:
    message = scene.customer_says()
    scene.accept(answer(scene, message))
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 1
    assert scene.conversation_of(message).waiting_since is None


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_what_failed_comes_back_to_its_author(scene: Scene, state: str) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, "It left today.", then_close=True)
    assert conversation.state == "resolved"
    assert conversation.waiting_since is not None  # it is on its way, not there

    delivery = scene.session.get_one(m.Delivery, out.delivery_id)
    delivery.state, delivery.updated_at = state, scene.now
    receiving.follow_delivery(scene.session, SYSTEM, delivery, scene.now)

    assert conversation.state == "open"
    assert conversation.cycle == 1
    assert find_open_wait(scene.session, conversation) is not None
    draft = inbox.find_draft(scene.session, scene.actor(), conversation)
    assert draft is not None
    assert draft.text == "It left today."


def test_an_answer_to_what_has_grown_since_is_refused_and_says_why(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    inbox.save_draft(scene.session, scene.actor(), conversation, text="Hello", now=scene.now)
    newer = scene.customer_says("No wait, it has arrived")
    with pytest.raises(Conflict) as refused:
        answer(scene, message, "Hello", seen_through=message.id)
    assert refused.value.code == "newer_messages"
    assert [n["id"] for n in refused.value.data["newer"]] == [newer.id]
    assert inbox.find_draft(scene.session, scene.actor(), conversation).text == "Hello"


def test_a_message_that_comes_while_the_answer_is_on_its_way_begins_a_wait_of_its_own(scene: Scene) -> None:
    first = scene.customer_says()
    out = answer(scene, first)
    second = scene.customer_says("And my refund?", remote_at=scene.later(seconds=1))
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out, at=scene.later(seconds=1)), scene.now)

    ended, open_ = scene.session.query(m.Wait).order_by(m.Wait.id).all()
    assert (ended.opened_by_message_id, ended.end_kind) == (first.id, "human_reply")
    assert (open_.opened_by_message_id, open_.ended_at) == (second.id, None)
    assert scene.conversation_of(first).state == "open"


def test_while_a_colleague_holds_it_nobody_else_answers(scene: Scene) -> None:
    message = scene.customer_says()
    inbox.claim(scene.session, scene.actor(scene.colleague), scene.conversation_of(message), scene.now)
    with pytest.raises(Conflict) as refused:
        answer(scene, message)
    assert (refused.value.code, refused.value.data["staff_id"]) == ("held", scene.colleague.id)


def test_after_a_lost_claim_the_second_answer_sees_the_first(scene: Scene) -> None:
    message = scene.customer_says()
    seen = message.id
    inbox.claim(scene.session, scene.actor(), scene.conversation_of(message), scene.now)
    scene.later(hours=1)
    theirs = answer(scene, message, "Theirs", scene.colleague)
    inbox.release(scene.session, scene.actor(scene.colleague), scene.conversation_of(message), scene.now)
    with pytest.raises(Conflict) as refused:
        answer(scene, message, "Mine", seen_through=seen)
    assert [n["id"] for n in refused.value.data["newer"]] == [theirs.id]


def test_what_the_network_would_refuse_is_refused_with_figures(scene: Scene) -> None:
    message = scene.customer_says(who="a")
    with pytest.raises(Invalid) as refused:
        answer(scene, message, "x" * 60)
    assert refused.value.data["problems"] == [{"name": "text_too_long", "count": 63, "max": 60, "unit": "character"}]
    with pytest.raises(Invalid) as empty:
        answer(scene, message, "  ")
    assert empty.value.fields == {"text": "empty"}
    with pytest.raises(Invalid):
        answer(scene, message, "look", media=[77])


def test_a_picture_that_the_network_would_refuse_goes_out_as_what_was_made_of_it(scene: Scene) -> None:
    message = scene.customer_says(who="a")
    picture = f.make_media(scene.session, scene.agent, size=1001, width=80, height=60)
    with pytest.raises(Invalid) as refused:
        answer(scene, message, "look", media=[picture.id])
    assert refused.value.fields == {"media": "media_too_large"}
    limit = SPEC.limits.media[Surface.PUBLIC]
    bounds = bounds_for(ref_of(picture), limit)
    assert bounds is not None
    made = m.Rendition(
        media_id=picture.id, recipe=bounds.recipe, sha256="f" * 64, mime="image/png", size=90, width=40, height=30,
        storage_key="small", created_at=scene.now,
    )  # fmt: skip
    scene.session.add(made)
    out = answer(scene, message, "look", media=[picture.id])
    (frozen,) = scene.session.get_one(m.Delivery, out.delivery_id).payload["media"]
    assert (frozen["storage_key"], frozen["size"], frozen["media_id"]) == ("small", 90, picture.id)
    assert [a.storage_key for a in out.attachments] == [picture.storage_key]


def test_a_colleagues_unpublished_picture_cannot_be_sent_by_guessing_its_id(scene: Scene) -> None:
    message = scene.customer_says(who="a")
    picture = f.make_media(scene.session, scene.colleague)
    with pytest.raises(Invalid) as refused:
        answer(scene, message, "look", media=[picture.id])
    assert refused.value.fields == {"media": f"{picture.id} is no file of yours"}
    with pytest.raises(Invalid):
        inbox.save_draft(
            scene.session, scene.actor(), scene.conversation_of(message), text="", media=[picture.id], now=scene.now
        )
    assert answer(scene, message, "look", media=[f.make_media(scene.session, scene.agent).id]).delivery_id


def test_what_cannot_be_answered_is_not(scene: Scene) -> None:
    message = scene.customer_says(can_reply=False, cannot_reply_reason="they did not mention us")
    with pytest.raises(Invalid) as refused:
        answer(scene, message)
    assert refused.value.code == "cannot_reply"
    assert refused.value.message == "they did not mention us"

    late = scene.customer_says(root="dm", reply_until=scene.now + timedelta(hours=24))
    scene.later(hours=24)
    with pytest.raises(Invalid) as over:
        answer(scene, late)
    assert over.value.code == "reply_window_over"


def test_initials_sign_where_the_brand_wants_them(scene: Scene) -> None:
    scene.account.brand.signs_with_initials = True
    assert answer(scene, scene.customer_says(who="bob")).text == "@bob It left today. ^AL"


def test_answering_needs_the_right(scene: Scene) -> None:
    message = scene.customer_says()
    viewer, stranger = f.make_staff(scene.session), f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    with pytest.raises(NotAllowed):
        answer(scene, message, staff=viewer)
    with pytest.raises(NotFound):
        answer(scene, message, staff=stranger)
    assert scene.session.query(m.Delivery).count() == 0


def test_an_echo_that_came_before_the_acceptance_is_the_answer_itself(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message)
    heard = echo("other words", remote_at=scene.later(seconds=2), remote_id="ours-1")
    scene.hears(heard)
    assert conversation.waiting_since is None
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out, "ours-1"), scene.later(seconds=5))

    said = scene.session.query(m.Message).filter_by(direction="out").all()
    (wait,) = scene.session.query(m.Wait).all()
    assert [s.id for s in said] == [out.id]
    assert (wait.end_kind, wait.answered_by, wait.ended_by_message_id) == ("human_reply", scene.agent.id, out.id)
    assert conversation.message_count == 2


def test_a_note_has_no_effect_on_the_wait(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    inbox.note(scene.session, scene.actor(), conversation, text="VIP, careful", now=scene.later(minutes=1))
    assert (conversation.state, conversation.waiting_since) == ("new", message.remote_at)
    with pytest.raises(Invalid):
        inbox.note(scene.session, scene.actor(), conversation, text=" \0 ", now=scene.now)


def test_a_token_without_the_scope_cannot_answer(scene: Scene) -> None:
    message = scene.customer_says()
    reading = load_actor(scene.session, scene.agent, scene.now, kind="token", scopes=["read"])
    with pytest.raises((NotAllowed, NotFound)):
        inbox.claim(scene.session, reading, scene.conversation_of(message), scene.now)
