"""Changing what is published: only where the network, the brand and the right allow it."""

from __future__ import annotations

import pytest

from guichet import models as m
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.publishing.amending import amend
from guichet.publishing.drafting import VariantSpec, Words
from tests.publishing.desk import NOW, SPECS, Desk


def published(desk: Desk, account: m.Account) -> m.Delivery:
    post = desk.post(words=Words("Bonjuor"), variants=[VariantSpec(account.id)])
    desk.schedule(post)
    (delivery,) = desk.deliveries(post)
    delivery.state, delivery.remote_id = State.PUBLISHED, "17"
    desk.session.flush()
    return delivery


def test_the_change_is_a_delivery_of_its_own_for_the_same_remote_post(desk: Desk) -> None:
    was = published(desk, desk.here)
    made = amend(desk.session, desk.publisher, was, desk.here, "Bonjour", SPECS["mastodon"], NOW)
    assert (made.kind, made.state, made.target_remote_id) == ("edit", State.DUE, "17")
    assert (made.payload["text"], was.payload["text"]) == ("Bonjour", "Bonjuor")


def test_a_network_that_changes_nothing_is_said_so(desk: Desk) -> None:
    was = published(desk, desk.there)
    with pytest.raises(Conflict) as refused:
        amend(desk.session, desk.publisher, was, desk.there, "Bonjour", SPECS["bluesky"], NOW)
    assert refused.value.code == "cannot_edit"


def test_what_was_approved_what_is_not_out_and_what_is_too_long_stay_as_they_are(desk: Desk) -> None:
    was = published(desk, desk.here)
    with pytest.raises(Invalid):
        amend(desk.session, desk.publisher, was, desk.here, "x" * 501, SPECS["mastodon"], NOW)
    desk.brand.needs_approval = True
    with pytest.raises(Conflict):
        amend(desk.session, desk.publisher, was, desk.here, "Bonjour", SPECS["mastodon"], NOW)
    desk.brand.needs_approval = False
    was.state = State.SENDING
    with pytest.raises(Conflict):
        amend(desk.session, desk.publisher, was, desk.here, "Bonjour", SPECS["mastodon"], NOW)


def test_it_takes_the_right_to_publish(desk: Desk) -> None:
    was = published(desk, desk.here)
    for who in (desk.author, desk.stranger):
        with pytest.raises((NotAllowed, NotFound)):
            amend(desk.session, who, was, desk.here, "Bonjour", SPECS["mastodon"], NOW)
