"""Answers that wait: nothing is taken back that may be out, and none answers what it had not read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from guichet import models as m
from guichet.delivery import engine
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.inbox import notices, pending, thread
from guichet.inbox import operations as inbox
from guichet.inbox.owners import find_open_wait
from guichet.inbox.pending import Later
from guichet.policy import SYSTEM
from guichet.receiving import operations as receiving
from guichet.stats import needs_you
from tests import factories as f
from tests.inbox.scene import SPEC, Scene, echo

# What the database has no part in is asked of one kind.
on_one = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def answer(scene: Scene, message: m.Message, text: str = "It left today.", staff: m.Staff | None = None, **more):
    conversation = scene.conversation_of(message)
    given = {"spec": SPEC, "seen_through": conversation.last_message_id, **more}
    return inbox.reply(scene.session, scene.actor(staff), conversation, text=text, now=scene.now, **given)


def tomorrow(scene: Scene) -> Later:
    at = scene.now + timedelta(days=1)
    return Later(at.strftime("%Y-%m-%dT%H:%M"), "UTC", at)


def delivery_of(scene: Scene, message: m.Message) -> m.Delivery:
    return scene.session.get_one(m.Delivery, message.delivery_id)


def told(scene: Scene, staff: m.Staff) -> list[str]:
    found, _ = notices.list_notices(scene.session, scene.actor(staff))
    return [one.notice.kind for one in found]


def promote(scene: Scene) -> None:
    scene.session.flush()
    engine.promote(scene.session.connection(), scene.now)
    scene.session.expire_all()


def test_within_its_window_an_answer_is_undone_whole(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    picture = f.make_media(scene.session, scene.agent)
    inbox.snooze(scene.session, scene.actor(), conversation, until=scene.now + timedelta(days=2), now=scene.now)
    was = (conversation.state, conversation.hold_until, conversation.message_count, conversation.last_message_id)

    out = answer(scene, message, undo_seconds=10, then_close=False, media=[picture.id])
    delivery = delivery_of(scene, out)
    assert (delivery.state, delivery.due_at) == ("scheduled", scene.now + timedelta(seconds=10))
    assert conversation.state == "waiting_customer"
    draft = inbox.take_back(scene.session, scene.actor(), conversation, out.id, scene.later(seconds=9))

    assert (draft.text, draft.media, draft.seen_through) == ("It left today.", [picture.id], message.id)
    assert (delivery.state, delivery.withdraw) == ("cancelled", False)
    now = (conversation.state, conversation.hold_until, conversation.message_count, conversation.last_message_id)
    assert now == was
    assert find_open_wait(scene.session, conversation) is not None
    shown = thread.read_messages(scene.session, scene.actor(), conversation).items
    assert [row.message.id for row in shown] == [message.id]
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 0  # nothing failed


@on_one
def test_what_was_written_since_stays_behind_what_comes_back(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, "First.", undo_seconds=5)
    inbox.save_draft(scene.session, scene.actor(), conversation, text="Second.", now=scene.now)
    assert inbox.take_back(scene.session, scene.actor(), conversation, out.id, scene.now).text == "First.\n\nSecond."


@on_one
def test_a_message_in_the_window_is_not_answered_by_it_and_undo_leaves_it_in_front(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, undo_seconds=10, then_close=True)
    scene.customer_says("And my refund?", remote_at=scene.later(seconds=2))
    assert delivery_of(scene, out).state == "scheduled"  # it was sent; only its window runs
    assert conversation.state == "open"
    draft = inbox.take_back(scene.session, scene.actor(), conversation, out.id, scene.later(seconds=2))
    assert (conversation.state, draft.seen_through) == ("open", message.id)  # so that it warns once more


@on_one
@pytest.mark.parametrize("state", ["sending", "unknown", "published"])
def test_what_may_be_out_is_not_taken_back(scene: Scene, state: str) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, undo_seconds=1)
    delivery_of(scene, out).state = state
    with pytest.raises(Conflict) as refused:
        inbox.take_back(scene.session, scene.actor(), conversation, out.id, scene.later(seconds=2))
    assert refused.value.code == "too_late"
    assert (out.text, out.direction, delivery_of(scene, out).withdraw) == ("@customer It left today.", "out", False)


@on_one
def test_undo_is_its_authors_and_needs_the_right(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, undo_seconds=10)
    viewer = f.make_staff(scene.session)
    f.make_grant(scene.session, viewer, scene.account, "viewer")
    for staff in (scene.colleague, viewer):
        with pytest.raises(NotAllowed):
            inbox.take_back(scene.session, scene.actor(staff), conversation, out.id, scene.now)


def test_a_planned_answer_waits_until_its_time_and_then_it_is_the_customers_turn(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    inbox.follow(scene.session, scene.actor(scene.colleague), conversation, scene.now)
    out = answer(scene, message, later=tomorrow(scene))
    assert conversation.state == "snoozed"
    scene.later(hours=23)
    promote(scene)
    assert delivery_of(scene, out).state == "scheduled"
    assert "answer" not in told(scene, scene.colleague)
    scene.later(hours=1)
    promote(scene)
    assert delivery_of(scene, out).state == "due"
    assert conversation.waiting_since is not None  # the wait goes on until the network has it
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.now)
    assert (conversation.state, conversation.waiting_since) == ("waiting_customer", None)
    assert told(scene, scene.colleague) == ["answer"]
    assert scene.session.query(m.PendingAnswer).count() == 0


@pytest.mark.parametrize("how", ["scheduled", "claimed", "held"])
def test_if_the_customer_writes_first_it_is_held_back_and_its_author_told(scene: Scene, how: str) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, later=tomorrow(scene))
    delivery_of(scene, out).state = how
    newer = scene.customer_says("It has arrived!", remote_at=scene.later(hours=1))
    delivery = delivery_of(scene, out)
    assert (delivery.state, delivery.reason_code, conversation.state) == ("needs_human", "customer_wrote", "open")
    assert told(scene, scene.agent) == ["held_back"]
    scene.later(days=1)
    promote(scene)
    assert delivery.state == "needs_human"
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 0

    with pytest.raises(Conflict) as blind:
        inbox.send_now(scene.session, scene.actor(), conversation, out.id, seen_through=out.id, now=scene.now)
    assert blind.value.code == "newer_messages"
    inbox.send_now(scene.session, scene.actor(), conversation, out.id, seen_through=newer.id, now=scene.now)
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out), scene.now)
    assert conversation.waiting_since is None  # who sent it had read the newer message


@on_one
@pytest.mark.parametrize(
    ("how", "state", "end_kind"),
    [("", "scheduled", None), ("not_needed", "needs_human", "not_needed"),
     ("answered", "needs_human", "answered_elsewhere")],
)  # fmt: skip
def test_who_resolves_it_otherwise_holds_back_what_was_planned(
    scene: Scene, how: str, state: str, end_kind: str | None
) -> None:
    message = scene.customer_says()
    out = answer(scene, message, later=tomorrow(scene))
    conversation = scene.conversation_of(message)
    inbox.resolve(scene.session, scene.actor(scene.colleague), conversation, how=how, now=scene.now)
    wait = scene.session.query(m.Wait).one()
    assert (delivery_of(scene, out).state, wait.end_kind) == (state, end_kind)
    assert told(scene, scene.agent) == (["held_back"] if how else [])


@on_one
@pytest.mark.parametrize("by", ["colleague", "echo"])
def test_if_somebody_answers_first_it_is_held_back(scene: Scene, by: str) -> None:
    message = scene.customer_says()
    out = answer(scene, message, later=tomorrow(scene))
    scene.later(hours=1)
    if by == "echo":
        scene.hears(echo("From the app", remote_at=scene.now))
    else:
        answer(scene, message, "Theirs", scene.colleague)
    assert delivery_of(scene, out).reason_code == "answered_meanwhile"
    assert told(scene, scene.agent) == ["held_back"]
    assert scene.conversation_of(message).state == "waiting_customer"


@on_one
def test_nobody_answers_what_is_spam(scene: Scene) -> None:
    out = answer(scene, scene.customer_says(), later=tomorrow(scene))
    conversation = scene.conversation_of(out)
    inbox.mark_spam(scene.session, scene.actor(scene.colleague), conversation, scene.later(seconds=60))
    delivery = delivery_of(scene, out)
    assert (delivery.state, delivery.reason_code, conversation.state) == ("needs_human", "marked_spam", "spam")
    assert told(scene, scene.agent) == ["held_back"]


@on_one
def test_it_can_be_moved_and_called_off_and_the_authors_text_is_not_lost(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = answer(scene, message, later=tomorrow(scene))
    at = scene.now + timedelta(days=3)
    inbox.move_planned(
        scene.session, scene.actor(), conversation, out.id, Later("2026-03-12T14:00", "UTC", at), scene.now
    )
    assert (delivery_of(scene, out).due_at, delivery_of(scene, out).state) == (at, "scheduled")
    scene.later(hours=1)  # the author's claim is over
    inbox.cancel_planned(scene.session, scene.actor(scene.colleague), conversation, out.id, scene.now)
    assert (delivery_of(scene, out).state, conversation.state) == ("cancelled", "open")
    assert inbox.find_draft(scene.session, scene.actor(), conversation).text == "It left today."
    assert told(scene, scene.agent) == ["called_off"]
    assert receiving.follow_settled(scene.session, SYSTEM, scene.now) == 0


@on_one
def test_a_time_that_will_not_do_is_refused(scene: Scene) -> None:
    message = scene.customer_says(reply_until=scene.now + timedelta(hours=24))
    past = Later("2020-01-01T09:00", "UTC", scene.now - timedelta(days=1))
    with pytest.raises(Invalid) as wrong:
        answer(scene, message, later=past)
    assert "later" in wrong.value.fields
    with pytest.raises(Invalid):
        answer(scene, message, undo_seconds=31)
    with pytest.raises(Invalid) as over:
        answer(scene, message, later=tomorrow(scene))
    assert over.value.code == "reply_window_over"


@on_one
def test_what_its_author_leaves_behind_is_listed_before_it_is_due(scene: Scene) -> None:
    out = answer(scene, scene.customer_says(), later=tomorrow(scene))
    scene.agent.disabled_at = scene.now
    scene.session.flush()
    (listed,) = needs_you.read(scene.session, scene.actor(scene.colleague), scene.now).items
    assert (listed.kind, listed.delivery.id, listed.staff_id) == ("orphaned_schedule", out.delivery_id, scene.agent.id)
    scene.later(days=2)
    promote(scene)
    assert delivery_of(scene, out).state == "needs_human"  # nor does it go out in their name


def test_when_a_zones_rules_change_it_keeps_its_wall_time(scene: Scene) -> None:
    out = answer(scene, scene.customer_says(), later=tomorrow(scene))
    due = delivery_of(scene, out).due_at
    moved = pending.follow_zones(scene.session, SYSTEM, lambda wall, zone: due + timedelta(hours=1), scene.now)
    assert (moved, delivery_of(scene, out).due_at) == (1, due + timedelta(hours=1))
