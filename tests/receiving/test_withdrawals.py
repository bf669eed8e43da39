"""What its author takes back is gone, in whichever order we hear of it."""

from __future__ import annotations

from datetime import timedelta

from channels.contract import InboundKind
from guichet import models as m
from guichet.policy import SYSTEM
from guichet.receiving import withdrawals
from tests import factories as make
from tests.inbox.scene import Scene, said


def test_a_deletion_that_is_heard_first_takes_back_what_comes_late(scene: Scene) -> None:
    late = said("My card number is 4970", remote_at=scene.now)
    scene.hears(said("", remote_at=scene.now, remote_id=late.remote_id, kind=InboundKind.DELETION))
    assert scene.hears(late) == [], "no rule is asked about it, nobody is assigned"
    (message,) = scene.session.query(m.Message).all()
    assert (message.text, message.deleted_at) == ("", scene.now)
    assert scene.conversation_of(message).preview == ""
    assert scene.conversation_of(message).waiting_since is None
    assert scene.session.query(m.Wait).one().end_kind == "withdrawn"
    assert scene.hears(late) == []


def test_it_takes_back_nothing_of_another_account(scene: Scene) -> None:
    other = make.make_account(scene.session)
    withdrawals.remember(scene.session, other.id, "theirs", scene.now)
    message = scene.customer_says(remote_id="theirs")
    assert withdrawals.catch_up(scene.session, SYSTEM, scene.now) == 0
    assert message.deleted_at is None


def test_both_heard_in_one_moment_by_two_workers_it_is_taken_back_a_little_later(scene: Scene) -> None:
    """Neither saw what the other had not committed yet."""
    message = scene.customer_says()
    kept = scene.customer_says("And this stays")
    withdrawals.remember(scene.session, scene.account.id, str(message.remote_id), scene.now)
    assert withdrawals.catch_up(scene.session, SYSTEM, scene.now) == 1
    assert (message.text, kept.text) == ("", "And this stays")
    assert scene.conversation_of(kept).waiting_since == kept.remote_at
    assert withdrawals.catch_up(scene.session, SYSTEM, scene.now) == 0


def test_it_is_remembered_for_a_month(scene: Scene) -> None:
    withdrawals.remember(scene.session, scene.account.id, "of old", scene.now - withdrawals.KEPT_FOR)
    withdrawals.remember(scene.session, scene.account.id, "of old", scene.now - withdrawals.KEPT_FOR)  # said twice
    withdrawals.catch_up(scene.session, SYSTEM, scene.now)
    assert withdrawals.is_remembered(scene.session, scene.account.id, "of old")
    scene.session.expire_all()
    withdrawals.catch_up(scene.session, SYSTEM, scene.now + timedelta(seconds=1))
    scene.session.expire_all()
    assert not withdrawals.is_remembered(scene.session, scene.account.id, "of old")
