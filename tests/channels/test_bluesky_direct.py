"""Bluesky: direct messages, through the service that the account's server passes calls to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from channels.bluesky import SPEC
from channels.bluesky.xrpc import CHAT
from channels.contract import Connection, Draft, Inbound, InboundKind, RawItem, Surface, Target
from channels.errors import ChannelError, Gone, OutcomeUnknown, Rejected
from channels.rehearsal.base import Fault
from channels.rehearsal.bluesky import BlueskyNetwork
from tests.channels import lexicon
from tests.channels.bluesky_rig import APP_PASSWORD, HANDLE, BlueskyRig
from tests.channels.rig import Mailroom, sample_image, target_of

SEND = r"sendMessage"


@pytest.fixture
def rig() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: BlueskyRig) -> Connection:
    return rig.connect()


@pytest.fixture
def mailroom(rig: BlueskyRig, connection: Connection) -> Mailroom:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    return mailroom


def hear_one(rig: BlueskyRig, mailroom: Mailroom, text: str) -> Inbound:
    rig.say_directly(text)
    [heard] = mailroom.understand(mailroom.poll())
    return heard


def answer(heard: Inbound, text: str) -> Draft:
    return Draft(text, surface=Surface.DIRECT, reply_to=target_of(heard))


def test_a_sign_in_without_access_reads_no_direct_messages(rig: BlueskyRig) -> None:
    rig.network.seed_company("small.test", "Small", APP_PASSWORD, direct=False)
    connection = rig.connect(identifier="small.test")
    assert connection.settings["direct"] is False
    assert tuple(rig.reader(connection).streams) == ("notifications", "echoes")
    assert "direct" in rig.reader(rig.connect()).streams


def test_a_conversation_goes_back_and_forth(rig: BlueskyRig, connection: Connection, mailroom: Mailroom) -> None:
    heard = hear_one(rig, mailroom, "entre nous")
    assert (heard.kind, heard.surface, heard.author.handle) == (InboundKind.DIRECT, Surface.DIRECT, "ines.test")
    receipt = rig.begin(connection, answer(heard, "bien sûr")).send()
    [echo] = mailroom.understand(mailroom.poll())
    assert (echo.kind, echo.remote_id, echo.text) == (InboundKind.ECHO, receipt.remote_id, "bien sûr")
    assert echo.recipient_id == heard.author.remote_id
    assert echo.thread_root == heard.thread_root
    assert echo.in_reply_to == heard.remote_id


def test_a_public_question_can_be_taken_aside(rig: BlueskyRig, connection: Connection, mailroom: Mailroom) -> None:
    rig.say_publicly("une question")
    [heard] = mailroom.understand(mailroom.poll())
    rig.begin(connection, answer(heard, "en privé")).send()
    [entry] = rig.published()
    assert (entry["act"], entry["extra"]["to"]) == ("direct", ["ines.test"])


def test_what_cannot_be_sent_directly_is_said_beforehand(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    draft = answer(hear_one(rig, mailroom, "bonjour"), "voilà")
    for bad in (replace(draft, media=(sample_image("x"),)), replace(draft, reply_to=None)):
        with pytest.raises(Rejected):
            rig.begin(connection, bad)
    with pytest.raises(Rejected):
        rig.publisher(connection).delete("convo1/m1", {})


def test_a_message_in_doubt_is_found_and_its_absence_proves_nothing(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    draft = answer(hear_one(rig, mailroom, "bonjour"), "voilà")
    attempt = rig.begin(connection, draft)
    assert SPEC.reconciler is not None
    reconciler = SPEC.reconciler(connection, rig.wire)

    def look(since: datetime, known: frozenset[str] = frozenset()) -> Any:
        return reconciler.look(draft, attempt.prepared, attempt.key, since, known)

    rig.network.plant(Fault("reset_before", match=SEND))
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    assert (look(attempt.started_at).found, look(attempt.started_at).absent) == (None, False)
    rig.network.plant(Fault("reset_after", match=SEND))
    with pytest.raises(OutcomeUnknown):
        attempt.send()
    [entry] = rig.published()
    looked = look(attempt.started_at)
    assert looked.found.remote_id == entry["remote_id"]
    json.dumps(dict(looked.evidence))
    assert look(attempt.started_at, frozenset({entry["remote_id"]})).found is None
    assert look(datetime.now(UTC) + timedelta(minutes=10)).found is None
    attempt.send()
    twice = look(attempt.started_at)
    assert twice.found is None
    assert len(twice.candidates) == 2


def test_a_backlog_longer_than_a_page_comes_whole_and_in_order(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = [rig.say_directly(f"message {n}") for n in range(120)]
    assert [i.delivery_key for i in mailroom.poll()] == said
    assert mailroom.poll() == []


def test_deletions_and_odd_entries_are_told_apart(rig: BlueskyRig, mailroom: Mailroom) -> None:
    message = {"id": "m1", "rev": "r", "sender": {"did": "did:plc:ines"}, "sentAt": "2026-03-10T09:30:00.000Z"}
    entry = {"$type": "chat.bsky.convo.defs#logDeleteMessage", "rev": "r", "convoId": "c", "message": message}

    def parse(**changes: Any) -> list[Inbound]:
        return list(mailroom.reader.parse(RawItem("direct", "k", json.dumps({**entry, **changes}).encode())))

    [deletion] = parse()
    assert (deletion.kind, deletion.remote_id) == (InboundKind.DELETION, "c/m1")
    assert parse(**{"$type": "chat.bsky.convo.defs#logCreateMessage"}) == []
    for changes in ({"message": None}, {"convoId": 3}, {"message": {**message, "sentAt": "x"}}):
        with pytest.raises(ChannelError):
            parse(**changes)


def test_the_service_answers_in_the_shapes_of_its_lexicon(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    heard = hear_one(rig, mailroom, "bonjour")
    sent = rig.begin(connection, answer(heard, "voilà"))
    lexicon.check_shape("chat.bsky.convo.defs#messageInput", sent.prepared["message"])
    sent.send()
    head = {"Authorization": f"Bearer {connection.secrets['access']}", "atproto-proxy": CHAT}
    for method, params in {
        "chat.bsky.convo.getLog": {},
        "chat.bsky.convo.listConvos": {},
        "chat.bsky.convo.getConvo": {"convoId": heard.thread_root},
        "chat.bsky.convo.getMessages": {"convoId": heard.thread_root},
        "chat.bsky.convo.getConvoForMembers": {"members": heard.author.remote_id},
    }.items():
        url = f"{rig.server.url}/xrpc/{method}"
        found = requests.get(url, params, headers=head, timeout=5)
        assert found.status_code == 200, found.text
        lexicon.check_answer(method, found.json())
        del found
        astray = requests.get(url, params, headers={"Authorization": head["Authorization"]}, timeout=5)
        assert (astray.status_code, astray.json()["error"]) == (501, "MethodNotImplemented")


def test_a_stranger_cannot_read_a_conversation(rig: BlueskyRig, mailroom: Mailroom) -> None:
    heard = hear_one(rig, mailroom, "secret")
    rig.network.seed_company("other.test", "Other", APP_PASSWORD)
    other = rig.connect(identifier="other.test")
    target = Target(heard.remote_id, heard.author.remote_id, "", heard.thread_root, Surface.DIRECT, heard.context)
    with pytest.raises(ChannelError) as caught:
        rig.begin(other, Draft("?", surface=Surface.DIRECT, reply_to=target)).send()
    assert not isinstance(caught.value, Gone)
    assert Mailroom(rig.reader(other)).poll() == []
    assert isinstance(rig.network, BlueskyNetwork)
    assert HANDLE not in {e["account"] for e in rig.published()}
