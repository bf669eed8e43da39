"""Side conversations: somebody outside is asked and answers, and the customer never knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from channels.contract import (
    InboundKind,
)
from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import operations as inbox
from guichet.inbox import queries, seeing, side_rules, siding, thread
from guichet.inbox.siding import Writing
from guichet.policy import SYSTEM
from guichet.receiving import following
from tests import factories as f
from tests.inbox.desk import DESK, MAIL, Desk


def test_what_is_asked_outside_goes_out_as_one_mail_and_names_whom_one_waits_for(desk: Desk) -> None:
    other = {"name": "", "address": "Second@Airport.example"}
    side, message = desk.open(to=[DESK, other, DESK], writing={"quoted": [desk.asked.id]})
    delivery = desk.session.get_one(m.Delivery, message.delivery_id)
    place = (delivery.account_id, delivery.kind, delivery.is_answer, delivery.state)
    assert place == (desk.mailbox.id, "reply", True, "due")
    to = [DESK, {"name": "", "address": "second@airport.example"}]
    assert delivery.payload["options"] == {"to": to, "token": side.token}
    assert delivery.payload["subject"] == "Bag AF 12"
    assert delivery.payload["text"].startswith("Did it arrive?\n\n> Customer, 20")
    assert delivery.payload["text"].endswith("UTC:\n> Where is my bag?")
    assert len(side.token) == 20
    c = desk.conversation
    assert (c.state, c.awaits, c.awaits_since) == ("waiting_internal", "Baggage desk +1", desk.scene.now)
    assert c.waiting_since is not None  # the customer goes on waiting
    assert (c.message_count, c.last_message_id) == (1, desk.asked.id)


def test_an_answer_from_outside_stays_beside_the_conversation_and_opens_it_again(desk: Desk) -> None:
    inbox.follow(desk.session, desk.scene.actor(desk.scene.colleague), desk.conversation, desk.scene.now)
    side, message = desk.open()
    desk.accept(message)
    c = desk.conversation
    waits = len(desk.session.scalars(select(m.Wait)).all())
    before = (c.preview, c.last_message_at, c.waiting_since)
    desk.scene.later(minutes=5)
    assert desk.mail("It is here.", tokens=(side.token,)) == []  # nothing for rules to answer
    assert desk.said_beside() == [("side_out", "Did it arrive?"), ("side_in", "It is here.")]
    assert (c.state, c.awaits, c.awaits_since) == ("open", "", None)
    assert (c.preview, c.last_message_at, c.waiting_since) == before
    assert len(desk.session.scalars(select(m.Wait)).all()) == waits
    assert desk.session.scalars(select(m.Conversation.id)).all() == [c.id]
    assert [i.handle for i in desk.session.scalars(select(m.Identity))] == ["customer"]
    window = thread.read_messages(desk.session, desk.scene.actor(), c)
    assert [row.message.id for row in window.items] == [desk.asked.id]
    assert desk.notices(desk.scene.agent) == desk.notices(desk.scene.colleague) == ["side_answer"]
    assert desk.found("here") == [c.id]  # by what was said beside it
    stranger = f.make_staff(desk.session)
    f.make_grant(desk.session, stranger, desk.mailbox, "agent")
    assert desk.found("here", stranger) == []  # the rights are the conversation's


def test_an_answer_from_outside_is_unread_until_one_has_read_so_far(desk: Desk) -> None:
    side, message = desk.open()
    desk.accept(message)
    agent, colleague = desk.scene.agent, desk.scene.colleague
    for one in (agent, colleague):
        desk.read(one, desk.asked.id)
        assert not desk.unread(one)
    desk.mail("It is here.", tokens=(side.token,))
    answer = desk.newest()
    assert desk.unread(agent)
    assert desk.unread(colleague)
    desk.read(agent, desk.asked.id)
    assert desk.unread(agent), "what stands beside it was not read with it"
    desk.read(agent, answer.id)
    assert not desk.unread(agent)
    assert desk.unread(colleague)
    with pytest.raises(Invalid, match="no such message"):
        desk.read(agent, answer.id + 1)


def test_an_answer_from_outside_is_unread_where_its_conversation_was_merged_into(desk: Desk) -> None:
    side, message = desk.open()
    desk.accept(message)
    one, agent = desk.conversation, desk.scene.agent
    other = desk.scene.conversation_of(desk.scene.customer_says("And my coat?", root="coat"))
    desk.read(agent, desk.asked.id)
    seeing.mark_seen(desk.session, desk.scene.actor(), other, through=other.last_message_id, now=desk.scene.now)
    desk.mail("It is here.", tokens=(side.token,))
    desk.mail("Away until Monday", automatic=True, tokens=(side.token,))
    answer_id = one.last_beside_id
    inbox.merge(desk.session, desk.scene.actor(), one, into=other, now=desk.scene.now)
    assert other.last_beside_id == answer_id is not None
    desk.conversation = other
    assert desk.unread(agent)
    inbox.unmerge(desk.session, desk.scene.actor(), one, desk.scene.now)
    assert (one.last_beside_id, other.last_beside_id) == (answer_id, None)


def test_an_answer_is_known_by_what_it_answers_where_the_token_was_lost(desk: Desk) -> None:
    _, message = desk.open()
    key = desk.accept(message)
    desk.scene.later(minutes=1)
    desk.mail("By reference", references=("somebody@else", key))
    desk.scene.later(minutes=1)
    desk.mail("By parent", in_reply_to=key)
    assert [text for _, text in desk.said_beside()] == ["Did it arrive?", "By reference", "By parent"]


def test_without_token_and_reference_the_desk_is_a_customer_like_anybody(desk: Desk) -> None:
    desk.open()
    (message,) = desk.mail("Something else", tokens=("0" * 20,), references=("mail-x@airport.example",))
    assert message.conversation_id != desk.conversation.id
    assert message.side_id is None


def test_a_token_of_another_brand_opens_nothing(desk: Desk) -> None:
    side, _ = desk.open()
    desk.mailbox.brand_id = f.make_brand(desk.session).id
    side.account_id = desk.scene.account.id
    desk.session.flush()
    assert len(desk.mail("Guessed", tokens=(side.token,))) == 1
    assert desk.said_beside() == [("side_out", "Did it arrive?")]


@pytest.mark.parametrize(
    ("who", "sender"),
    [("desk@airport.example", "expected"), ("stranger@evil.example", "unexpected"), ("ann@home.example", "customer")],
)
def test_who_has_the_token_is_shown_and_marked(desk: Desk, who: str, sender: str) -> None:
    desk.known_by_mail("ann@home.example")
    side, _ = desk.open()
    desk.scene.later(minutes=1)
    desk.mail("Hello", who=who, tokens=(side.token,))
    assert (desk.newest().context["sender"], desk.newest().context["address"]) == (sender, who)


def test_hostile_html_is_shown_harmless(desk: Desk) -> None:
    side, _ = desk.open()
    html = "<p onclick=x()>Hi<script>alert(1)</script><img src=http://spy.example/1><a href=javascript:x>y</a></p>"
    desk.scene.later(minutes=1)
    desk.mail("Hi", html=html, tokens=(side.token,))
    shown = desk.newest().html
    assert "Hi" in shown
    assert not any(bad in shown for bad in ("script", "onclick", "img", "javascript"))


def test_an_auto_responder_is_kept_and_changes_nothing(desk: Desk) -> None:
    side, _ = desk.open()
    for n in range(3):
        assert desk.mail(f"Away {n}", automatic=True, can_reply=False, tokens=(side.token,)) == []
    assert desk.conversation.state == "waiting_internal"
    assert desk.conversation.last_beside_id is None
    assert len(desk.said_beside()) == 4
    assert desk.notices(desk.scene.agent) == []
    assert len(desk.session.scalars(select(m.Delivery)).all()) == 1  # and nothing is answered by machine


def test_a_mail_that_could_not_be_delivered_is_told_as_such(desk: Desk) -> None:
    _, message = desk.open()
    key = desk.accept(message)
    report = {"bounce": {"report": "yes"}}
    desk.mail("550 nobody", who="mailer-daemon@x.example", automatic=True, in_reply_to=key, raw=report)
    assert desk.conversation.state == "open"
    assert desk.conversation.last_beside_id == desk.newest().id
    assert desk.notices(desk.scene.agent) == ["side_answer"]


def test_our_own_mail_seen_in_sent_or_coming_back_is_not_said_twice(desk: Desk) -> None:
    side, message = desk.open()
    copy: dict[str, Any] = {"who": "help@company.example", "tokens": (side.token,)}
    echo = {**copy, "kind": InboundKind.ECHO, "recipient_id": DESK["address"]}
    desk.mail("Did it arrive?", **echo)  # before we know that it is out
    key = desk.accept(message)
    desk.mail("Did it arrive?", remote_id=key, **echo)
    desk.mail("Did it arrive?", remote_id=key, automatic=True, **copy)
    assert desk.said_beside() == [("side_out", "Did it arrive?")]
    desk.scene.later(minutes=1)
    desk.mail("And the tag?", **echo)  # written in a mail program
    assert desk.said_beside()[-1] == ("side_out", "And the tag?")
    assert len(desk.session.scalars(select(m.Conversation)).all()) == 1


def test_the_same_mail_again_changes_nothing_and_two_mails_of_one_id_are_two(desk: Desk) -> None:
    side, _ = desk.open()
    for text in ("One", "One", "Two", "Two"):
        desk.mail(text, remote_id="same@airport.example", tokens=(side.token,))
    assert [text for _, text in desk.said_beside()] == ["Did it arrive?", "One", "Two"]


def test_writing_on_threads_below_the_answer_and_waits_anew(desk: Desk) -> None:
    side, message = desk.open()
    key = desk.accept(message)
    desk.scene.later(minutes=1)
    desk.mail("Which colour?", remote_id="q@airport.example", tokens=(side.token,), references=(key,))
    desk.scene.later(minutes=3)
    actor, writing = desk.scene.actor(), Writing((), "Red")
    on = inbox.write_side(desk.session, actor, desk.conversation, side, spec=MAIL, writing=writing, now=desk.scene.now)
    payload = desk.session.get_one(m.Delivery, on.delivery_id).payload
    assert payload["subject"] == "Re: Bag AF 12"
    above = {"reply_to": DESK["address"], "message_id": "q@airport.example", "references": [key]}
    assert payload["reply_to"]["context"] == above
    assert payload["options"]["token"] == side.token
    assert (desk.conversation.awaits, desk.conversation.awaits_since) == ("Baggage desk", desk.scene.now)


def test_what_did_not_go_out_is_told_and_nobody_is_waited_for(desk: Desk) -> None:
    _, message = desk.open()
    delivery = desk.session.get_one(m.Delivery, message.delivery_id)
    delivery.state = "failed"
    for _ in range(2):  # told once, however often it is followed
        following.follow_delivery(desk.session, SYSTEM, delivery, desk.scene.now)
    assert (desk.conversation.state, desk.notices(desk.scene.agent)) == ("open", ["side_failed"])


def test_the_customer_is_not_written_to_by_mistake(desk: Desk) -> None:
    desk.known_by_mail("ann@home.example")
    to = [{"name": "", "address": "Ann@Home.example"}]
    with pytest.raises(Conflict) as caught:
        desk.open(to=to)
    assert (caught.value.code, caught.value.data["addresses"]) == ("is_customer", ["ann@home.example"])
    desk.open(to=to, even_customer=True)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": []}, "to"),
        ({"to": [{"name": "", "address": "no address"}]}, "to"),
        ({"to": [{"name": "", "address": "a@b.example\nBcc: c@d.example"}]}, "to"),
        ({"to": [{"name": "", "address": "help+x@company.example"}]}, "to"),
        ({"to": [{"name": "", "address": f"a{n}@b.example"} for n in range(11)]}, "to"),
        ({"subject": "  "}, "subject"),
        ({"remind_at": datetime(2020, 1, 1, tzinfo=UTC)}, "remind_at"),
        ({"writing": {"quoted": [10**9]}}, "quote"),
        ({"writing": {"media": [10**9]}}, "media"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(desk: Desk, change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        desk.open(**change)
    assert field in caught.value.fields


def test_notes_are_never_quoted_to_somebody_outside(desk: Desk) -> None:
    note = inbox.note(desk.session, desk.scene.actor(), desk.conversation, text="He is rude", now=desk.scene.now)
    with pytest.raises(Invalid):
        desk.open(writing={"quoted": [note.id]})


def test_only_who_may_answer_here_and_from_the_mailbox_writes(desk: Desk) -> None:
    reader, agent, stranger = (f.make_staff(desk.session) for _ in range(3))
    f.make_grant(desk.session, reader, desk.scene.account, "viewer")
    f.make_grant(desk.session, agent, desk.scene.account, "agent")
    f.make_grant(desk.session, agent, desk.mailbox, "viewer")
    f.make_grant(desk.session, stranger, desk.mailbox, "agent")
    for who, error in ((reader, NotAllowed), (agent, NotAllowed), (stranger, NotFound)):
        with pytest.raises(error):
            desk.open(actor=desk.scene.actor(who))
    desk.open()
    assert len(siding.read_sides(desk.session, desk.scene.actor(reader), desk.conversation)) == 1
    with pytest.raises(NotFound):
        siding.read_sides(desk.session, desk.scene.actor(stranger), desk.conversation)
    desk.mailbox.brand_id = f.make_brand(desk.session).id
    desk.session.flush()
    with pytest.raises(Invalid):
        desk.open()


def test_a_merge_takes_side_conversations_along_and_back_and_a_split_leaves_them(desk: Desk) -> None:
    side, message = desk.open()
    desk.accept(message)
    other = desk.scene.conversation_of(desk.scene.customer_says("And my coat?", root="coat"))
    actor, one = desk.scene.actor(), desk.conversation
    inbox.merge(desk.session, actor, one, into=other, now=desk.scene.now)
    desk.session.refresh(side)
    assert (side.conversation_id, side.came_to_id, other.message_count) == (other.id, one.id, 2)
    desk.scene.later(minutes=1)
    desk.mail("While merged", tokens=(side.token,))
    inbox.unmerge(desk.session, actor, one, desk.scene.now)
    desk.session.refresh(side)
    assert (side.conversation_id, side.came_to_id) == (one.id, None)
    assert [text for _, text in desk.said_beside()] == ["Did it arrive?", "While merged"]
    assert siding.read_sides(desk.session, actor, other) == []
    later = desk.scene.customer_says("Also my coat", remote_at=desk.scene.later(minutes=1))
    assert later.conversation_id == one.id
    made = inbox.split(desk.session, actor, one, from_message=later, now=desk.scene.now)
    assert siding.read_sides(desk.session, actor, made) == []
    assert len(desk.said_beside()) == 2
    assert made.message_count == one.message_count == 1


def test_one_is_reminded_where_nothing_came(desk: Desk) -> None:
    inbox.claim(desk.session, desk.scene.actor(), desk.conversation, desk.scene.now)
    desk.open(remind_at=desk.scene.now + timedelta(hours=2))
    counts = [inbox.remind(desk.session, SYSTEM, desk.scene.later(hours=1)) for _ in range(3)]
    assert counts == [0, 1, 0]
    assert (desk.conversation.state, desk.conversation.remind_at) == ("open", None)
    assert desk.notices(desk.scene.agent) == ["nothing_came"]


def test_one_waits_for_a_colleague_or_anybody_by_name_and_finds_it(desk: Desk) -> None:
    actor, c = desk.scene.actor(), desk.conversation
    inbox.wait_internally(desk.session, actor, c, desk.scene.now, awaits="the lawyer Ms Élan")
    assert desk.found("awaits:elan") == desk.found("attend:lawyer is:internal") == [c.id]
    assert desk.found("awaits:nobody") == desk.found("awaits:me", desk.scene.colleague) == []
    inbox.wait_internally(desk.session, actor, c, desk.scene.now, awaits="x", staff=desk.scene.colleague)
    assert c.awaits == desk.scene.colleague.name
    assert desk.found("awaits:me", desk.scene.colleague) == [c.id]
    with pytest.raises(Conflict):
        inbox.wait_internally(desk.session, actor, c, desk.scene.now)  # a bare mark says nothing new
    inbox.reopen(desk.session, actor, c, desk.scene.now)
    assert (c.awaits, c.awaits_staff_id, c.awaits_since) == ("", None, None)
    assert desk.found("awaits:me", desk.scene.colleague) == []


def test_what_comes_from_outside_is_no_newer_message_of_the_customer(desk: Desk) -> None:
    side, _ = desk.open()
    desk.mail("It is here.", tokens=(side.token,))
    row = queries.list_conversations(desk.session, desk.scene.actor(), queries.Filters(states=("all",))).items[0]
    assert row.last_message_id == desk.asked.id


def test_a_sender_is_told_by_the_whole_address() -> None:
    one = [{"name": "", "address": "desk@airport.example"}]
    assert side_rules.sender_of("DESK@airport.example", one, ()) == "expected"
    assert side_rules.sender_of("desk@airport.example.evil.example", one, ()) == "unexpected"


def test_nothing_is_opened_in_a_closed_conversation(desk: Desk) -> None:
    inbox.close(desk.session, desk.scene.actor(), desk.conversation, desk.scene.now)
    with pytest.raises(Conflict):
        desk.open()


def test_whoevers_answers_are_reviewed_writes_to_nobody_outside(desk: Desk) -> None:
    desk.scene.agent.answers_reviewed = True
    with pytest.raises(NotAllowed):
        desk.open()
