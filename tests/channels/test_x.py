"""X keeps the contract, signed in either way."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from queue import Queue
from typing import Any

import pytest
import requests
from flask import Flask, request
from werkzeug.serving import make_server

from channels.contract import (
    AppKeys,
    Connection,
    Draft,
    Inbound,
    InboundKind,
    Looked,
    MediaItem,
    RawItem,
    Receiver,
    Surface,
    Target,
)
from channels.errors import Forged, Gone, Malformed, OutcomeUnknown, RateLimited, Rejected
from channels.limits import problems
from channels.rehearsal.base import Fault
from channels.rehearsal.x import API_SECRET
from channels.rehearsal.x.webhooks import sign
from channels.x import SPEC, shapes
from channels.x.walk import walk
from tests.channels.contract_rows import ContractRows
from tests.channels.rig import Mailroom, Rig, sample_image, target_of
from tests.channels.x_rig import XRig, XRigOAuth1


class TestXKeepsTheContract(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRig() as rig:
            yield rig


class TestXKeepsTheContractWithOAuth1(ContractRows):
    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        with XRigOAuth1() as rig:
            yield rig


@pytest.fixture
def rig() -> Iterator[XRig]:
    with XRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: XRig) -> Connection:
    return rig.connect()


def company(rig: XRig) -> Any:
    return rig.network.find_person("acme")


def heard(rig: XRig, mailroom: Mailroom) -> dict[str, Inbound]:
    return {i.remote_id: i for i in mailroom.understand(mailroom.poll())}


def a_mailroom(rig: XRig, connection: Connection) -> Mailroom:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    return mailroom


# ---------------------------------------------------------------- sending


def test_a_thread_hangs_together(rig: XRig, connection: Connection) -> None:
    first = rig.begin(connection, rig.draft("1/2 Nous déménageons")).send()
    above = Target(first.remote_id, connection.remote_id, "acme", first.remote_id, Surface.PUBLIC)
    rig.begin(connection, rig.draft("2/2 Voici l'adresse", reply_to=above)).send()
    one, two = rig.published()
    assert (one["act"], two["act"]) == ("post", "post")
    assert two["in_reply_to"] == one["remote_id"]
    assert two["extra"]["to"] == []


def test_an_answer_reaches_the_one_it_answers_and_nobody_else(rig: XRig, connection: Connection) -> None:
    for bystander in ("paul", "lea"):
        rig.network.say(bystander, "bonjour")
    mailroom = a_mailroom(rig, connection)
    rig.network.say("ines", "@acme @paul @lea @acme_fr où est mon colis ?")
    [question] = heard(rig, mailroom).values()
    rig.begin(connection, rig.draft("Il arrive", reply_to=target_of(question))).send()
    assert rig.published()[0]["extra"]["to"] == ["ines"]


def test_four_images_go_out_in_their_order(rig: XRig, connection: Connection) -> None:
    images = tuple(sample_image(f"n° {i}", width=8 + i) for i in range(4))
    rig.begin(connection, rig.draft("quatre", media=images)).send()
    sent = rig.published()[0]["media"]
    assert [(m["alt"], m["sha256"], m["mime"]) for m in sent] == [(i.alt, i.sha256, i.mime) for i in images]


def test_a_file_is_sent_in_chunks(rig: XRig, connection: Connection) -> None:
    body = bytes(range(256)) * 18_000  # 4.6 MB: more than one chunk
    image = MediaItem(sha256(body).hexdigest(), "image/png", len(body), "grand.png", "", lambda: body)
    rig.begin(connection, rig.draft("grand", media=(image,)), rig.make_wire(read_timeout=10.0, deadline=10.0)).send()
    assert rig.published()[0]["media"][0]["sha256"] == image.sha256


def test_a_video_is_awaited_until_it_can_be_attached() -> None:
    with XRig(processing=1.2) as rig:
        body = b"not really a film"
        film = MediaItem(sha256(body).hexdigest(), "video/mp4", len(body), "f.mp4", "Un film", lambda: body)
        rig.begin(rig.connect(), rig.draft("à voir", media=(film,))).send()
        assert [m["mime"] for m in rig.published()[0]["media"]] == ["video/mp4"]


def test_the_same_text_again_is_a_doubt_and_not_a_failure(rig: XRig, connection: Connection) -> None:
    rig.begin(connection, rig.draft("Bonne année !")).send()
    with pytest.raises(OutcomeUnknown) as caught:
        rig.begin(connection, rig.draft("Bonne année !")).send()
    assert (caught.value.code, caught.value.status) == ("duplicate", 403)


def test_an_answer_to_somebody_who_did_not_address_us_is_refused(rig: XRig, connection: Connection) -> None:
    stranger = rig.network.say("marc", "quelqu'un connaît une bonne marque ?")
    target = Target(stranger["id"], stranger["author_id"], "marc", stranger["id"], Surface.PUBLIC)
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, rig.draft("Nous !", reply_to=target)).send()
    assert caught.value.code == "reply_not_allowed"
    assert rig.published() == []


def test_what_is_too_long_is_refused_by_x_as_we_foresaw(rig: XRig, connection: Connection) -> None:
    limits, text = rig.spec.limits, "é" * 258 + " https://example.com/une/adresse"
    assert [p.name for p in problems(text, (), limits, Surface.PUBLIC)] == ["text_too_long"]
    with pytest.raises(Rejected):
        rig.begin(connection, rig.draft(text)).send()
    rig.begin(connection, rig.draft(text[2:])).send()
    assert len(rig.published()) == 1


def test_a_message_needs_somebody_to_write_to(rig: XRig, connection: Connection) -> None:
    with pytest.raises(Rejected) as caught:
        rig.begin(connection, rig.draft("à qui ?", surface=Surface.DIRECT)).send()
    assert caught.value.code == "no_addressee"


def test_a_direct_message_is_taken_back(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    rig.say_directly("Une question")
    [question] = heard(rig, mailroom).values()
    draft = rig.draft("La mauvaise réponse", surface=Surface.DIRECT, reply_to=target_of(question))
    receipt = rig.begin(connection, draft).send()
    publisher = rig.publisher(connection)
    publisher.delete(receipt.remote_id, receipt.context)
    assert rig.network.ledger()[-1]["act"] == "delete"
    assert looked(rig, connection, draft).absent
    with pytest.raises(Gone):
        publisher.delete(receipt.remote_id, receipt.context)


@pytest.mark.parametrize(("text", "amount"), [("Bonjour", 0.015), ("Voir https://example.com", 0.20)])
def test_the_price_is_known_before_sending(text: str, amount: float) -> None:
    cost = SPEC.cost(Draft(text)) if SPEC.cost else None
    assert cost is not None
    assert (cost.amount, cost.currency) == (amount, "USD")


def test_the_limit_of_the_whole_application_is_told_apart() -> None:
    with XRig(posts_a_day=1) as rig:
        connection = rig.connect()
        rig.begin(connection, rig.draft("un")).send()
        with pytest.raises(RateLimited) as caught:
            rig.begin(connection, rig.draft("deux")).send()
    assert caught.value.scope == "app"
    assert caught.value.retry_at is not None
    assert caught.value.retry_at > datetime.now(UTC)


# ---------------------------------------------------------------- finding out


def looked(rig: XRig, connection: Connection, draft: Draft, known: frozenset[str] = frozenset()) -> Looked:
    reconciler = SPEC.reconciler(connection, rig.wire) if SPEC.reconciler else None
    assert reconciler is not None
    return reconciler.look(draft, {}, "", datetime.now(UTC) - timedelta(seconds=2), known)


def test_two_posts_that_could_be_it_are_put_before_a_person(rig: XRig, connection: Connection) -> None:
    for _ in range(2):
        rig.network.publish(company(rig), "Deux fois le même")
    found = looked(rig, connection, Draft("Deux fois le même"))
    assert (found.found, found.absent, len(found.candidates)) == (None, False, 2)


def test_a_post_with_other_media_is_a_candidate_only(rig: XRig, connection: Connection) -> None:
    rig.network.publish(company(rig), "Avec ou sans image")
    found = looked(rig, connection, Draft("Avec ou sans image", media=(sample_image("une"),)))
    assert (found.found, found.absent, len(found.candidates)) == (None, False, 1)


def test_a_post_of_another_time_is_not_it(rig: XRig, connection: Connection) -> None:
    old = rig.network.publish(company(rig), "Bonjour")
    for name in ("created_at",):
        old[name] = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    assert looked(rig, connection, Draft("Bonjour")).absent


@pytest.mark.parametrize(
    "text",
    [
        "Lisez https://example.com/une/très/longue/adresse?x=1&y=2 et example.com, vite !",
        "a < b & c > d « déjà » 👩‍🚀",
        "Deux\nlignes\n\n  et des espaces  ",
        "e\u0301crit en lettres décomposées",
        "@acme_fr commence par une mention",
    ],
)
def test_a_text_is_recognised_however_x_hands_it_back(rig: XRig, connection: Connection, text: str) -> None:
    attempt = rig.begin(connection, rig.draft(text, media=(sample_image("i"),)))
    rig.plant("reset_after")
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    found = looked(rig, connection, attempt.draft).found
    assert found is not None
    assert found.remote_id == rig.published()[0]["remote_id"]


@pytest.mark.parametrize(("effect", "is_there"), [("reset_after", True), ("reset_before", False)])
@pytest.mark.parametrize("way", ["publicly", "directly"])
def test_a_lost_answer_is_found_or_proved_absent(
    rig: XRig, connection: Connection, effect: str, is_there: bool, way: str
) -> None:
    mailroom = a_mailroom(rig, connection)
    (rig.say_publicly if way == "publicly" else rig.say_directly)("Une question")
    [question] = heard(rig, mailroom).values()
    draft = rig.draft("La réponse", surface=question.surface, reply_to=target_of(question))
    attempt = rig.begin(connection, draft)
    rig.plant(effect)
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    result = looked(rig, connection, draft)
    assert (result.found is not None, result.absent) == (is_there, not is_there)


def test_what_lies_beyond_our_reading_is_not_called_absent(rig: XRig, connection: Connection) -> None:
    ines = rig.network.person(rig.network.say("ines", "bonjour", to="acme", direct=True)["sender_id"])
    target = Target("1", ines["id"], "ines", "", Surface.DIRECT)
    attempt = rig.begin(connection, rig.draft("avant le flot", surface=Surface.DIRECT, reply_to=target))
    attempt.send()
    for i in range(1000):
        rig.network.message(ines, company(rig), f"n° {i}")
    patient = rig.make_wire(read_timeout=10.0, deadline=10.0)
    assert SPEC.reconciler is not None
    result = SPEC.reconciler(connection, patient).look(attempt.draft, {}, "", attempt.started_at, frozenset())
    assert (result.found, result.absent) == (None, False)
    assert result.evidence["complete"] is False


def test_a_walk_that_ends_early_says_so() -> None:
    def fetch(token: str | None) -> requests.Response:
        first = 900 - 100 * int(token or 0)
        body = {
            "data": [{"id": str(i), "text": "x"} for i in range(first, first - 100, -1)],
            "meta": {"next_token": str(int(token or 0) + 1)},
        }
        response = requests.Response()
        response.status_code, response._content = 200, json.dumps(body).encode()
        return response

    assert not walk(fetch, down_to=0, most=300).is_complete
    assert len(walk(fetch, down_to=0, most=300).items) == 300
    assert walk(fetch, down_to=650, most=300).is_complete


# ---------------------------------------------------------------- hearing


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
    assert set(heard(rig, mailroom)) == {soon["id"]}
    late["visible_at"] = 0
    assert set(heard(rig, mailroom)) == {late["id"]}
    assert heard(rig, mailroom) == {}


def test_a_quote_is_heard_and_may_be_answered(rig: XRig, connection: Connection) -> None:
    ours = rig.begin(connection, rig.draft("Nouveau magasin")).send()
    mailroom = a_mailroom(rig, connection)
    rig.network.say("ines", "Trop loin pour moi", quote=ours.remote_id)
    [quote] = [i for i in heard(rig, mailroom).values() if i.kind is InboundKind.QUOTE]
    assert quote.can_reply
    assert quote.above is not None
    assert quote.above.text == "Nouveau magasin"
    rig.begin(connection, rig.draft("Venez en train", reply_to=target_of(quote))).send()
    assert rig.published()[-1]["extra"]["to"] == ["ines"]


def test_an_edit_is_a_newer_version_and_is_answered_in_it(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    first = rig.network.say("ines", "ou est mon coli", to="acme")
    assert heard(rig, mailroom)[first["id"]].edited_at is None
    second = rig.network.say("ines", "où est mon colis ?", edit=first["id"])
    edited = heard(rig, mailroom)[first["id"]]
    assert edited.text == "@acme où est mon colis ?"
    assert edited.edited_at is not None
    assert edited.remote_at <= edited.edited_at
    rig.begin(connection, rig.draft("Il arrive", reply_to=target_of(edited))).send()
    assert rig.published()[-1]["in_reply_to"] == second["id"]


def test_an_answer_given_in_xs_own_app_is_heard_as_an_echo(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    question = rig.network.say("ines", "une question", to="acme")
    heard(rig, mailroom)
    answer = rig.network.publish(company(rig), "Répondu depuis le téléphone", in_reply_to=question)
    echo = heard(rig, mailroom)[answer["id"]]
    assert echo.kind is InboundKind.ECHO
    assert echo.recipient_id == question["author_id"]
    assert (echo.in_reply_to, echo.thread_root) == (question["id"], question["id"])


def test_our_direct_message_is_an_echo_to_its_recipient(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    question = rig.network.say("ines", "entre nous", to="acme", direct=True)
    heard(rig, mailroom)
    sent = rig.network.message(company(rig), rig.network.person(question["sender_id"]), "d'accord")
    echo = heard(rig, mailroom)[sent["id"]]
    assert (echo.kind, echo.recipient_id) == (InboundKind.ECHO, question["sender_id"])
    assert echo.thread_root == question["dm_conversation_id"]


def test_links_and_pictures_of_a_customer_are_understood(rig: XRig, connection: Connection) -> None:
    mailroom = a_mailroom(rig, connection)
    author = rig.network.find_person(rig.network.say("ines", "bonjour") and "ines")
    media = {"id": "77", "media_key": "3_77", "mime": "image/jpeg", "sha256": "00", "alt": "Un colis abîmé"}
    rig.network.store.put("media", "77", media)
    said = rig.network.publish(author, "@acme regardez https://example.com/p?a=1&b=2 !", media=[media])
    message = heard(rig, mailroom)[said["id"]]
    assert message.text == "@acme regardez https://example.com/p?a=1&b=2 !"
    assert [(m.mime, m.alt, bool(m.url)) for m in message.media] == [("image/jpeg", "Un colis abîmé", True)]


def test_who_did_not_mention_us_cannot_be_answered() -> None:
    tweet = {"id": "20", "author_id": "1", "text": "bonjour", "conversation_id": "20"}
    message = shapes.post_of(tweet, shapes.Includes({}), "2")
    assert (message.can_reply, message.cannot_reply_reason) == (False, "x_not_mentioned_or_quoted")


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
    receiver, body = a_receiver(connection), b'{"for_user_id": "1"}'
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
        polled = heard(rig, mailroom)
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
