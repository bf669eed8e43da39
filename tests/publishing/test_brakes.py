"""The brake: what lifting demands, for whom, and what becomes of what it held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet import models as m
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import Actor, load_actor
from guichet.publishing import brakes
from guichet.publishing.brakes import Choice
from guichet.publishing.drafting import VariantSpec
from tests import factories
from tests.publishing.desk import NOW, Desk

LATER = NOW + timedelta(days=2)


@pytest.fixture
def chief(desk: Desk) -> Actor:
    return load_actor(desk.session, factories.make_staff(desk.session, "administrator"), NOW)


def hold(desk: Desk, account: m.Account, text: str = "held") -> m.Delivery:
    """A post on one account whose time came while a brake was on."""
    post = desk.post(text=text, variants=[VariantSpec(account.id)])
    desk.schedule(post)
    (delivery,) = desk.deliveries(post)
    delivery.state = State.HELD
    desk.session.flush()
    return delivery


def test_lifting_demands_a_choice_for_each_and_carries_out_each(desk: Desk, chief: Actor) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    sent, moved, dropped = (hold(desk, desk.here, text) for text in ("send", "move", "drop"))
    with pytest.raises(Conflict) as refused:
        brakes.lift(desk.session, chief, choices={sent.id: Choice("send")}, now=NOW)
    assert refused.value.data["current"] == {"deliveries": [moved.id, dropped.id]}
    desk.session.rollback()


def test_each_choice_does_what_it_says(desk: Desk, chief: Actor) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    sent, moved, dropped = (hold(desk, desk.here, text) for text in ("send", "move", "drop"))
    choices = {sent.id: Choice("send"), moved.id: Choice("reschedule", LATER), dropped.id: Choice("drop")}
    brakes.lift(desk.session, chief, choices=choices, now=NOW)
    assert [d.state for d in (sent, moved, dropped)] == [State.DUE, State.SCHEDULED, State.CANCELLED]
    assert (moved.due_at, sent.not_before) == (LATER, NOW)


def test_a_post_that_was_given_a_new_time_stands_there_in_the_calendar(desk: Desk, chief: Actor) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    moved = hold(desk, desk.here)
    at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # Paris reads 02:30 twice that night: the second
    brakes.lift(desk.session, chief, choices={moved.id: Choice("reschedule", at)}, now=NOW)
    post = desk.session.get_one(m.Post, moved.post_id)
    assert (post.due_at, post.wall_time, post.fold_rule) == (at, "2026-10-25T02:30", "second")


@pytest.mark.parametrize("choice", [Choice("reschedule"), Choice("reschedule", NOW), Choice("forget")])
def test_a_choice_that_cannot_be_carried_out_is_refused_by_name(desk: Desk, chief: Actor, choice: Choice) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    held = hold(desk, desk.here)
    with pytest.raises(Invalid) as refused:
        brakes.lift(desk.session, chief, choices={held.id: choice}, now=NOW)
    assert f"choices.{held.id}" in refused.value.fields


def test_what_another_brake_holds_too_needs_no_choice_and_stays_held(desk: Desk, chief: Actor) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    brakes.pull(desk.session, chief, scope="account", scope_id=desk.here.id, now=NOW)
    twice, once = hold(desk, desk.here), hold(desk, desk.there)
    held, _ = brakes.list_stopped(desk.session, chief)
    assert [d.id for d in held] == [once.id]
    brakes.lift(desk.session, chief, otherwise="send", now=NOW)
    assert (twice.state, once.state) == (State.HELD, State.DUE)
    held, _ = brakes.list_stopped(desk.session, chief, scope="account", scope_id=desk.here.id)
    assert [d.id for d in held] == [twice.id]


def test_calls_that_had_begun_are_listed(desk: Desk, chief: Actor) -> None:
    flying = hold(desk, desk.there)
    flying.state = State.SENDING
    brakes.pull(desk.session, chief, scope="brand", scope_id=desk.brand.id, now=NOW)
    _, in_flight = brakes.list_stopped(desk.session, chief, scope="brand", scope_id=desk.brand.id)
    assert [d.id for d in in_flight] == [flying.id]


def test_who_publishes_on_an_account_brakes_that_one_and_no_more(desk: Desk) -> None:
    brakes.pull(desk.session, desk.publisher, scope="account", scope_id=desk.here.id, now=NOW)
    for scope, id_ in (("all", None), ("brand", desk.brand.id)):
        with pytest.raises(NotAllowed):
            brakes.pull(desk.session, desk.publisher, scope=scope, scope_id=id_, now=NOW)
    with pytest.raises((NotAllowed, NotFound)):
        brakes.list_stopped(desk.session, desk.stranger, scope="account", scope_id=desk.here.id)
    assert [b.scope for b in brakes.list_brakes(desk.session, desk.publisher)] == ["account"]
    assert brakes.list_brakes(desk.session, desk.stranger) == []


def test_pulled_again_it_only_changes_what_it_stops(desk: Desk, chief: Actor) -> None:
    first = brakes.pull(desk.session, chief, now=NOW)
    again = brakes.pull(desk.session, chief, answers=True, reason="fire", now=LATER)
    assert (again.id, again.pulled_at, again.stops_answers, again.reason) == (first.id, NOW, True, "fire")
    with pytest.raises(Conflict):
        brakes.lift(desk.session, chief, scope="account", scope_id=desk.here.id, now=NOW)
