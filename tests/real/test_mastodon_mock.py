"""A company and its customer on a server of Mastodon's API that is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import requests

from channels.contract import AppKeys, Connection, Draft, Inbound, InboundKind, Surface
from channels.errors import AuthExpired, Gone, OutcomeUnknown, RateLimited, Rejected
from channels.mastodon import SPEC
from channels.wire import AddressPolicy, Wire
from tests.channels.rig import Mailroom, connection_from, sample_image, target_of
from tests.real.mastodon_server import Customer, consent, mastodon_server

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]
REDIRECT = "https://guichet.example/connect/mastodon"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mastodon_server(tmp_path_factory.mktemp("mastodon")) as url:
        yield url


@pytest.fixture
def wire(url: str) -> Wire:
    return Wire(policy=AddressPolicy((urlsplit(url).netloc,)))


@pytest.fixture
def company(url: str, wire: Wire) -> Connection:
    connector = SPEC.connector(AppKeys(), wire)
    begun = connector.begin({"instance": url}, REDIRECT, "state")
    connected = connector.complete(begun.memory, consent(begun.authorize_url, "guichet"))
    return connection_from(SPEC, connected, AppKeys())


@pytest.fixture
def customer(url: str) -> Customer:
    return Customer(url)


@pytest.fixture
def mailroom(company: Connection, wire: Wire) -> Mailroom:
    """Caught up with whatever earlier tests left."""
    assert SPEC.reader is not None
    mailroom = Mailroom(SPEC.reader(company, wire))
    mailroom.poll()
    return mailroom


def publish(company: Connection, wire: Wire, draft: Draft):
    publisher = SPEC.publisher(company, wire)
    return publisher.send(draft, publisher.prepare(draft), publisher.new_key(datetime.now(UTC)))


def heard(mailroom: Mailroom) -> list[Inbound]:
    return [i for i in mailroom.understand(mailroom.poll()) if i.kind is not InboundKind.ECHO]


def test_the_whole_round(company: Connection, wire: Wire, customer: Customer, mailroom: Mailroom) -> None:
    assert company.handle.startswith("guichet@")
    image = sample_image("Un carré bleu")
    post = publish(company, wire, Draft("Nouveaux horaires dès lundi", media=(image,), language="fr"))
    shown = requests.get(f"{customer.url}/api/v1/statuses/{post.remote_id}", timeout=5).json()
    assert [m["description"] for m in shown["media_attachments"]] == ["Un carré bleu"]
    assert shown["language"] == "fr"

    asked = customer.write("@guichet Et le samedi ?\n\nMerci & à bientôt", in_reply_to_id=post.remote_id)
    [question] = heard(mailroom)
    assert heard(mailroom) == []
    assert (question.remote_id, question.kind) == (asked["id"], InboundKind.REPLY)
    assert question.thread_root == post.remote_id
    assert question.text == "@guichet Et le samedi ?\n\nMerci & à bientôt"
    assert question.author.handle.startswith("ines@")
    assert question.above is not None
    assert question.above.remote_id == post.remote_id

    target = target_of(question)
    answer = publish(company, wire, Draft("De 10 h à 18 h.", surface=target.surface, reply_to=target))
    assert answer.remote_id in [s["id"] for s in customer.thread(asked["id"])["descendants"]]
    told = customer.notifications()[0]
    assert (told["type"], told["status"]["id"]) == ("mention", answer.remote_id)
    assert told["status"]["in_reply_to_id"] == asked["id"]
    assert [m["username"] for m in told["status"]["mentions"]] == ["ines"]

    publisher = SPEC.publisher(company, wire)
    publisher.delete(answer.remote_id, answer.context)
    assert customer.thread(asked["id"])["descendants"] == []
    with pytest.raises(Gone):
        publisher.delete(answer.remote_id, answer.context)


def test_a_mention_out_of_the_blue_starts_a_thread_of_its_own(customer: Customer, mailroom: Mailroom) -> None:
    asked = customer.write("@guichet bonjour")
    [mention] = heard(mailroom)
    assert (mention.kind, mention.thread_root, mention.surface) == (InboundKind.MENTION, asked["id"], Surface.PUBLIC)


def test_a_direct_message_is_answered_directly(
    company: Connection, wire: Wire, customer: Customer, mailroom: Mailroom
) -> None:
    customer.write("@guichet entre nous", visibility="direct")
    found = {i.remote_id: i for i in heard(mailroom)}
    [question] = found.values()
    assert question.surface is Surface.DIRECT
    target = target_of(question)
    answer = publish(company, wire, Draft("bien sûr", surface=target.surface, reply_to=target))
    seen = customer.notifications()[0]["status"]
    assert (seen["id"], seen["visibility"]) == (answer.remote_id, "direct")


def test_an_edit_and_a_deletion_by_the_customer_are_noticed(customer: Customer, mailroom: Mailroom) -> None:
    first = customer.write("@guichet avant")
    assert [i.remote_id for i in heard(mailroom)] == [first["id"]]
    customer.edit(first["id"], "@guichet après")
    [edited] = heard(mailroom)
    assert (edited.remote_id, edited.text) == (first["id"], "@guichet après")
    assert edited.edited_at is not None
    customer.delete(first["id"])
    [deleted] = heard(mailroom)
    assert (deleted.remote_id, deleted.kind) == (first["id"], InboundKind.DELETION)
    assert heard(mailroom) == []


def test_our_own_edit_is_published(company: Connection, wire: Wire, customer: Customer) -> None:
    post = publish(company, wire, Draft("faute de frape"))
    SPEC.publisher(company, wire).edit(post.remote_id, Draft("faute de frappe"), {})
    shown = requests.get(f"{customer.url}/api/v1/statuses/{post.remote_id}", timeout=5).json()
    assert "faute de frappe" in shown["content"]
    assert shown["edited_at"]


def test_the_same_key_again_is_the_same_status(company: Connection, wire: Wire) -> None:
    publisher = SPEC.publisher(company, wire)
    draft, key = Draft("une seule fois"), publisher.new_key(datetime.now(UTC))
    assert publisher.send(draft, {}, key).remote_id == publisher.send(draft, {}, key).remote_id


def test_a_lost_answer_is_found_and_a_refused_send_is_absent(company: Connection, wire: Wire, url: str) -> None:
    reconciler, publisher = SPEC.reconciler(company, wire), SPEC.publisher(company, wire)
    sent, began = Draft("perdu de vue"), datetime.now(UTC)
    receipt = publisher.send(sent, {}, "")
    found = reconciler.look(sent, {}, "", began, frozenset()).found
    assert found is not None
    assert (found.remote_id, found.url) == (receipt.remote_id, receipt.url)
    assert reconciler.look(sent, {}, "", began, frozenset({receipt.remote_id})).absent
    _plant(url, {"type": "status", "status": 503})
    unsent, began = Draft("jamais parti"), datetime.now(UTC)
    with pytest.raises(OutcomeUnknown):
        publisher.send(unsent, {}, "")
    assert reconciler.look(unsent, {}, "", began, frozenset()).absent


def _plant(url: str, effect: dict[str, object]) -> None:
    match = {"methods": ["POST"], "path": "/api/v1/statuses"}
    rule = {"match": match, "effect": effect, "count": 1}
    requests.post(f"{url}/api/v1/_mock/faults", json=rule, timeout=5).raise_for_status()


def test_too_many_requests_says_until_when(company: Connection, wire: Wire, url: str) -> None:
    _plant(url, {"type": "ratelimit"})
    with pytest.raises(RateLimited) as limited:
        publish(company, wire, Draft("doucement"))
    assert limited.value.retry_at is not None


def test_what_the_server_refuses_is_refused(company: Connection, wire: Wire) -> None:
    with pytest.raises(Rejected):
        publish(company, wire, Draft("x" * 501))
    with pytest.raises(Rejected):
        publish(company, wire, Draft(""))


def test_a_revoked_token_is_told_apart(company: Connection, wire: Wire) -> None:
    dead = replace(company, secrets={"access_token": "revoked"})
    with pytest.raises(AuthExpired):
        SPEC.connector(AppKeys(), wire).check(dead)
    with pytest.raises(AuthExpired):
        publish(dead, wire, Draft("personne"))
