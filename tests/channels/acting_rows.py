"""Liking and hiding, as every network that offers them must keep them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from channels.contract import Connection, Hider, Inbound, Liker
from channels.errors import Gone, Rejected
from tests.channels.rig import Mailroom, Rig, target_of

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


class ActingRows:
    """Give it a `rig` fixture. What a network does not offer, its spec says."""

    @pytest.fixture
    def connection(self, rig: Rig) -> Connection:
        return rig.connect()

    def test_what_it_says_it_can_do_with_messages_its_publisher_can(self, rig: Rig, connection: Connection) -> None:
        publisher = rig.publisher(connection)
        assert rig.spec.can_like == isinstance(publisher, Liker)
        assert rig.spec.can_hide == isinstance(publisher, Hider)

    def test_liking_is_done_once_and_taken_back_once(self, rig: Rig, connection: Connection) -> None:
        target = target_of(_heard(rig, connection, reply=False))
        publisher = rig.publisher(connection)
        assert isinstance(publisher, Liker)
        for act in (publisher.like, publisher.like, publisher.unlike, publisher.unlike, publisher.like):
            act(target, AT)
        assert _acts(rig) == [(act, target.remote_id) for act in ("like", "unlike", "like")]

    def test_a_like_of_what_is_gone_is_no_success(self, rig: Rig, connection: Connection) -> None:
        if rig.spec.name == "bluesky":
            pytest.skip("a record of ours may name what is gone")
        target = target_of(_heard(rig, connection, reply=False))
        rig.network.say(rig.customer, "", delete=target.remote_id)
        publisher = rig.publisher(connection)
        assert isinstance(publisher, Liker)
        with pytest.raises(Gone):
            publisher.like(target, AT)

    def test_a_reply_under_our_post_is_hidden_once_and_shown_again(self, rig: Rig, connection: Connection) -> None:
        publisher = _hider(rig, connection)
        target = target_of(_heard(rig, connection, reply=True))
        for act in (publisher.hide, publisher.hide, publisher.unhide, publisher.unhide):
            act(target, AT)
        assert _acts(rig) == [("hide", target.remote_id), ("unhide", target.remote_id)]

    def test_what_stands_in_nobodys_thread_of_ours_is_not_hidden(self, rig: Rig, connection: Connection) -> None:
        publisher = _hider(rig, connection)
        target = target_of(_heard(rig, connection, reply=False))
        with pytest.raises(Rejected):
            publisher.hide(target, AT)
        assert _acts(rig) == []

    def test_a_second_hidden_reply_leaves_the_first_hidden(self, rig: Rig, connection: Connection) -> None:
        publisher = _hider(rig, connection)
        first, second = (target_of(one) for one in _two_replies(rig, connection))
        publisher.hide(first, AT)
        publisher.hide(second, AT)
        publisher.unhide(first, AT)
        assert _acts(rig) == [
            ("hide", first.remote_id), ("hide", second.remote_id), ("unhide", first.remote_id),
        ]  # fmt: skip


def _hider(rig: Rig, connection: Connection) -> Hider:
    publisher = rig.publisher(connection)
    if not isinstance(publisher, Hider):
        pytest.skip("this network hides nothing")
    return publisher


def _heard(rig: Rig, connection: Connection, *, reply: bool) -> Inbound:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    above = rig.begin(connection, rig.draft("Question du jour ?")).send().remote_id if reply else ""
    rig.say_publicly("Acheter ici", in_reply_to=above)
    return next(one for one in mailroom.understand(mailroom.poll()) if "Acheter" in one.text)


def _two_replies(rig: Rig, connection: Connection) -> list[Inbound]:
    mailroom = Mailroom(rig.reader(connection))
    mailroom.poll()
    above = rig.begin(connection, rig.draft("Question du jour ?")).send().remote_id
    for text in ("Acheter ici", "Acheter là"):
        rig.say_publicly(text, in_reply_to=above)
    found = [one for one in mailroom.understand(mailroom.poll()) if "Acheter" in one.text]
    return sorted(found, key=lambda one: one.text)


def _acts(rig: Rig) -> list[tuple[str, str]]:
    return [
        (e["act"], e["remote_id"]) for e in rig.network.ledger() if e["act"] in ("like", "unlike", "hide", "unhide")
    ]
