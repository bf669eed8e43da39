"""Unread is a person's own matter; files stand in the thread where they went."""

from __future__ import annotations

import pytest

from guichet import models as m
from guichet.errors import Invalid, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox import seeing
from guichet.inbox.rows import read_rows
from tests import factories as f
from tests.inbox.scene import SPEC, Scene


def is_unread(scene: Scene, conversation: m.Conversation, staff: m.Staff | None = None) -> bool:
    (row,) = read_rows(scene.session, [conversation.id], (staff or scene.agent).id)
    return row.is_unread


def see(scene: Scene, conversation: m.Conversation, through: int | None, staff: m.Staff | None = None) -> None:
    seeing.mark_seen(scene.session, scene.actor(staff), conversation, through=through, now=scene.now)


def test_what_one_has_read_stays_unread_for_a_colleague_until_more_is_written(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    assert is_unread(scene, conversation)
    version = conversation.version

    see(scene, conversation, message.id)
    assert not is_unread(scene, conversation)
    assert is_unread(scene, conversation, scene.colleague)
    assert conversation.version == version, "that somebody looked is no news"

    scene.later(minutes=1)
    scene.customer_says("And my suitcase?")
    assert is_unread(scene, conversation)


def test_what_one_writes_oneself_is_read_by_oneself_alone(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    see(scene, conversation, conversation.last_message_id, scene.colleague)
    inbox.note(scene.session, scene.actor(), conversation, text="Look at this", now=scene.now)
    assert not is_unread(scene, conversation)
    assert is_unread(scene, conversation, scene.colleague)


def test_it_can_be_made_unread_again(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    see(scene, conversation, message.id)
    see(scene, conversation, None)
    assert is_unread(scene, conversation)


def test_what_was_finished_before_one_came_is_not_held_up_as_news(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.resolve(scene.session, scene.actor(), conversation, how="not_needed", now=scene.now)
    assert not is_unread(scene, conversation, scene.colleague)


def test_nobody_has_read_what_is_not_there_or_what_they_may_not_see(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    with pytest.raises(Invalid):
        see(scene, conversation, message.id + 1)
    with pytest.raises(NotFound):
        see(scene, conversation, message.id, f.make_staff(scene.session))


def test_files_of_an_answer_and_of_a_note_stand_in_the_thread_and_only_the_answers_go_out(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    file = f.make_media(scene.session, scene.agent, alt="A form")
    noted = inbox.note(scene.session, scene.actor(), conversation, text="", media=[file.id], now=scene.now)
    out = inbox.reply(
        scene.session, scene.actor(), conversation, spec=SPEC, text="This one.", media=[file.id],
        seen_through=conversation.last_message_id or 0, now=scene.now,
    )  # fmt: skip
    for message in (noted, out):
        assert [(a.alt, a.storage_key, a.mime) for a in message.attachments] == [
            ("A form", file.storage_key, "image/png")
        ]
    delivery = scene.session.get_one(m.Delivery, out.delivery_id)
    assert [one["alt"] for one in delivery.payload["media"]] == ["A form"]
    assert noted.delivery_id is None


def test_nobody_sends_or_notes_a_colleagues_file(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    file = f.make_media(scene.session, scene.colleague)
    with pytest.raises(Invalid):
        inbox.note(scene.session, scene.actor(), conversation, text="See", media=[file.id], now=scene.now)
