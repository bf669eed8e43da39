"""Bluesky: what customers say is heard once and in order, whatever the lists do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.bluesky import walk as walking
from channels.bluesky.syntax import write_tid
from channels.bluesky.walk import Entry, walk
from channels.contract import Connection, Draft, Inbound, InboundKind, RawItem
from channels.errors import ChannelError, Malformed
from channels.rehearsal.base import Fault
from tests.channels import lexicon
from tests.channels.bluesky_rig import HANDLE, BlueskyRig
from tests.channels.rig import Mailroom, target_of

TUESDAY = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)
POST = "app.bsky.feed.post"


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


def hear(mailroom: Mailroom) -> list[Inbound]:
    return mailroom.understand(mailroom.poll())


# ---------------------------------------------------------------- what is heard


def test_a_long_outage_is_walked_through_and_told_oldest_first(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = [rig.network.say(f"customer{n % 7}", f"question {n}", to=HANDLE)["remote_id"] for n in range(230)]
    assert [i.delivery_key for i in mailroom.poll()] == said
    assert mailroom.poll() == []


def test_messages_of_one_moment_across_the_end_of_a_page_are_not_lost(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = [rig.network.say("ines", f"question {n}", to=HANDLE, at="2026-03-10T09:30:00.000Z") for n in range(90)]
    said += [rig.network.say("ines", f"question {n}", to=HANDLE, at="2026-03-10T09:29:59.000Z") for n in range(90)]
    expected = [s["remote_id"] for s in said[90:] + said[:90]]
    assert [i.delivery_key for i in mailroom.poll()] == expected


def test_a_page_all_of_one_moment_does_not_hold_the_walk(rig: BlueskyRig, mailroom: Mailroom) -> None:
    older = rig.network.say("ines", "avant", to=HANDLE, at="2026-03-10T09:29:00.000Z")["remote_id"]
    for number in range(130):
        rig.network.say("ines", f"flot {number}", to=HANDLE, at="2026-03-10T09:30:00.000Z")
    assert older in [i.delivery_key for i in mailroom.poll()]


def test_a_customer_whose_clock_is_behind_is_heard(rig: BlueskyRig, mailroom: Mailroom) -> None:
    for number in range(60):
        rig.network.say("ines", f"à l'heure {number}", to=HANDLE)
    mailroom.poll()
    behind = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    late = rig.network.say("tom", "il est trois heures plus tôt", to=HANDLE, at=behind)["remote_id"]
    assert [i.delivery_key for i in mailroom.poll()] == [late]


def test_more_late_messages_than_a_page_are_all_heard(rig: BlueskyRig, mailroom: Mailroom) -> None:
    rig.network.say("ines", "à l'heure", to=HANDLE)
    mailroom.poll()
    begun = datetime.now(UTC) - timedelta(hours=3)
    moments = [(begun + timedelta(milliseconds=n)).isoformat() for n in range(150)]
    late = [rig.network.say("tom", f"{n}", to=HANDLE, at=at)["remote_id"] for n, at in enumerate(moments)]
    assert [i.delivery_key for i in mailroom.poll()] == late


def test_a_first_reading_looks_back_one_day(rig: BlueskyRig, connection: Connection) -> None:
    now = datetime.now(UTC)
    for days in (9, 2, 0.5, 0):
        rig.network.say("ines", f"{days} jours", to=HANDLE, at=(now - timedelta(days=days)).isoformat())
    texts = [i.text for i in hear(Mailroom(rig.reader(connection)))]
    assert texts == [f"@{HANDLE} 0.5 jours", f"@{HANDLE} 0 jours"]


def test_a_reading_that_breaks_off_loses_nothing(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = [rig.network.say("ines", f"question {n}", to=HANDLE)["remote_id"] for n in range(150)]
    rig.network.plant(Fault("reset_before", match="listNotifications"))
    with pytest.raises(ChannelError):
        mailroom.poll()
    assert [i.delivery_key for i in mailroom.poll()] == said


def test_what_comes_late_into_view_is_heard_when_it_does(rig: BlueskyRig, mailroom: Mailroom) -> None:
    rig.network.plant(Fault("lag", seconds=0.2))
    hidden = rig.network.say("ines", "en retard", to=HANDLE)["remote_id"]
    rig.network.forget_faults()
    shown = rig.network.say("tom", "à l'heure", to=HANDLE)["remote_id"]
    assert [i.delivery_key for i in mailroom.poll()] == [shown]
    __import__("time").sleep(0.25)
    assert [i.delivery_key for i in mailroom.poll()] == [hidden]


def test_reactions_are_told_apart_and_follows_are_not_messages(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    ours = rig.begin(connection, Draft("qu'en dites-vous ?")).send()
    mailroom.poll()
    quote = rig.network.say("ines", "regardez", quote=ours.remote_id)["remote_id"]
    like = rig.network.say("tom", "", like=ours.remote_id)["remote_id"]
    quoted, liked = hear(mailroom)
    assert (quoted.remote_id, quoted.kind) == (quote, InboundKind.QUOTE)
    assert quoted.above is not None
    assert quoted.above.remote_id == ours.remote_id
    assert (liked.remote_id, liked.kind, liked.in_reply_to) == (like, InboundKind.REACTION, ours.remote_id)
    assert not liked.can_reply
    follow = {"reason": "follow", "uri": "at://did:plc:x/app.bsky.graph.follow/3kaaaaaaaaa2a"}
    assert mailroom.reader.parse(RawItem("notifications", "x", json.dumps(follow).encode())) == []


def test_a_reply_brings_what_it_hangs_under(rig: BlueskyRig, connection: Connection, mailroom: Mailroom) -> None:
    ours = rig.begin(connection, Draft("Question du jour")).send()
    first = rig.network.say("ines", "la première", in_reply_to=ours.remote_id)["remote_id"]
    rig.network.say("tom", "la seconde", in_reply_to=first)
    heard = {i.text: i for i in hear(mailroom)}
    second = heard["la seconde"]
    assert second.thread_root == ours.remote_id
    assert second.above is not None
    assert second.above.text == "la première"
    assert second.above.above is not None
    assert (second.above.above.text, second.above.above.kind) == ("Question du jour", InboundKind.ECHO)


# ---------------------------------------------------------------- what vanishes


def test_a_customers_deleted_message_is_noticed_once(rig: BlueskyRig, mailroom: Mailroom) -> None:
    kept = rig.network.say("tom", "je reste", to=HANDLE)["remote_id"]
    taken = rig.network.say("ines", "je regrette", to=HANDLE)["remote_id"]
    assert {i.remote_id for i in hear(mailroom)} == {kept, taken}
    rig.network.say("ines", "", delete=taken)
    [deletion] = hear(mailroom)
    assert (deletion.kind, deletion.remote_id) == (InboundKind.DELETION, taken)
    assert mailroom.poll() == []


def test_a_list_that_comes_empty_by_mistake_deletes_nobody(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    said = rig.network.say("ines", "bonjour", to=HANDLE)["remote_id"]
    mailroom.poll()
    notifications = rig.network.store._docs.pop(f"notification:{connection.remote_id}")
    assert mailroom.poll() == []
    rig.network.store._docs[f"notification:{connection.remote_id}"] = notifications
    assert {i.delivery_key for i in mailroom.poll()} <= {said}


def test_an_account_that_is_away_has_deleted_nothing(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = rig.network.say("ines", "bonjour", to=HANDLE)["remote_id"]
    mailroom.poll()
    rig.network.say("ines", "", delete=said)
    rig.network.store.drop("person", said.split("/")[2])
    assert mailroom.poll() == []


def test_many_deletions_are_looked_into_bit_by_bit(rig: BlueskyRig, mailroom: Mailroom) -> None:
    said = [rig.network.say("ines", f"{n}", to=HANDLE)["remote_id"] for n in range(45)]
    mailroom.poll()
    for uri in said:
        rig.network.say("ines", "", delete=uri)
    rounds = [hear(mailroom) for _ in range(4)]
    assert [len(r) for r in rounds] == [20, 20, 5, 0]
    assert {i.remote_id for r in rounds for i in r} == set(said)


# ---------------------------------------------------------------- our own voice


def test_what_the_company_says_in_the_networks_own_app_is_an_echo(
    rig: BlueskyRig, connection: Connection, mailroom: Mailroom
) -> None:
    question = rig.network.say("ines", "où est ma valise ?", to=HANDLE)
    [heard] = hear(mailroom)
    elsewhere = rig.begin(connection, Draft("Elle arrive.", reply_to=target_of(heard))).send()
    [echo] = hear(mailroom)
    assert (echo.kind, echo.remote_id, echo.text) == (InboundKind.ECHO, elsewhere.remote_id, "Elle arrive.")
    assert echo.recipient_id == heard.author.remote_id
    assert echo.thread_root == question["remote_id"]
    assert echo.above is not None
    assert echo.above.remote_id == question["remote_id"]
    rig.publisher(connection).delete(elsewhere.remote_id, {})
    assert [(i.kind, i.remote_id) for i in hear(mailroom)] == [(InboundKind.DELETION, elsewhere.remote_id)]


def test_an_echo_under_an_older_key_is_heard_too(rig: BlueskyRig, connection: Connection, mailroom: Mailroom) -> None:
    draft, publisher = Draft("prévu"), rig.publisher(connection)
    early = publisher.new_key(datetime.now(UTC) - timedelta(minutes=30))
    rig.begin(connection, Draft("plus récent")).send()
    mailroom.poll()
    receipt = publisher.send(draft, publisher.prepare(draft), early)
    assert [i.delivery_key for i in mailroom.poll()] == [receipt.remote_id]


# ---------------------------------------------------------------- the walk


def entries(*minutes: float) -> list[Entry]:
    return [
        Entry(
            TUESDAY + timedelta(minutes=m),
            f"at://did:plc:x/{POST}/{write_tid(int((TUESDAY + timedelta(minutes=m)).timestamp() * 1e6), 0)}",
            {"minute": m},
        )
        for m in minutes
    ]


def test_a_walk_that_never_ends_is_cut_short_and_says_what_is_missing() -> None:
    _, start = None, walk(lambda position: (entries(0), ""), None)
    pages = iter(range(10**6, 0, -1))
    walked = walk(lambda position: (entries(next(pages)), "more"), start.cursor)
    assert len(walked.fresh) == walking.MOST_PAGES
    assert walked.gap is not None
    assert walked.gap.since == TUESDAY
    assert walked.gap.until == walked.fresh[0].at


def test_a_cursor_that_cannot_be_read_is_refused() -> None:
    for cursor in ({}, {"seen": 1, "floor": "", "last": ""}, {"seen": [], "floor": "x", "last": "y"}):
        with pytest.raises(Malformed):
            walk(lambda position: ([], ""), cursor)


def test_the_cursor_stays_small() -> None:
    start = walk(lambda position: (entries(0), ""), None)
    many = entries(*(60 + n for n in range(5_000, 0, -1)))
    walked = walk(lambda position: (many, ""), start.cursor)
    assert len(walked.fresh) == 5_000
    assert len(walked.cursor["seen"]) == walking.REMEMBERED


def test_bytes_that_are_not_a_notification_are_malformed(mailroom: Mailroom) -> None:
    for body in (b"", b"\xff", b"[]", b'{"deleted": 3}', b'{"reason": "mention", "uri": "x"}'):
        with pytest.raises(ChannelError):
            mailroom.reader.parse(RawItem("notifications", "k", body))


def test_the_rehearsals_notifications_are_those_of_the_lexicon(rig: BlueskyRig, mailroom: Mailroom) -> None:
    rig.network.say("ines", "bonjour", to=HANDLE)
    [item] = mailroom.poll()
    lexicon.check_shape("app.bsky.notification.listNotifications#notification", json.loads(item.body))
    assert replace(item, body=b"") == RawItem("notifications", item.delivery_key, b"")
