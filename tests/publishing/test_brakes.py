"""The brake: what lifting demands, for whom, and what becomes of what it held."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet import models as m
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import Actor, load_actor
from guichet.publishing import brakes
from guichet.publishing.drafting import VariantSpec
from guichet.publishing.held import Choice, GroupChoice, grouped
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


def held_for(desk: Desk, account: m.Account, hours: float) -> m.Delivery:
    """Held, and this much too late."""
    delivery = hold(desk, account, f"{hours} h late")
    delivery.due_at = NOW - timedelta(hours=hours)
    return delivery


def test_what_is_alike_is_one_group_and_takes_one_choice(desk: Desk, chief: Actor) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    dropped = [held_for(desk, desk.here, hours) for hours in (30, 26)]
    moved = [held_for(desk, desk.here, hours) for hours in (0.75, 0.5)]
    sent = held_for(desk, desk.there, 2)
    groups = brakes.list_groups(desk.session, chief, NOW)
    told = [(g.account_id, g.lateness, g.count) for g in groups]
    assert told == [(desk.here.id, "longer", 2), (desk.here.id, "hour", 2), (desk.there.id, "day", 1)]
    wanted = [Choice("drop"), Choice("reschedule", LATER), Choice("send")]
    choices = [
        GroupChoice(g.account_id, g.is_answer, g.first_due_at, g.last_due_at, choice)
        for g, choice in zip(groups, wanted, strict=True)
    ]
    brakes.lift(desk.session, chief, groups=choices, now=NOW)
    assert [d.state for d in (*dropped, *moved, sent)] == ["cancelled", "cancelled", "scheduled", "scheduled", "due"]
    assert [d.due_at for d in moved] == [LATER, LATER + timedelta(minutes=15)]  # they keep their distance


def test_a_choice_for_a_group_is_for_nothing_that_came_due_since_nor_for_what_has_its_own(
    desk: Desk, chief: Actor
) -> None:
    brakes.pull(desk.session, chief, now=NOW)
    shown, own = held_for(desk, desk.here, 2), held_for(desk, desk.here, 3)
    [group] = brakes.list_groups(desk.session, chief, NOW)
    late = held_for(desk, desk.here, 0)
    drop = GroupChoice(group.account_id, False, group.first_due_at, group.last_due_at, Choice("drop"))
    answers = GroupChoice(group.account_id, True, group.first_due_at, NOW, Choice("send"))
    with pytest.raises(Conflict) as refused:
        brakes.lift(desk.session, chief, choices={own.id: Choice("send")}, groups=[answers, drop], now=NOW)
    assert refused.value.data["current"] == {"deliveries": [late.id]}
    choices = {own.id: Choice("send"), late.id: Choice("send")}
    brakes_on = desk.session.query(m.Brake).one()
    brakes_on.lifted_at = None  # as if the refusal had been rolled back
    brakes.lift(desk.session, chief, choices=choices, groups=[answers, drop], now=NOW)
    assert [d.state for d in (own, late, shown)] == ["due", "due", "cancelled"]


def test_groups_are_told_by_account_kind_and_lateness() -> None:
    late = [timedelta(0), timedelta(hours=1), timedelta(hours=1, seconds=1), timedelta(days=1), timedelta(days=2)]
    groups = grouped([(1, False, NOW - by) for by in late] + [(1, True, NOW)], NOW)
    assert [(g.is_answer, g.lateness, g.count) for g in groups] == [
        (False, "longer", 1), (False, "day", 2), (False, "hour", 2), (True, "hour", 1)
    ]  # fmt: skip
