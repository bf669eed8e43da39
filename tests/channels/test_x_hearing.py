"""What X hands over is heard once, in order, and understood; what is forged is not."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from queue import Queue

import pytest
import requests
from flask import Flask, request
from werkzeug.serving import make_server

from channels.contract import (
    AppKeys,
    Connection,
    InboundKind,
    RawItem,
    Receiver,
)
from channels.errors import Forged, Malformed, OutcomeUnknown
from channels.rehearsal.base import Fault
from channels.rehearsal.x import API_SECRET
from channels.rehearsal.x.webhooks import sign
from channels.x import SPEC, shapes
from tests.channels.rig import target_of
from tests.channels.x_rig import XRig, a_mailroom, company, heard


@pytest.fixture
def rig() -> Iterator[XRig]:
    with XRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: XRig) -> Connection:
    return rig.connect()


def test_after_an_outage_everything_is_heard_once_and_oldest_first(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    said = [rig.network.say(f"client{i % 7}", f"question {i}", to="acme")["id"] for i in range(250)]
    items = [i for i in mailroom.poll() if i.stream == "mentions"]
    assert [i.delivery_key for i in items] == said
    assert mailroom.poll() == []
    said.append(rig.network.say("client1", "encore", to="acme")["id"])
    assert [i.delivery_key for i in mailroom.poll()] == said[-1:]


def test_a_crash_between_two_pages_loses_nothing(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    said = [rig.network.say("ines", f"question {i}", to="acme")["id"] for i in range(150)]
    rig.network.plant(Fault("reset_before", match="GET /2/users/.*/mentions", times=1))
    with pytest.raises(OutcomeUnknown):
        mailroom.poll()
    assert [i.delivery_key for i in mailroom.poll() if i.stream == "mentions"] == said


def test_what_x_does_not_hand_out_any_more_is_said(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    for i in range(850):
        rig.network.say("ines", f"question {i}", to="acme")
    page = rig.reader(connection).poll("mentions", mailroom.cursors["mentions"])
    assert len(page.items) == 800
    assert page.gap is not None
    assert "800" in page.gap.reason


def test_a_post_that_becomes_readable_late_is_not_missed(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    late = rig.network.say("ines", "je tarde", to="acme")
    late["visible_at"] = time.time() + 60
    soon = rig.network.say("paul", "me voici", to="acme")
    assert set(heard(mailroom)) == {soon["id"]}
    late["visible_at"] = 0
    assert set(heard(mailroom)) == {late["id"]}
    assert heard(mailroom) == {}


def test_a_quote_is_heard_and_may_be_answered(rig: XRig, connection: Connection) -> None:
    ours = rig.begin(connection, rig.draft("Nouveau magasin")).send()
    mailroom = a_mailroom(rig, connection)
    rig.network.say("ines", "Trop loin pour moi", quote=ours.remote_id)
    [quote] = [i for i in heard(mailroom).values() if i.kind is InboundKind.QUOTE]
    assert quote.can_reply
    assert quote.above is not None
    assert quote.above.text == "Nouveau magasin"
    rig.begin(connection, rig.draft("Venez en train", reply_to=target_of(quote))).send()
    assert rig.published()[-1]["extra"]["to"] == ["ines"]


def test_an_edit_is_a_newer_version_and_is_answered_in_it(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    first = rig.network.say("ines", "ou est mon coli", to="acme")
    assert heard(mailroom)[first["id"]].edited_at is None
    second = rig.network.say("ines", "où est mon colis ?", edit=first["id"])
    edited = heard(mailroom)[first["id"]]
    assert edited.text == "@acme où est mon colis ?"
    assert edited.edited_at is not None
    assert edited.remote_at <= edited.edited_at
    rig.begin(connection, rig.draft("Il arrive", reply_to=target_of(edited))).send()
    assert rig.published()[-1]["in_reply_to"] == second["id"]


def test_an_answer_given_in_xs_own_app_is_heard_as_an_echo(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    question = rig.network.say("ines", "une question", to="acme")
    heard(mailroom)
    answer = rig.network.publish(company(rig), "Répondu depuis le téléphone", in_reply_to=question)
    echo = heard(mailroom)[answer["id"]]
    assert echo.kind is InboundKind.ECHO
    assert echo.recipient_id == question["author_id"]
    assert (echo.in_reply_to, echo.thread_root) == (question["id"], question["id"])


def test_our_direct_message_is_an_echo_to_its_recipient(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    question = rig.network.say("ines", "entre nous", to="acme", direct=True)
    heard(mailroom)
    sent = rig.network.message(company(rig), rig.network.person(question["sender_id"]), "d'accord")
    echo = heard(mailroom)[sent["id"]]
    assert (echo.kind, echo.recipient_id) == (InboundKind.ECHO, question["sender_id"])
    assert echo.thread_root == question["dm_conversation_id"]


def test_links_and_pictures_of_a_customer_are_understood(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    author = rig.network.find_person(rig.network.say("ines", "bonjour") and "ines")
    media = {"id": "77", "media_key": "3_77", "mime": "image/jpeg", "sha256": "00", "alt": "Un colis abîmé"}
    rig.network.store.put("media", "77", media)
    said = rig.network.publish(author, "@acme regardez https://example.com/p?a=1&b=2 !", media=[media])
    message = heard(mailroom)[said["id"]]
    assert message.text == "@acme regardez https://example.com/p?a=1&b=2 !"
    assert [(m.mime, m.alt, bool(m.url)) for m in message.media] == [("image/jpeg", "Un colis abîmé", True)]


def test_who_did_not_mention_us_cannot_be_answered() -> None:
    tweet = {"id": "20", "author_id": "1", "text": "bonjour", "conversation_id": "20"}
    message = shapes.post_of(tweet, shapes.Includes({}), "2")
    assert (message.can_reply, message.cannot_reply_reason) == (False, shapes.NOT_ENGAGED)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"item": {"id": "x"}}', b'{"item": {"id": "1", "author_id": "2"}}', b"\xff"]
)
@pytest.mark.parametrize("stream", ["mentions", "direct", "own", "quotes"])
def test_what_cannot_be_understood_is_malformed(rig: XRig, connection: Connection, stream: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        rig.reader(connection).parse(RawItem(stream, "k", body))


# ---------------------------------------------------------------- webhooks


def a_receiver(connection: Connection) -> Receiver:
    assert SPEC.receiver is not None
    return SPEC.receiver(connection)


def test_the_challenge_is_answered_and_nothing_else_is(connection: Connection) -> None:
    receiver = a_receiver(connection)
    assert receiver.challenge({"crc_token": "abc"}) == {"response_token": sign(API_SECRET, b"abc")}
    assert receiver.challenge({"hub.challenge": "abc"}) is None


def test_only_what_x_signed_is_taken(connection: Connection) -> None:
    receiver, body = a_receiver(connection), json.dumps({"for_user_id": connection.remote_id}).encode()
    signature = sign(API_SECRET, body)
    item = receiver.verify({"x-twitter-webhooks-signature": signature, "content-type": "application/json"}, body)
    assert item.body == body
    assert item.headers == {"content-type": "application/json"}
    for headers, altered in (
        ({"x-twitter-webhooks-signature": signature}, body + b" "),
        ({"x-twitter-webhooks-signature": sign("other", body)}, body),
        ({"x-twitter-webhooks-signature": "é"}, body),
        ({}, body),
    ):
        with pytest.raises(Forged):
            receiver.verify(headers, altered)


def test_what_x_signed_for_another_account_of_ours_is_not_taken(connection: Connection) -> None:
    receiver, body = a_receiver(connection), json.dumps({"for_user_id": "4711"}).encode()
    with pytest.raises(Forged) as refused:
        receiver.verify({"x-twitter-webhooks-signature": sign(API_SECRET, body)}, body)
    assert refused.value.detail == "the delivery is for another account"
    broken = b"[" * 50_000
    assert receiver.verify({"x-twitter-webhooks-signature": sign(API_SECRET, broken)}, broken).body == broken


def test_without_keys_nothing_is_taken(connection: Connection) -> None:
    receiver = a_receiver(replace(connection, app=AppKeys()))
    assert receiver.challenge({"crc_token": "abc"}) is None
    with pytest.raises(Forged):
        receiver.verify({"x-twitter-webhooks-signature": sign("", b"x")}, b"x")


def test_what_is_pushed_is_understood_as_what_is_polled(rig: XRig, connection: Connection) -> None:
    receiver, reader, taken = a_receiver(connection), rig.reader(connection), Queue[RawItem]()
    hook = Flask("hook")
    hook.add_url_rule("/hook", "crc", lambda: receiver.challenge(request.args))
    hook.add_url_rule("/hook", "take", lambda: _take(receiver, taken), methods=["POST"])
    with Serving(hook) as address:
        registered = requests.post(
            f"{rig.server.url}/_rehearsal/webhook", json={"url": f"{address}/hook", "account": "acme"}, timeout=5
        )
        assert registered.status_code == 201, registered.text
        mailroom = a_mailroom(rig, connection)
        ours = rig.begin(connection, rig.draft("Ouvert dimanche")).send()
        [echo] = reader.parse(taken.get(timeout=3))
        above = rig.network.say("paul", "chouette", in_reply_to=ours.remote_id)
        taken.get(timeout=3)
        said = rig.network.say("ines", "à quelle heure & où ? https://example.com/x", in_reply_to=above["id"])
        [pushed] = reader.parse(taken.get(timeout=3))
        polled = heard(mailroom)
        secret = rig.network.say("ines", "entre nous & vous", to="acme", direct=True)
        [direct] = reader.parse(taken.get(timeout=3))
        rig.network.say("ines", "", delete=said["id"])
        [gone] = reader.parse(taken.get(timeout=3))
    assert (echo.kind, echo.remote_id) == (InboundKind.ECHO, ours.remote_id)
    assert pushed.thread_root == ours.remote_id
    same = ("remote_id", "kind", "text", "author", "in_reply_to", "remote_at", "can_reply", "thread_root", "context")
    for name in same:
        assert getattr(pushed, name) == getattr(polled[said["id"]], name), name
    assert (direct.kind, direct.remote_id, direct.text) == (InboundKind.DIRECT, secret["id"], "entre nous & vous")
    assert (gone.kind, gone.remote_id) == (InboundKind.DELETION, said["id"])


def _take(receiver: Receiver, taken: Queue[RawItem]) -> str:
    taken.put(receiver.verify({k.lower(): v for k, v in request.headers.items()}, request.get_data()))
    return ""


class Serving:
    """A Flask application on loopback."""

    def __init__(self, app: Flask) -> None:
        self._server = make_server("127.0.0.1", 0, app, threaded=True)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
