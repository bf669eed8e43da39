"""Answers that go out only after a colleague agreed to just these words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from guichet import models as m
from guichet.delivery import engine
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import notices, queries
from guichet.inbox import operations as inbox
from guichet.inbox.owners import find_open_wait
from guichet.inbox.queries import Filters
from guichet.policy import SYSTEM, Action, can, who_may
from guichet.receiving import operations as receiving
from guichet.stats import needs_you
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, echo

on_one = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def waiting(scene: Scene) -> m.Message:
    """An answer of Ada, whose answers are reviewed."""
    scene.agent.answers_reviewed = True
    scene.session.flush()
    return answer(scene, scene.customer_says())


def answer(scene: Scene, message: m.Message, text: str = "It left today.", staff: m.Staff | None = None, **more):
    conversation = scene.conversation_of(message)
    given = {"spec": SPEC, "seen_through": conversation.last_message_id, **more}
    return inbox.reply(scene.session, scene.actor(staff), conversation, text=text, now=scene.now, **given)


def approve(scene: Scene, message: m.Message, staff: m.Staff | None = None, **more) -> m.Message:
    conversation = scene.conversation_of(message)
    given = {"content_hash": delivery_of(scene, message).payload_hash, "seen_through": conversation.last_message_id}
    actor = scene.actor(staff or scene.colleague)
    return inbox.approve(
        scene.session, actor, conversation, message.id, spec=SPEC, now=scene.now, **{**given, **more}
    )  # fmt: skip


def reject(scene: Scene, message: m.Message, reason: str = "Say which parcel.", staff: m.Staff | None = None):
    actor = scene.actor(staff or scene.colleague)
    return inbox.reject(
        scene.session, actor, scene.conversation_of(message), message.id, reason=reason, now=scene.now
    )  # fmt: skip


def delivery_of(scene: Scene, message: m.Message) -> m.Delivery:
    return scene.session.get_one(m.Delivery, message.delivery_id)


def start(scene: Scene, message: m.Message) -> str:
    """Its time comes and a worker takes it; where it stands then."""
    scene.session.flush()
    connection = scene.session.connection()
    engine.promote(connection, scene.now)
    engine.claim(connection, "nobody", 10, scene.now)
    scene.session.expire_all()
    return delivery_of(scene, message).state


def told(scene: Scene, staff: m.Staff) -> list[str]:
    found, _ = notices.list_notices(scene.session, scene.actor(staff))
    return [one.notice.kind for one in found]


def to_approve(scene: Scene, staff: m.Staff) -> list[int]:
    page = queries.list_conversations(scene.session, scene.actor(staff), Filters(states=("all",), is_to_approve=True))
    return [row.id for row in page.items]


def test_it_waits_for_a_colleague_and_the_wait_goes_on_until_the_network_has_it(
    scene: Scene, waiting: m.Message
) -> None:
    conversation = scene.conversation_of(waiting)
    assert start(scene, waiting) == "awaiting_approval"
    assert conversation.state == "waiting_internal"
    assert find_open_wait(scene.session, conversation) is not None

    approve(scene, waiting)
    assert told(scene, scene.agent) == ["approved"]
    assert find_open_wait(scene.session, conversation) is not None
    assert start(scene, waiting) == "claimed"
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(waiting), scene.now)
    assert find_open_wait(scene.session, conversation) is None
    assert (conversation.state, waiting.staff_id) == ("waiting_customer", scene.agent.id)


def test_it_is_closed_with_it_where_its_author_said_so(scene: Scene) -> None:
    scene.agent.answers_reviewed = True
    out = answer(scene, scene.customer_says(), then_close=True)
    approve(scene, out)
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.now)
    assert scene.conversation_of(out).state == "resolved"


def test_nobody_approves_their_own_nor_one_whose_answers_are_reviewed(scene: Scene, waiting: m.Message) -> None:
    boss = f.make_staff(scene.session, role="administrator", answers_reviewed=True)
    for staff in (scene.agent, boss):
        with pytest.raises(NotAllowed):
            approve(scene, waiting, staff)
        with pytest.raises(NotAllowed):
            reject(scene, waiting, staff=staff)
        assert not to_approve(scene, staff)
        assert "answer_to_approve" not in needs_you.read(scene.session, scene.actor(staff), scene.now).counts
    scene.agent.answers_reviewed = False  # not even once their answers are no longer reviewed
    scene.session.flush()
    with pytest.raises(NotAllowed):
        approve(scene, waiting, scene.agent)
    stranger = f.make_staff(scene.session)
    with pytest.raises(NotFound):
        approve(scene, waiting, stranger)


def test_who_may_approve_is_one_answer_for_one_and_for_all(scene: Scene, waiting: m.Message) -> None:
    able = {s.id for s in scene.session.scalars(who_may(Action.ANSWER_APPROVE, scene.account, scene.now))}
    assert able == {scene.colleague.id}
    assert can(scene.actor(scene.colleague), Action.ANSWER_APPROVE, scene.account)
    assert not can(scene.actor(), Action.ANSWER_APPROVE, scene.account)


def test_it_is_listed_and_counted_for_who_may_approve(scene: Scene, waiting: m.Message) -> None:
    actor = scene.actor(scene.colleague)
    assert to_approve(scene, scene.colleague) == [waiting.conversation_id]
    found = queries.list_conversations(scene.session, actor, Filters(states=("all",), text="is:approval")).items
    assert [row.id for row in found] == [waiting.conversation_id]
    assert queries.count_conversations(scene.session, actor, Filters(states=("all",), is_to_approve=True)).n == 1
    read = needs_you.read(scene.session, actor, scene.now)
    assert read.counts["answer_to_approve"] == 1
    assert [d.title for d in read.items if d.kind == "answer_to_approve"] == ["It left today."]
    approve(scene, waiting)
    assert not to_approve(scene, scene.colleague)


def test_a_rejection_comes_back_to_its_author_with_the_reason_and_the_text(scene: Scene, waiting: m.Message) -> None:
    conversation = scene.conversation_of(waiting)
    with pytest.raises(Invalid):
        reject(scene, waiting, "  ")
    reject(scene, waiting)
    draft = inbox.find_draft(scene.session, scene.actor(), conversation)
    assert draft is not None
    assert draft.text == "It left today."
    delivery = delivery_of(scene, waiting)
    assert (delivery.state, delivery.reason_code) == ("cancelled", "rejected")
    assert "Say which parcel." in str(delivery.reason)
    assert told(scene, scene.agent) == ["rejected"]
    assert conversation.state == "open"
    assert find_open_wait(scene.session, conversation) is not None
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 0
    with pytest.raises(Conflict):
        approve(scene, waiting)


def test_what_was_closed_beside_it_is_in_front_again_when_it_is_rejected(scene: Scene, waiting: m.Message) -> None:
    conversation = scene.conversation_of(waiting)
    inbox.resolve(scene.session, scene.actor(scene.colleague), conversation, now=scene.now)
    reject(scene, waiting)
    assert conversation.state == "open"


def test_edited_and_approved_it_goes_out_in_the_new_words_alone(scene: Scene, waiting: m.Message) -> None:
    conversation = scene.conversation_of(waiting)
    before = delivery_of(scene, waiting).payload_hash
    with pytest.raises(Invalid):
        approve(scene, waiting, text="far too long " * 10)
    approve(scene, waiting, text="It left at noon.")
    delivery = delivery_of(scene, waiting)
    assert (delivery.payload["text"], waiting.text) == ("@customer It left at noon.", "@customer It left at noon.")
    assert delivery.payload_hash != before
    assert start(scene, waiting) == "claimed"
    assert conversation.last_message_id == waiting.id


def test_an_edit_voids_the_approval(scene: Scene, waiting: m.Message) -> None:
    stale = delivery_of(scene, waiting).payload_hash
    approve(scene, waiting)
    delivery = delivery_of(scene, waiting)
    payload = {**delivery.payload, "text": "Something else."}
    changed = update(m.Delivery).where(m.Delivery.id == delivery.id)
    scene.session.execute(changed.values(payload=payload, payload_hash="another"))
    assert start(scene, waiting) == "awaiting_approval"
    with pytest.raises(Conflict) as refused:
        approve(scene, waiting, content_hash=stale)
    assert refused.value.code == "changed"


def test_an_approval_by_its_author_is_none(scene: Scene, waiting: m.Message) -> None:
    approve(scene, waiting)
    scene.session.get_one(m.AnswerReview, waiting.delivery_id).settled_by = scene.agent.id
    assert start(scene, waiting) == "awaiting_approval"


@pytest.mark.parametrize("is_approved", [False, True])
def test_if_the_customer_writes_first_it_is_held_back_and_both_are_told(
    scene: Scene, waiting: m.Message, is_approved: bool
) -> None:
    if is_approved:
        approve(scene, waiting)
    scene.customer_says("I found it!", remote_at=scene.later(seconds=5))
    delivery = delivery_of(scene, waiting)
    assert (delivery.state, delivery.reason_code) == ("needs_human", "customer_wrote")
    assert scene.conversation_of(waiting).state == "open"
    assert "held_back" in told(scene, scene.agent)
    assert ("held_back" in told(scene, scene.colleague)) is is_approved
    # Sent nevertheless by its author it asks again: what was agreed to answered something else.
    conversation = scene.conversation_of(waiting)
    inbox.send_now(
        scene.session, scene.actor(), conversation, waiting.id, seen_through=conversation.last_message_id,
        now=scene.now,
    )  # fmt: skip
    assert start(scene, waiting) == "awaiting_approval"
    assert to_approve(scene, scene.colleague) == [conversation.id]
    approve(scene, waiting)
    assert start(scene, waiting) == "claimed"


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_if_somebody_else_answers_it_is_held_back(scene: Scene, waiting: m.Message, where: str) -> None:
    if where == "elsewhere":
        scene.hears(echo("In the app.", remote_at=scene.later(seconds=5)))
    else:
        scene.later(minutes=11)  # the author's lease is over
        answer(scene, waiting, "Another answer.", scene.colleague)
    delivery = delivery_of(scene, waiting)
    assert (delivery.state, delivery.reason_code) == ("needs_human", "answered_meanwhile")


def test_a_colleague_sends_what_was_held_back_in_their_own_right(scene: Scene, waiting: m.Message) -> None:
    scene.customer_says("Hello?", remote_at=scene.later(minutes=11))
    conversation = scene.conversation_of(waiting)
    inbox.send_now(
        scene.session, scene.actor(scene.colleague), conversation, waiting.id,
        seen_through=conversation.last_message_id, now=scene.now,
    )  # fmt: skip
    assert start(scene, waiting) == "claimed"


def test_what_was_written_since_is_read_first(scene: Scene, waiting: m.Message) -> None:
    with pytest.raises(Conflict) as refused:
        approve(scene, waiting, seen_through=waiting.id - 1)
    assert refused.value.code == "newer_messages"


def test_of_several_one_is_approved_and_the_others_kept_or_sent_back(scene: Scene) -> None:
    other = f.make_staff(scene.session, answers_reviewed=True)
    f.make_grant(scene.session, other, scene.account, "agent")
    scene.agent.answers_reviewed = True
    question = scene.customer_says()
    first = answer(scene, question, "One.")
    scene.later(minutes=11)
    second = answer(scene, question, "Two.", other)
    third = answer(scene, question, "Three.", other)
    assert {delivery_of(scene, x).state for x in (first, second, third)} == {"awaiting_approval"}

    approve(scene, first)
    assert delivery_of(scene, second).state == "awaiting_approval"
    approve(scene, second, refuse_others=True)
    assert [delivery_of(scene, x).state for x in (first, second, third)] == ["scheduled", "scheduled", "cancelled"]
    draft = inbox.find_draft(scene.session, scene.actor(other), scene.conversation_of(question))
    assert draft is not None
    assert draft.text == "Three."


def test_its_author_takes_it_back(scene: Scene, waiting: m.Message) -> None:
    conversation = scene.conversation_of(waiting)
    draft = inbox.take_back(scene.session, scene.actor(), conversation, waiting.id, scene.now)
    assert (draft.text, conversation.state) == ("It left today.", "open")
    assert not to_approve(scene, scene.colleague)


@on_one
def test_what_was_planned_before_its_author_was_marked_waits_too(scene: Scene) -> None:
    out = answer(scene, scene.customer_says(), undo_seconds=5)
    scene.agent.answers_reviewed = True
    scene.now += timedelta(seconds=6)
    assert start(scene, out) == "awaiting_approval"
    approve(scene, out)
    assert start(scene, out) == "claimed"


@on_one
def test_somebody_else_holds_it(scene: Scene, waiting: m.Message) -> None:
    third = f.make_staff(scene.session)
    f.make_grant(scene.session, third, scene.account, "agent")
    inbox.claim(scene.session, scene.actor(third), scene.conversation_of(waiting), scene.later(minutes=11))
    with pytest.raises(Conflict) as refused:
        approve(scene, waiting)
    assert refused.value.code == "held"
