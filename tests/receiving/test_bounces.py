"""What was accepted and then came back: the customer waits on, and who wrote it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.contract import Bounce
from guichet import models as m
from guichet.inbox import notices
from guichet.inbox import operations as inbox
from guichet.policy import SYSTEM
from guichet.receiving import operations as receiving
from tests.inbox.scene import SPEC, Scene, said


class Answered:
    """A customer who asked, and got an answer that the network accepted."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.session = scene, scene.session
        self.asked = scene.customer_says()
        self.conversation = scene.conversation_of(self.asked)
        self.out = inbox.reply(
            self.session, scene.actor(), self.conversation, text="It left today.", spec=SPEC,
            seen_through=self.asked.id, now=scene.later(minutes=5),
        )  # fmt: skip
        receiving.follow_delivery(self.session, SYSTEM, scene.accept(self.out), scene.now)
        self.wait = self.session.query(m.Wait).one()

    def report(self, **more: Any) -> None:
        told = {
            "remote_id": self.out.remote_id,
            "recipient": "ada@nowhere.example",
            "status": "5.1.1",
            "is_final": True,
        }
        self.scene.later(minutes=1)
        self.scene.hears(
            said(
                "550 no such user", remote_at=self.scene.now, who="mailer-daemon", root="elsewhere", automatic=True,
                can_reply=False, bounce=Bounce(**{**told, **more}),
            )
        )  # fmt: skip

    def told(self, staff: m.Staff | None = None) -> list[str]:
        found, _ = notices.list_notices(self.session, self.scene.actor(staff))
        return [one.notice.kind for one in found]

    def events(self) -> list[str]:
        own = select(m.ConversationEvent.kind).where(m.ConversationEvent.conversation_id == self.conversation.id)
        return list(self.session.scalars(own.order_by(m.ConversationEvent.id)))


@pytest.fixture
def answered(scene: Scene) -> Answered:
    return Answered(scene)


@pytest.mark.parametrize("was", ["waiting_customer", "resolved"])
def test_the_customer_waits_on_from_when_they_asked(answered: Answered, was: str) -> None:
    scene, conversation, wait = answered.scene, answered.conversation, answered.wait
    if was == "resolved":
        inbox.resolve(answered.session, scene.actor(), conversation, now=scene.now)
    assert (conversation.state, wait.end_kind) == (was, "human_reply")
    answered.report()
    assert (conversation.state, conversation.cycle, conversation.waiting_since) == ("open", 1, answered.asked.remote_at)
    assert (wait.ended_at, wait.end_kind, wait.answered_by, wait.ended_by_message_id) == (None, None, None, None)
    assert answered.out.context["bounced"] == {"recipient": "ada@nowhere.example", "status": "5.1.1"}
    draft = inbox.find_draft(answered.session, scene.actor(), conversation)
    assert draft is not None
    assert draft.text == "It left today."
    assert answered.told() == ["bounced"]
    # The report stands where the answer does, and not as a question of its own.
    assert answered.session.query(m.Conversation).count() == 1
    assert answered.session.query(m.Wait).count() == 1


def test_the_same_report_again_and_another_of_it_change_nothing(answered: Answered) -> None:
    answered.report()
    before = answered.events().count("reply_bounced"), answered.told()
    answered.report()
    assert (answered.events().count("reply_bounced"), answered.told()) == before == (1, ["bounced"])


def test_what_came_back_answered_nobody_when_it_is_closed_and_reopened(answered: Answered) -> None:
    scene, conversation = answered.scene, answered.conversation
    answered.report()
    inbox.resolve(answered.session, scene.actor(), conversation, how="not_needed", now=scene.later(minutes=1))
    inbox.reopen(answered.session, scene.actor(), conversation, scene.later(minutes=1))
    assert conversation.waiting_since == answered.asked.remote_at


def test_a_second_answer_that_arrives_ends_the_wait(answered: Answered) -> None:
    answered.report()
    scene, conversation = answered.scene, answered.conversation
    again = inbox.reply(
        answered.session, scene.actor(), conversation, text="Here again.", spec=SPEC,
        seen_through=conversation.last_message_id, now=scene.now,
    )  # fmt: skip
    receiving.follow_delivery(answered.session, SYSTEM, scene.accept(again), scene.later(minutes=1))
    assert (answered.wait.end_kind, answered.wait.ended_by_message_id) == ("human_reply", again.id)
    assert answered.wait.started_at == answered.asked.remote_at


def test_one_that_is_only_late_is_said_and_nothing_else(answered: Answered) -> None:
    answered.report(is_final=False, status="4.4.1")
    assert (answered.conversation.state, answered.wait.end_kind) == ("waiting_customer", "human_reply")
    assert answered.events()[-1] == "reply_delayed"
    assert (answered.told(), "bounced" in answered.out.context) == ([], False)


@pytest.mark.parametrize("of", ["customer", "nothing", "elsewhere"])
def test_a_report_on_what_we_did_not_send_here_is_only_a_mail(answered: Answered, of: str) -> None:
    named = {"customer": answered.asked.remote_id, "nothing": "unknown@x.example", "elsewhere": ""}[of]
    answered.report(remote_id=named)
    assert (answered.conversation.state, answered.wait.end_kind) == ("waiting_customer", "human_reply")
    other = answered.session.scalars(select(m.Conversation).where(m.Conversation.id != answered.conversation.id)).one()
    assert other.waiting_since is None


def test_a_closed_conversation_stays_closed_and_its_author_is_told(answered: Answered) -> None:
    scene, conversation = answered.scene, answered.conversation
    inbox.close(answered.session, scene.actor(), conversation, scene.later(days=1))
    answered.report()
    assert (conversation.state, conversation.waiting_since, answered.told()) == ("closed", None, ["bounced"])
    assert answered.wait.ended_at == answered.asked.remote_at + timedelta(minutes=5)
