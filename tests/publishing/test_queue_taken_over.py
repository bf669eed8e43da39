"""A post of a queue whose keeper may no longer write there, taken over by a colleague."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from guichet import models as m
from guichet.errors import NotAllowed, NotFound
from guichet.evergreen import items, reading
from guichet.policy import SYSTEM, load_actor
from guichet.publishing.reviewing import authors_of
from tests import factories
from tests.publishing.desk import NOW, Desk
from tests.publishing.test_evergreen import a_queue, fill, planned, put


def leaves(desk: Desk, staff_id: int | None) -> None:
    desk.session.get_one(m.Staff, staff_id).disabled_at = NOW


def test_it_is_planned_in_the_right_of_who_took_it_over_and_its_words_stay_their_authors(desk: Desk) -> None:
    queue = a_queue(desk)
    kept = put(desk, queue, "Un", desk.author)
    leaves(desk, desk.author.staff_id)
    assert fill(desk, queue).planned == 0
    assert kept.refusal == "no_right"

    items.take_over(desk.session, desk.publisher, queue, kept, NOW)
    assert kept.refusal == ""
    assert fill(desk, queue, NOW + timedelta(minutes=2)).planned > 0
    [wording] = reading.wordings_of(desk.session, [kept.id])[kept.id]
    for post in (wording, *reading.occurrences_of(desk.session, [kept.id], NOW)):
        assert post.author_id == desk.publisher.staff_id
        assert authors_of(post) == {desk.author.staff_id, desk.publisher.staff_id}
    said = desk.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "evergreen.take_over")).one()
    assert said.actor_id == desk.publisher.staff_id


def test_what_is_planned_of_it_goes_out_in_the_new_right(desk: Desk) -> None:
    queue = a_queue(desk)
    leaver = factories.make_staff(desk.session)
    for account in (desk.here, desk.there):
        factories.make_grant(desk.session, leaver, account, "publisher")
    other = load_actor(desk.session, leaver, NOW)
    kept = put(desk, queue, "Un", other)
    fill(desk, queue)
    mine = select(m.Delivery).join(m.Post).where(m.Post.evergreen_id == kept.id, m.Post.wording_id.is_not(None))
    before = desk.session.scalars(mine).all()
    assert {d.actor_id for d in before} == {other.staff_id}
    leaves(desk, other.staff_id)
    items.take_over(desk.session, desk.publisher, queue, kept, NOW)
    assert {d.actor_id for d in desk.session.scalars(mine)} == {desk.publisher.staff_id}
    assert planned(desk), "nothing is called off by it"


def test_what_a_worker_claims_at_that_moment_goes_out_as_it_was_and_the_rest_is_taken_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = a_queue(desk)
    kept = put(desk, queue, "Un", desk.author)
    fill(desk, queue)
    seen = reading.planned_deliveries(desk.session, [kept.id])
    claimed, *rest = seen
    assert rest
    claimed.state = "claimed"
    desk.session.flush()
    monkeypatch.setattr(items, "planned_deliveries", lambda *_: seen)
    items.take_over(desk.session, desk.publisher, queue, kept, NOW)
    assert claimed.actor_id == desk.author.staff_id
    assert {d.actor_id for d in rest} == {desk.publisher.staff_id}


def test_who_may_not_write_there_or_is_nobody_takes_nothing_over(desk: Desk) -> None:
    queue = a_queue(desk)
    kept = put(desk, queue, "Un")
    with pytest.raises(NotFound):
        items.take_over(desk.session, desk.stranger, queue, kept, NOW)
    with pytest.raises(NotAllowed):
        items.take_over(desk.session, SYSTEM, queue, kept, NOW)
