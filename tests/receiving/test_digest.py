"""What networks hand over becomes customers, conversations and messages, once, whatever it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from channels.contract import InboundKind, Person, RawItem, RemoteMedia, Surface
from guichet import models as m
from guichet.inbox import operations as inbox
from guichet.inbox import words
from guichet.policy import SYSTEM
from guichet.receiving import ingest, languages
from guichet.receiving import operations as receiving
from guichet.receiving.digest import digest
from guichet.receiving.sanitise import sanitise
from guichet.storage import FileStore
from tests.conftest import SHARED_DATA
from tests.inbox.scene import SPEC, Scene, deletion, echo, make_scene, said
from tests.statements import heard_by


def test_the_same_again_changes_nothing(scene: Scene) -> None:
    inbound = said("Hello", remote_at=scene.now)
    assert len(scene.hears(inbound)) == 1
    assert scene.hears(inbound, inbound) == []
    assert scene.session.query(m.Message).count() == 1
    assert scene.session.query(m.Customer).count() == 1


def test_a_question_of_somebody_new_costs_few_statements(scene: Scene) -> None:
    questions = [said(f"Question {n}", remote_at=scene.now, who=f"customer {n}") for n in range(3)]
    with heard_by(scene.session.get_bind()) as statements:
        scene.hears(*questions)
    assert len(statements) <= 3 * 23  # two of them are the scene's; one asks what was taken back


def test_a_mail_stands_behind_what_was_there_of_its_second_and_no_further(scene: Scene) -> None:
    """A machine answers within the second, of which its mail tells only the beginning."""
    mail = {"kind": InboundKind.MAIL, "surface": Surface.MAIL}
    first = scene.customer_says("Hello?", **mail)
    began = scene.now
    scene.later(minutes=5)
    answer = inbox.reply(
        scene.session, scene.actor(), scene.session.query(m.Conversation).one(), spec=SPEC, text="Yes?",
        seen_through=first.id, now=scene.now,
    )  # fmt: skip
    answer.sort_at = scene.now + timedelta(milliseconds=700)
    scene.session.flush()
    scene.customer_says("I am away.", automatic=True, **mail)
    scene.customer_says("Of old", remote_at=began - timedelta(seconds=1), **mail)
    order = scene.session.query(m.Message).order_by(m.Message.sort_at, m.Message.id)
    assert [one.text for one in order] == ["Of old", "Hello?", "Yes?", "I am away."]
    assert [one.remote_at for one in order if one.is_automatic] == [scene.now]


def test_each_commenter_has_a_conversation_of_their_own_below_one_post(scene: Scene) -> None:
    above = echo("We are closed today", remote_at=scene.now, to="")
    scene.hears(
        said("Why?", remote_at=scene.now, who="alice", root="post", above=above),
        said("Oh no", remote_at=scene.now, who="bob", root="post"),
        said("Really?", remote_at=scene.now, who="alice", root="post"),
        said(
            "@company help", remote_at=scene.now, who="carol", root="far", above=said("Bad flight", remote_at=scene.now)
        ),
    )
    found = scene.session.query(m.Conversation).order_by(m.Conversation.id).all()
    assert [c.message_count for c in found] == [2, 1, 1]
    assert [(c.above.get("text"), c.above.get("ours")) for c in found] == [
        ("We are closed today", True), (None, None), ("Bad flight", False),
    ]  # fmt: skip


def test_an_edit_is_a_version_and_a_deletion_a_tombstone(scene: Scene) -> None:
    first = said("My nmae is Bob", remote_at=scene.now)
    (message,) = scene.hears(first)
    later = scene.later(minutes=1)
    scene.hears(said("My name is Bob", remote_at=scene.now, remote_id=first.remote_id, edited_at=later))
    version = scene.session.query(m.MessageVersion).one()
    assert (message.text, version.text) == ("My name is Bob", "My nmae is Bob")
    assert scene.conversation_of(message).preview == "My name is Bob"

    scene.hears(deletion(message))
    assert message.deleted_at is not None
    assert message.text == ""
    assert scene.session.query(m.MessageVersion).count() == 0
    (wait,) = scene.session.query(m.Wait).all()
    assert wait.end_kind == "withdrawn"
    scene.hears(first)  # the network shows it once more
    assert message.text == ""


def test_two_mails_with_one_message_id_are_both_kept(scene: Scene) -> None:
    """A faulty program gives every mail the same; a copy that came another way is no second."""
    mail = {"kind": InboundKind.MAIL, "surface": Surface.MAIL, "remote_id": "0@shop.example", "remote_at": scene.now}
    first, second = said("Order 1 is late", **mail), said("Order 2 is late", who="other", **mail)
    assert len(scene.hears(first, second)) == 2
    assert scene.hears(first, second, said("Order 1 is late", automatic=True, **mail)) == []
    one, two = scene.session.query(m.Message).order_by(m.Message.id)
    assert (one.text, one.remote_id) == ("Order 1 is late", "0@shop.example")
    assert two.text == "Order 2 is late"
    assert one.conversation_id != two.conversation_id


def test_a_reaction_has_no_effect(scene: Scene) -> None:
    message = scene.customer_says()
    version = scene.conversation_of(message).version
    assert scene.hears(said("⭐", remote_at=scene.now, kind=InboundKind.REACTION)) == []
    assert scene.conversation_of(message).version == version


def test_an_automatic_message_is_kept_but_nobody_waits(scene: Scene) -> None:
    (message,) = scene.hears(said("I am on holiday", remote_at=scene.now, automatic=True))
    assert scene.conversation_of(message).waiting_since is None
    assert scene.session.query(m.Wait).count() == 0


def test_who_writes_to_what_is_closed_gets_a_linked_conversation(scene: Scene) -> None:
    first = scene.conversation_of(scene.customer_says())
    inbox.close(scene.session, scene.actor(), first, scene.now)
    second = scene.conversation_of(scene.customer_says("Me again"))
    assert (second.previous_id, second.state, first.state) == (first.id, "new", "closed")


def test_what_is_resolved_comes_back_in_a_new_cycle(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    inbox.resolve(scene.session, scene.actor(), conversation, now=scene.later(minutes=1))
    scene.customer_says("It is still not here", remote_at=scene.later(minutes=1))
    assert (conversation.state, conversation.cycle) == ("open", 2)
    ends = [(w.cycle, w.is_first, w.end_kind) for w in scene.session.query(m.Wait).order_by(m.Wait.id)]
    assert ends == [(1, True, "closed_unanswered"), (2, True, None)]


def test_who_was_merged_goes_on_where_they_were_merged_to(scene: Scene) -> None:
    one = scene.conversation_of(scene.customer_says(root="one"))
    two = scene.conversation_of(scene.customer_says(root="two", remote_at=scene.later(minutes=1)))
    inbox.merge(scene.session, scene.actor(), one, into=two, now=scene.later(minutes=1))
    more = scene.customer_says("One more thing", root="one")
    assert more.conversation_id == two.id
    (open_,) = [w for w in scene.session.query(m.Wait) if w.ended_at is None]
    assert (open_.conversation_id, open_.started_at) == (two.id, scene.now - timedelta(minutes=2))


def test_a_post_of_ours_that_names_somebody_is_no_conversation(scene: Scene) -> None:
    scene.hears(echo("Thanks to @bob for the photo", remote_at=scene.now, to="bob", in_reply_to=""))
    assert scene.session.query(m.Conversation).count() == 0


def test_an_echo_heard_before_the_question_still_answers_it(scene: Scene) -> None:
    asked = scene.now
    answered = scene.later(minutes=4)
    scene.hears(echo("Yes", remote_at=answered))
    message = scene.customer_says("Open on Sunday?", remote_at=asked)
    (wait,) = scene.session.query(m.Wait).all()
    assert (wait.started_at, wait.ended_at, wait.end_kind) == (asked, answered, "answered_elsewhere")
    assert scene.conversation_of(message).waiting_since is None


def test_a_blocked_customer_reaches_nobodys_queue(scene: Scene) -> None:
    conversation = scene.conversation_of(scene.customer_says())
    conversation.identity.customer.is_blocked = True
    inbox.close(scene.session, scene.actor(), conversation, scene.now)
    again = scene.conversation_of(scene.customer_says("Hey!"))
    assert (again.state, again.waiting_since) == ("spam", None)


def test_hostile_texts_sizes_and_clocks_are_kept_within_bounds(scene: Scene) -> None:
    (message,) = scene.hears(
        said(
            "A\0B\ud800" + "x" * 300_000, remote_at=datetime(2099, 1, 1, tzinfo=UTC), subject="s" * 5000,
            author=Person("id\0-evil", "h" * 5000, "n\0" * 5000, avatar_url="javascript:alert(1)"),
            url="data:text/html,x", context={"deep\0": {"a": ["\0"]}}, root="r" * 5000,
            media=(RemoteMedia("image/png", url="javascript:x", filename="../../etc/passwd" * 99),),
        )
    )  # fmt: skip
    scene.session.commit()
    assert message.text.startswith("AB")
    assert len(message.text) <= 200_000
    assert message.remote_at == scene.now  # nobody can wait from the future
    assert (message.url, message.attachments[0].remote_url) == ("", "")
    assert scene.conversation_of(message).identity.avatar_url == ""


def test_attached_files_go_to_the_store(session: Session, now: datetime, tmp_path: Path) -> None:
    scene = make_scene(session, now)
    store = FileStore(tmp_path)
    item = RawItem("t", "k", b"")
    ingest.store_items(session, SYSTEM, [ingest.Incoming(scene.account.id, item, now)] * 2)
    raw = session.query(m.RawItem).one()
    media = (RemoteMedia("image/png", data=b"bytes", filename="photo.png", inline_id="cid1"),)
    (message,) = digest(session, SYSTEM, raw, [said("See", remote_at=now, media=media)], now, store=store)
    (attachment,) = message.attachments
    assert store.get(attachment.storage_key) == b"bytes"
    assert attachment.size == 5


def test_language_is_told_or_left_open(scene: Scene) -> None:
    told = scene.customer_says("Bonjour, ma commande n'est toujours pas arrivée, que se passe-t-il ?", language="en")
    assert told.language == "fr"
    assert scene.customer_says("ok!", root="x", language="pt-BR").language == "pt"
    assert languages.detect("👍👍👍 https://example.org/une-page-en-francais") == ""


def test_only_mail_keeps_its_html_and_without_what_could_harm(scene: Scene) -> None:
    html = '<p style="x">Hi <img src="http://track.example/1.gif"><a href="javascript:x">a</a><script>x</script></p>'
    (mail,) = scene.hears(
        said("Hi", remote_at=scene.now, kind=InboundKind.MAIL, surface=Surface.MAIL, html=html)
    )  # fmt: skip
    assert mail.html == '<p>Hi <a target="_blank" rel="noopener noreferrer nofollow ugc">a</a></p>'
    assert scene.customer_says(html="<p>x</p>", root="public").html == ""


def test_no_known_attack_survives_cleaning() -> None:
    vectors = SHARED_DATA / "html-sanitizer" / "dompurify-expect.json"
    if not vectors.exists():
        pytest.skip("the shared sanitiser vectors are not here")
    for vector in json.loads(vectors.read_text()):
        cleaned = sanitise(vector["payload"]).lower()
        tags = [part.split(">")[0] for part in cleaned.split("<")[1:]]
        for tag in tags:
            assert not any(bad in tag for bad in ("script", "<img", "svg", "style=", " on", "javascript:", "srcdoc")), (
                tag
            )


def test_after_five_failures_an_item_lies_with_its_original_among_the_dead(scene: Scene) -> None:
    item = RawItem("t", "k", b"\xff\x00broken", {"x-kind": "a"})
    ingest.store_items(scene.session, SYSTEM, [ingest.Incoming(scene.account.id, item, scene.now)])
    (raw,) = ingest.begin_waiting(scene.session, SYSTEM, scene.now, 10)
    for _ in range(ingest.TRIES):
        ingest.note_failure(scene.session, SYSTEM, raw, "cannot be read", scene.now)
    assert (raw.state, raw.body) == ("dead", b"\xff\x00broken")
    assert ingest.list_dead_letters(scene.session, scene.actor()) == []  # an agent manages no account
    assert ingest.begin_waiting(scene.session, SYSTEM, scene.later(days=9), 10) == []


def test_an_answer_we_sent_comes_back_as_nothing_new(scene: Scene) -> None:
    message = scene.customer_says()
    conversation = scene.conversation_of(message)
    out = inbox.reply(
        scene.session, scene.actor(), conversation, spec=SPEC, text="Yes", seen_through=message.id, now=scene.now
    )  # fmt: skip
    receiving.follow_delivery(scene.session, SYSTEM, scene.accept(out, "ours"), scene.now)
    scene.hears(echo("@customer Yes", remote_at=scene.now, remote_id="ours"))
    assert scene.session.query(m.Message).count() == 2


def doubted_answer(scene: Scene) -> tuple[m.Message, m.Delivery, m.Attempt]:
    """A question, and an answer to it of which nobody knows whether it arrived."""
    question = scene.customer_says()
    out = inbox.reply(
        scene.session, scene.actor(), scene.conversation_of(question), spec=SPEC, text="Yes",
        seen_through=question.id, now=scene.now,
    )  # fmt: skip
    delivery = scene.session.get_one(m.Delivery, out.delivery_id)
    delivery.state = "reconciling"
    attempt = m.Attempt(
        delivery_id=delivery.id, generation=1, fence=1, worker_id="w", idempotency_key="", prepared={},
        payload_hash=delivery.payload_hash, state="unknown", started_at=scene.now,
    )  # fmt: skip
    scene.session.add(attempt)
    scene.session.flush()
    return question, delivery, attempt


@pytest.mark.parametrize("withdrawn", [True, False])
def test_an_answer_that_was_withdrawn_in_doubt_is_taken_down_when_its_echo_proves_it(
    scene: Scene, withdrawn: bool
) -> None:
    question, delivery, _ = doubted_answer(scene)
    delivery.withdraw = withdrawn
    scene.hears(echo("@customer Yes", remote_at=scene.now, remote_id="ours", in_reply_to=question.remote_id))
    assert (delivery.state, delivery.remote_id) == ("published", "ours")
    kinds = [d.kind for d in scene.session.query(m.Delivery).filter_by(target_remote_id="ours")]
    assert kinds == (["delete"] if withdrawn else [])


@pytest.mark.parametrize(("minutes", "is_it"), [(-3, False), (-1, True), (6, True), (8, False), (180, False)])
def test_an_echo_is_a_doubted_answer_only_around_the_time_of_its_sending(
    scene: Scene, minutes: int, is_it: bool
) -> None:
    """Hours later, the same words are somebody's who wrote them again."""
    question, delivery, attempt = doubted_answer(scene)
    at = attempt.started_at + timedelta(minutes=minutes)
    scene.later(hours=4)
    scene.hears(echo("@customer Yes", remote_at=at, remote_id="ours", in_reply_to=question.remote_id))
    assert (delivery.state, delivery.remote_id) == (("published", "ours") if is_it else ("reconciling", None))


@pytest.mark.parametrize(("seen", "is_bound"), [("near", False), ("undecided", True)])
def test_where_a_look_saw_several_no_echo_decides_but_a_person(scene: Scene, seen: str, is_bound: bool) -> None:
    question, delivery, attempt = doubted_answer(scene)
    scene.session.add(m.Look(attempt_id=attempt.id, at=scene.now, result=seen, evidence={}))
    delivery.state, delivery.reason_code = "needs_human", "ambiguous"
    scene.hears(echo("@customer Yes", remote_at=scene.now, remote_id="one", in_reply_to=question.remote_id))
    if is_bound:
        assert (delivery.state, delivery.remote_id) == ("published", "one")
    else:
        assert (delivery.state, delivery.reason_code) == ("needs_human", "ambiguous")
        assert (delivery.remote_id, attempt.state) == (None, "unknown")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("@auroreair @lumenhelp  my suitcase\nwent to Oslo", "my suitcase went to Oslo"),
        ("see you @auroreair", "see you @auroreair"),
        ("@auroreair", "@auroreair"),
        ("@ " * 90, ("@ " * 90)[:159].rstrip() + "…"),
        ("", ""),
    ],
)
def test_the_list_shows_what_is_said_and_not_whom_it_addresses(text: str, shown: str) -> None:
    assert words.preview(text) == shown
