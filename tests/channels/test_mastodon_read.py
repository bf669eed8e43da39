"""Hearing customers on an instance: nothing lost, nothing twice, each in its thread."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.contract import Connection, Draft, Inbound, InboundKind, RawItem, Surface
from channels.errors import ChannelError, Malformed
from channels.mastodon import SPEC
from channels.mastodon.read import LOOK_BACK, MastodonReader
from channels.rehearsal.base import Fault
from channels.rehearsal.mastodon import MastodonNetwork, Ways
from channels.wire import Wire
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.real_data import real_data
from tests.channels.rig import Mailroom, target_of


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    with MastodonRig() as rig:
        yield rig


@pytest.fixture
def connection(rig: MastodonRig) -> Connection:
    return rig.connect()


@pytest.fixture
def mailroom(rig: MastodonRig, connection: Connection) -> Mailroom:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    return mailroom


def network(rig: MastodonRig) -> MastodonNetwork:
    assert isinstance(rig.network, MastodonNetwork)
    return rig.network


def heard(mailroom: Mailroom) -> list[Inbound]:
    return mailroom.understand(mailroom.poll())


# -- complete, once, in order


@pytest.mark.parametrize("ways", [Ways(), Ways(ids="ulid"), Ways(honours_min_id=False)], ids=["", "ulid", "no min_id"])
def test_a_rush_arrives_whole_in_order_and_once(ways: Ways) -> None:
    with MastodonRig(ways) as rig:
        connection = rig.connect()
        mailroom = Mailroom(rig.reader(connection))
        rig.say_publicly("avant")
        mailroom.poll()
        count = 35 if not ways.honours_min_id else 95
        ids = [rig.say_publicly(f"question {n}") for n in range(count)]
        assert [i.remote_id for i in heard(mailroom)] == ids
        assert mailroom.poll() == []


def test_the_first_poll_looks_back_a_little_and_no_further(rig: MastodonRig, connection: Connection) -> None:
    old, recent = rig.say_publicly("hier"), rig.say_publicly("à l'instant")
    for notification in network(rig).store.all("notification", lambda n: n["status"] == old):
        notification["created_at"] = (datetime.now(UTC) - LOOK_BACK - timedelta(minutes=1)).isoformat()
    assert [i.remote_id for i in heard(Mailroom(rig.reader(connection)))] == [recent]


def test_a_poll_that_failed_is_made_up_for(rig: MastodonRig, mailroom: Mailroom) -> None:
    remote_id = rig.say_publicly("pendant la panne")
    network(rig).plant(Fault("status_before", match="notifications", status=502))
    with pytest.raises(ChannelError):
        mailroom.poll()
    assert [i.remote_id for i in heard(mailroom)] == [remote_id]


def test_an_unknown_stream_is_refused(rig: MastodonRig, connection: Connection) -> None:
    with pytest.raises(ValueError, match="weather"):
        rig.reader(connection).poll("weather", None)


# -- threads


def test_a_comment_deep_in_a_thread_belongs_to_its_root(
    rig: MastodonRig, connection: Connection, mailroom: Mailroom
) -> None:
    root = rig.begin(connection, Draft("Notre annonce")).send().remote_id
    first = network(rig).say("paul", "d'accord", in_reply_to=root)["remote_id"]
    deep = network(rig).say("ines", "@guichet et moi ?", in_reply_to=first)["remote_id"]
    found = {i.remote_id: i for i in heard(mailroom)}
    assert found[deep].thread_root == root
    assert found[deep].kind is InboundKind.MENTION  # it answers Paul, and mentions us
    assert found[first].kind is InboundKind.REPLY
    assert found[deep].above is not None
    assert (found[deep].above.remote_id, found[deep].above.kind) == (root, InboundKind.ECHO)


def test_direct_messages_of_one_person_are_one_thread(rig: MastodonRig, mailroom: Mailroom) -> None:
    rig.say_directly("un")
    rig.say_directly("deux")
    network(rig).say("paul", "trois", to="guichet", direct=True)
    roots = {i.author.handle: i.thread_root for i in heard(mailroom)}
    assert len(set(roots.values())) == 2
    assert roots["ines@mastodon.rehearsal"] == "direct:https://mastodon.rehearsal/users/ines"


def test_a_direct_message_kept_out_of_the_notifications_is_heard() -> None:
    with MastodonRig(Ways(keeps_strangers_out_of_notifications=True)) as rig:
        mailroom = Mailroom(rig.reader(rig.connect()))
        mailroom.poll()
        remote_id = rig.say_directly("entre nous")
        items = mailroom.poll()
        assert [(i.stream, i.delivery_key) for i in items] == [("conversations", remote_id)]
        assert mailroom.poll() == []


def test_the_same_person_is_the_same_on_every_instance(rig: MastodonRig, mailroom: Mailroom) -> None:
    network(rig).say("ines@remote.example", "bonjour", to="guichet")
    [inbound] = heard(mailroom)
    assert inbound.author.remote_id == "https://remote.example/users/ines"
    assert inbound.author.handle == "ines@remote.example"


# -- what changed


def test_an_edit_comes_as_a_newer_version(rig: MastodonRig, mailroom: Mailroom) -> None:
    remote_id = rig.say_publicly("avant")
    mailroom.poll()
    network(rig).say("ines", "après", edit=remote_id, to="guichet")
    [item] = mailroom.poll()
    [edited] = mailroom.understand([item])
    assert (edited.remote_id, edited.text) == (remote_id, "@guichet après")
    assert edited.edited_at is not None
    assert edited.edited_at > edited.remote_at
    assert mailroom.poll() == []
    network(rig).say("ines", "encore", edit=remote_id, to="guichet")
    [again] = mailroom.poll()
    assert again.delivery_key != item.delivery_key


def test_a_deletion_is_told_once(rig: MastodonRig, mailroom: Mailroom) -> None:
    kept, deleted = rig.say_publicly("reste"), rig.say_publicly("part")
    mailroom.poll()
    network(rig).say("ines", "", delete=deleted)
    [told] = heard(mailroom)
    assert (told.remote_id, told.kind) == (deleted, InboundKind.DELETION)
    assert mailroom.poll() == []
    network(rig).say("ines", "", delete=kept)
    assert [i.remote_id for i in heard(mailroom)] == [kept]


def test_a_dismissed_notification_is_no_deletion(rig: MastodonRig, mailroom: Mailroom) -> None:
    rig.say_publicly("bonjour")
    mailroom.poll()
    for notification in network(rig).store.all("notification"):
        network(rig).store.drop("notification", notification["id"])
    assert mailroom.poll() == []


# -- our own voice


def test_what_our_account_says_elsewhere_is_an_echo_to_its_addressee(
    rig: MastodonRig, connection: Connection, mailroom: Mailroom
) -> None:
    asked = rig.say_publicly("une question")
    mailroom.poll()
    network(rig).publish("guichet", "@ines réponse", in_reply_to=asked, application="Tusky")
    [echo] = heard(mailroom)
    assert (echo.kind, echo.author.remote_id) == (InboundKind.ECHO, connection.remote_id)
    assert echo.recipient_id == "https://mastodon.rehearsal/users/ines"
    assert (echo.thread_root, echo.in_reply_to) == (asked, asked)


def test_a_direct_echo_lands_in_its_addressees_thread(rig: MastodonRig, mailroom: Mailroom) -> None:
    rig.say_directly("entre nous")
    [asked] = {i.remote_id: i for i in heard(mailroom)}.values()
    network(rig).publish("guichet", "@ines oui", in_reply_to=asked.remote_id, visibility="direct")
    [echo] = heard(mailroom)
    assert echo.thread_root == asked.thread_root
    assert echo.surface is Surface.DIRECT


# -- everything from outside is hostile


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"[]", b'"x"', b"{}"),
        *(b'{"type": "mention", "status": {"id": "1"}}', b'{"type": "mention", "status": 3}'),
    ],
)
def test_what_cannot_be_understood_is_malformed(rig: MastodonRig, connection: Connection, body: bytes) -> None:
    for stream in MastodonReader.streams:
        try:
            found = rig.reader(connection).parse(RawItem(stream, "1", body))
        except Malformed:
            continue
        assert (stream, found) == ("notifications", ())


def test_addresses_that_are_not_of_the_web_are_dropped(rig: MastodonRig, mailroom: Mailroom) -> None:
    rig.say_publicly("bonjour")
    [item] = [i for i in mailroom.poll() if i.stream == "notifications"]
    body = json.loads(item.body)
    body["status"]["url"] = body["status"]["account"]["avatar_static"] = "javascript:alert(1)"
    body["status"]["account"]["avatar"] = ""
    [inbound] = mailroom.understand([replace(item, body=json.dumps(body).encode())])
    assert inbound.url == ""
    assert inbound.author.avatar_url == ""


# -- recorded by others from real servers


def recorded_notifications() -> list[dict[str, Any]]:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    found: dict[str, dict[str, Any]] = {}
    for session in (*recordings["entities"].values(), *recordings["sessions"].values()):
        for exchange in session:
            body = exchange["response"]["body"]
            if "/api/v1/notifications" in exchange["request"]["uri"] and isinstance(body, list):
                found |= {f"{exchange['request']['uri']}{n['id']}": n for n in body if n.get("status")}
    return list(found.values())


def reader_of(domain: str) -> MastodonReader:
    connection = Connection("mastodon", "x", "x", f"http://{domain}", {}, {"account_id": "0", "domain": domain})
    return MastodonReader(connection, Wire())


def test_real_notifications_are_understood() -> None:
    mentions = [n for n in recorded_notifications() if n["type"] == "mention" and not n["status"]["in_reply_to_id"]]
    assert mentions
    for notification in mentions:
        item = RawItem("notifications", notification["id"], json.dumps(notification).encode())
        [inbound] = reader_of("localhost:3000").parse(item)
        status = notification["status"]
        assert inbound.remote_id == status["id"]
        assert inbound.author.remote_id == status["account"]["uri"]
        assert "@" in inbound.author.handle
        assert inbound.surface is (Surface.DIRECT if status["visibility"] == "direct" else Surface.PUBLIC)
        assert inbound.remote_at.tzinfo is UTC


def test_real_conversations_and_attachments_are_understood() -> None:
    recordings = json.loads(gzip.decompress(real_data("mastodon-api/recordings.json.gz").read_bytes()))
    [exchange] = recordings["entities"]["test_entity_conversation"]
    last = [c["last_status"] for c in exchange["response"]["body"] if c["last_status"]]
    assert last
    reader = reader_of("mastodon.social")
    for status in last:
        [inbound] = reader.parse(RawItem("conversations", status["id"], json.dumps(status).encode()))
        assert (inbound.kind, inbound.surface) == (InboundKind.DIRECT, Surface.DIRECT)
        assert inbound.thread_root == f"direct:{status['account']['uri']}"
    posts = [
        e["response"]["body"]
        for name in ("test_entity_mediaattachment", "test_entity_mediaattachmentvideometadata")
        for e in recordings["entities"][name]
    ]
    kinds = set()
    for status in posts:
        alone = {**status, "in_reply_to_id": None, "in_reply_to_account_id": None, "mentions": []}
        [inbound] = reader.parse(RawItem("statuses", status["id"], json.dumps(alone).encode()))
        assert len(inbound.media) == len(status["media_attachments"]) > 0
        assert [m.alt for m in inbound.media] == [a["description"] or "" for a in status["media_attachments"]]
        kinds |= {m.mime.partition("/")[0] for m in inbound.media}
    assert kinds >= {"audio", "video"}


def test_nothing_of_a_person_is_answered_by_what_a_machine_wrote(rig: MastodonRig, mailroom: Mailroom) -> None:
    rig.say_publicly("je suis un robot")
    network(rig).person("ines")["bot"] = True
    [inbound] = heard(mailroom)
    assert inbound.automatic
    assert target_of(inbound).context["acct"] == "ines"
    assert SPEC.reader is MastodonReader
