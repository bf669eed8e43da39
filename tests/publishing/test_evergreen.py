"""Queues of posts that go out again: whose turn it is, what fills a slot, and what keeps it from that."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.evergreen import filling, items, queues, reading
from guichet.evergreen.items import Limits
from guichet.evergreen.queues import Setting
from guichet.evergreen.rules import Item, Place, Use, Ways, Wording, in_season, lay_out
from guichet.policy import SYSTEM, load_actor
from guichet.publishing import brakes, operations, slots
from guichet.publishing.carrying_over import carry_over
from guichet.publishing.clash_rules import Neighbour, Spacing
from guichet.publishing.drafting import VariantSpec, Words, words_of
from guichet.publishing.openings import WeekSlot
from guichet.unit import open_unit
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk

DAY = timedelta(days=1)
HERE, THERE = 1, 2


# ---------------------------------------------------------------- whose turn


def place(day: int, *accounts: int) -> Place:
    at = NOW + day * DAY
    return Place(at, f"{at:%Y-%m-%dT%H:%M}", "UTC", accounts or (HERE,))


def item(id_: int, *wordings: Wording, on: tuple[int, ...] = (HERE, THERE), **more: object) -> Item:
    return replace(Item(id_, wordings or (Wording(id_ * 10, dict.fromkeys(on, f"post {id_}")),)), **more)


def turns(ways: Ways, days: int, *uses: Use, accounts: tuple[int, ...] = (HERE,)) -> list[int | None]:
    return [t.item_id for t in lay_out(ways, [place(d, *accounts) for d in range(days)], uses)]


def test_a_round_gives_everybody_a_turn_in_the_listed_order_before_anybody_comes_again() -> None:
    assert turns(Ways((item(1), item(2), item(3))), 7) == [1, 2, 3, 1, 2, 3, 1]


def test_a_post_that_joins_a_running_round_comes_in_it_once_and_not_until_it_has_caught_up() -> None:
    had = [Use(HERE, NOW - (9 - d) * DAY, 1 + d % 2, 10) for d in range(8)]
    assert turns(Ways((item(1), item(2), item(3))), 4, *had) == [3, 1, 2, 3]


def test_a_shuffled_round_holds_everybody_once_and_looking_again_gives_the_same() -> None:
    ways = Ways(tuple(item(n) for n in range(1, 6)), ordering="shuffled", seed=3)
    found = turns(ways, 15)
    rounds = [found[n : n + 5] for n in (0, 5, 10)]
    assert all(sorted(r, key=str) == [1, 2, 3, 4, 5] for r in rounds)
    assert len({tuple(r) for r in rounds}) > 1
    assert turns(ways, 15) == found


def test_a_post_rests_before_it_returns_to_the_same_account_in_both_directions() -> None:
    ways = Ways((item(1),), rest=timedelta(days=3))
    assert turns(ways, 7) == [1, None, None, 1, None, None, 1]
    assert turns(ways, 2, Use(HERE, NOW + 3 * DAY, 1, 10)) == [1, None]
    assert turns(ways, 1, Use(THERE, NOW - DAY, 1, 10)) == [1]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"is_paused": True}, "paused"),
        ({"last_day": date(2026, 3, 9)}, "ended"),
        ({"season_from": "04-01", "season_to": "09-30"}, "out_of_season"),
        ({"most_times": 1}, "used_up"),
        ({"refusal": "would_be_refused"}, "would_be_refused"),
        ({"wordings": (Wording(10, {THERE: "ailleurs"}),)}, "not_on_account"),
        ({"wordings": (Wording(10, {HERE: "x"}, {HERE: "sent_back"}),)}, "sent_back"),
    ],
)
def test_who_may_not_go_out_is_passed_over_with_the_reason(more: dict[str, object], why: str) -> None:
    before = [Use(HERE, NOW - 40 * DAY, 1, 10), Use(HERE, NOW - 39 * DAY, 2, 20), Use(HERE, NOW - 38 * DAY, 2, 20)]
    [turn] = lay_out(Ways((item(1, **more), item(2))), [place(0)], before)
    assert (turn.item_id, [(r.item_id, r.name) for r in turn.passed]) == (2, [(1, why)])
    [alone] = lay_out(Ways((item(1, **more),)), [place(0)], before)
    assert (alone.item_id, [(r.item_id, r.name) for r in alone.passed]) == (None, [(1, why)])


def test_a_season_may_reach_over_new_year_and_holds_its_ends() -> None:
    winter = [in_season("11-15", "01-06", d) for d in (date(2026, 11, 14), date(2026, 11, 15), date(2027, 1, 6))]
    assert winter == [False, True, True]
    assert not in_season("11-15", "01-06", date(2027, 1, 7))
    assert in_season("", "", date(2026, 1, 1))
    assert not in_season("03-01", "03-31", date(2026, 4, 1))


def test_accounts_share_a_post_as_far_as_its_turn_allows_on_each() -> None:
    ways = Ways((item(1), item(2), item(3, on=(HERE,))), rest=timedelta(days=2))
    found = lay_out(ways, [place(0, HERE, THERE), place(1, HERE, THERE), place(2, HERE, THERE)], [])
    assert [(t.item_id, t.place.account_ids) for t in found] == [
        (1, (HERE, THERE)), (2, (HERE, THERE)), (3, (HERE,)), (1, (THERE,)),
    ]  # fmt: skip


def test_wordings_take_turns_and_one_that_waits_for_its_approval_is_left_out() -> None:
    said = [Wording(n, {HERE: f"in words {n}"}, {HERE: "waits_for_approval"} if n == 12 else {}) for n in (10, 11, 12)]
    found = lay_out(Ways((item(1, *said),)), [place(d) for d in range(4)], [])
    assert [t.wording_id for t in found] == [10, 11, 10, 11]


def test_an_accounts_distance_leaves_the_slot_empty_and_its_refusal_to_repeat_itself_takes_other_words() -> None:
    near = {HERE: [Neighbour(9, NOW + timedelta(minutes=20), "Autre chose que tout cela")]}
    wanting = Ways((item(1),), spacings={HERE: Spacing(min_gap=timedelta(hours=1))}, near=near)
    [turn] = lay_out(wanting, [place(0)], [])
    assert (turn.item_id, turn.passed[0].name) == (None, "too_close")
    said = (
        Wording(10, {HERE: "Le guichet est ouvert ce matin"}),
        Wording(11, {HERE: "Nous sommes là dès huit heures"}),
    )
    refusing = Ways(
        (item(1, *said),), spacings={HERE: Spacing(duplicate_days=30, refuses=True)},
        near={HERE: [Neighbour(9, NOW - DAY, "le guichet est ouvert ce  matin")]},
    )  # fmt: skip
    found = lay_out(refusing, [place(0), place(1)], [])
    assert [(t.item_id, t.wording_id) for t in found] == [(1, 11), (None, 0)]
    assert found[1].passed[0].name == "same_words"


# ---------------------------------------------------------------- filling


def a_queue(desk: Desk, **more: object) -> m.EvergreenQueue:
    for account in (desk.here, desk.there):
        slots.set_slots(desk.session, SYSTEM, account, [WeekSlot(d, "09:00", "tips") for d in range(7)], NOW)
    wanted = replace(Setting("Conseils", (desk.here.id, desk.there.id), "tips", rest_days=2, horizon_days=3), **more)
    return queues.create_queue(desk.session, desk.publisher, desk.brand, wanted, NOW)


def put(desk: Desk, queue: m.EvergreenQueue, text: str, actor: object = None, **more: object) -> m.EvergreenItem:
    actor = actor or desk.publisher
    post = desk.post(actor, text)
    return items.add_item(desk.session, actor, queue, post, Limits(**more), SPECS, NOW)


def fill(desk: Desk, queue: m.EvergreenQueue, now: datetime = NOW) -> filling.Filled:
    return filling.fill_queue(desk.session, SYSTEM, queue.id, SPECS, now)


def planned(desk: Desk) -> list[tuple[str | None, str]]:
    rows = desk.session.scalars(
        select(m.Post).where(m.Post.wording_id.is_not(None), m.Post.state.in_(slots.STANDING)).order_by(m.Post.due_at)
    )
    return [(p.wall_time, words_of(p).text) for p in rows]


def test_the_next_days_slots_are_filled_once_with_posts_like_any_other(desk: Desk) -> None:
    queue = a_queue(desk)
    put(desk, queue, "Un")
    put(desk, queue, "Deux")
    assert fill(desk, queue).planned == 3
    assert planned(desk) == [("2026-03-11T09:00", "Un"), ("2026-03-12T09:00", "Deux"), ("2026-03-13T09:00", "Un")]
    post = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)).order_by(m.Post.due_at)).first()
    assert post is not None
    assert desk.states(post) == ["scheduled", "scheduled"]
    assert fill(desk, queue, NOW + timedelta(minutes=5)).planned == 0


def test_a_slot_that_anything_else_takes_stays_with_it_and_one_that_was_filled_is_never_filled_again(
    desk: Desk,
) -> None:
    queue = a_queue(desk, rest_days=0)
    put(desk, queue, "Un")
    desk.schedule(desk.post(text="Actualité"), at="2026-03-12T09:00")
    fill(desk, queue)
    assert [at for at, _ in planned(desk)] == ["2026-03-11T09:00", "2026-03-13T09:00"]
    first, second = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)).order_by(m.Post.due_at))
    operations.cancel(desk.session, desk.publisher, first, NOW)
    operations.reschedule(
        desk.session, desk.publisher, second, wall_time="2026-03-13T16:00", time_zone="Europe/Paris", now=NOW
    )
    assert fill(desk, queue, NOW + timedelta(minutes=5)).planned == 0
    assert planned(desk) == [("2026-03-13T16:00", "Un")]
    assert second.is_exception


def test_slots_that_passed_in_an_outage_are_left_out_and_counted(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    put(desk, queue, "Un")
    fill(desk, queue)
    done = fill(desk, queue, NOW + 10 * DAY)
    assert (done.planned, done.missed) == (3, 14)  # a week, on two accounts
    assert [at for at, _ in planned(desk)][3:] == ["2026-03-21T09:00", "2026-03-22T09:00", "2026-03-23T09:00"]
    assert queue.missed == 14


def test_a_slot_keeps_its_wall_time_over_a_change_of_the_clocks(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    put(desk, queue, "Un")
    fill(desk, queue, datetime(2026, 3, 27, 12, tzinfo=UTC))
    due = desk.session.scalars(select(m.Post.due_at).where(m.Post.wording_id.is_not(None)).order_by(m.Post.due_at))
    assert [d.hour for d in due if d is not None] == [8, 7, 7]


def test_an_approval_is_given_once_for_what_is_said_and_an_edit_voids_it_for_all_that_is_planned(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    kept = put(desk, queue, "À approuver", desk.author)
    assert fill(desk, queue).planned == 1  # the next ones wait for what is said about the first
    [asked] = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)))
    assert asked.state == "awaiting_approval"
    operations.approve(desk.session, desk.publisher, asked, NOW)
    assert fill(desk, queue, NOW + timedelta(minutes=2)).planned == 2
    posts = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)).order_by(m.Post.id)).all()
    assert [p.state for p in posts] == ["scheduled"] * 3
    [wording] = reading.wordings_of(desk.session, [kept.id])[kept.id]
    operations.change(desk.session, desk.author, wording, words=Words("Autrement"), specs=SPECS, now=NOW)
    assert {p.state for p in posts} == {"awaiting_approval"}
    assert {t for _, t in planned(desk)} == {"Autrement"}
    operations.approve(desk.session, desk.publisher, posts[1], NOW)
    assert carry_over(desk.session, SYSTEM, NOW) == 4  # two posts, two accounts
    assert [p.state for p in posts] == ["scheduled"] * 3
    assert {s for p in posts for s in desk.states(p)} == {"scheduled"}


def test_what_was_sent_back_is_not_planned_again_until_it_says_something_else(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    kept = put(desk, queue, "Faux", desk.author)
    fill(desk, queue)
    [asked] = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)))
    operations.reject(desk.session, desk.publisher, asked, "inexact", NOW)
    assert fill(desk, queue, NOW + timedelta(minutes=2)).planned == 0
    [wording] = reading.wordings_of(desk.session, [kept.id])[kept.id]
    operations.change(desk.session, desk.author, wording, words=Words("Juste"), specs=SPECS, now=NOW)
    assert fill(desk, queue, NOW + timedelta(minutes=4)).planned == 1


def test_a_brake_keeps_a_queue_from_planning_and_a_pause_calls_off_what_it_planned(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    put(desk, queue, "Un")
    brakes.pull(desk.session, SYSTEM, scope="account", scope_id=desk.here.id, posts=True, answers=False,
                reason="", now=NOW)  # fmt: skip
    fill(desk, queue)
    on = desk.session.scalars(select(m.PostTarget.account_id).join(m.Post).where(m.Post.wording_id.is_not(None)))
    assert set(on) == {desk.there.id}
    moved = desk.session.scalars(select(m.Post).where(m.Post.wording_id.is_not(None)).order_by(m.Post.due_at)).first()
    assert moved is not None
    operations.change(desk.session, desk.publisher, moved, words=Words("À part"), specs=SPECS, now=NOW)
    queues.change_queue(desk.session, desk.publisher, queue, replace(queues.setting_of(queue), is_paused=True), NOW)
    assert planned(desk) == [("2026-03-11T09:00", "À part")]
    assert fill(desk, queue, NOW + DAY) == filling.Filled()
    queues.change_queue(desk.session, desk.publisher, queue, replace(queues.setting_of(queue), is_paused=False), NOW)
    assert fill(desk, queue, NOW + timedelta(minutes=2)).planned == 2


def test_a_season_or_a_pause_of_one_post_leaves_its_slots_to_the_others(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    one, _ = put(desk, queue, "Un"), put(desk, queue, "Deux")
    fill(desk, queue)
    items.change_item(desk.session, desk.publisher, queue, one, Limits(last_day=date(2026, 3, 11)), NOW)
    fill(desk, queue, NOW + timedelta(minutes=2))
    assert [text for _, text in planned(desk)] == ["Un", "Deux", "Deux"]


def test_who_lost_the_right_plans_nothing_more_and_it_is_said(desk: Desk) -> None:
    queue = a_queue(desk)
    kept = put(desk, queue, "Un", desk.author)
    desk.session.get_one(m.Staff, desk.author.staff_id).disabled_at = NOW
    assert fill(desk, queue).planned == 0
    assert kept.refusal == "no_right"
    desk.session.get_one(m.Staff, desk.author.staff_id).disabled_at = None
    assert fill(desk, queue, NOW + timedelta(minutes=2)).planned == 1
    assert kept.refusal == ""


def test_a_published_post_is_copied_into_a_queue_and_a_draft_moves_into_it(desk: Desk) -> None:
    queue = a_queue(desk)
    out, draft = desk.post(text="Déjà prévu"), desk.post(text="Brouillon")
    desk.schedule(out)
    for post in (out, draft):
        items.add_item(desk.session, desk.publisher, queue, post, Limits(), SPECS, NOW)
    assert (out.state, draft.state) == ("scheduled", "evergreen")
    stock = reading.stock_of(desk.session, SYSTEM, queue)
    assert [words_of(p).text for i in stock.items for p in stock.wordings[i.id]] == ["Déjà prévu", "Brouillon"]
    with pytest.raises(Conflict):
        desk.schedule(draft)
    with pytest.raises(Conflict):
        operations.cancel(desk.session, desk.publisher, draft, NOW)
    items.order_items(desk.session, desk.publisher, queue, [i.id for i in reversed(stock.items)], NOW)
    fill(desk, queue)
    assert planned(desk)[0] == ("2026-03-12T09:00", "Brouillon")


def test_other_words_are_another_wording_and_the_last_one_stays(desk: Desk) -> None:
    queue = a_queue(desk, rest_days=0)
    kept = put(desk, queue, "Un")
    made = items.add_wording(desk.session, desk.publisher, queue, kept, "Une", SPECS, NOW)
    fill(desk, queue)
    assert [text for _, text in planned(desk)] == ["Un", "Une", "Un"]
    with pytest.raises(Conflict, match="said so already"):
        items.add_wording(desk.session, desk.publisher, queue, kept, " Une ", SPECS, NOW)
    items.remove_wording(desk.session, desk.publisher, queue, kept, made, NOW)
    [last] = reading.wordings_of(desk.session, [kept.id])[kept.id]
    with pytest.raises(Conflict, match="only wording"):
        items.remove_wording(desk.session, desk.publisher, queue, kept, last, NOW)


def test_who_publishes_on_all_its_accounts_decides_about_a_queue(desk: Desk) -> None:
    queue = a_queue(desk)
    setting = queues.setting_of(queue)
    with pytest.raises(NotAllowed):
        queues.change_queue(desk.session, desk.author, queue, replace(setting, rest_days=5), NOW)
    with pytest.raises(NotFound):
        reading.get_queue(desk.session, desk.stranger, queue.id)
    with pytest.raises(NotFound):
        items.add_item(desk.session, desk.stranger, queue, desk.post(), Limits(), SPECS, NOW)
    some = factories.make_staff(desk.session)
    factories.make_grant(desk.session, some, desk.here, "publisher")
    with pytest.raises(NotFound):
        queues.remove_queue(desk.session, load_actor(desk.session, some, NOW), queue, NOW)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": "  "}, "name"),
        ({"account_ids": ()}, "account_ids"),
        ({"ordering": "random"}, "ordering"),
        ({"rest_days": 367}, "rest_days"),
        ({"horizon_days": 0}, "horizon_days"),
        ({"week": (WeekSlot(0, "09:00"),)}, "label"),
        ({"label": "", "week": (WeekSlot(0, "9h"),)}, "slots.0.at"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_by_its_name(desk: Desk, more: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_queue(desk, **more)
    assert list(refused.value.fields) == [field]


def test_a_queue_with_slots_of_its_own_needs_none_of_the_accounts(desk: Desk, session: Session) -> None:
    wanted = Setting("Soir", (desk.here.id,), week=(WeekSlot(2, "20:15"),), horizon_days=14)
    queue = queues.create_queue(session, desk.publisher, desk.brand, wanted, NOW)
    post = desk.post(variants=[VariantSpec(desk.here.id)])
    items.add_item(session, desk.publisher, queue, post, Limits(), SPECS, NOW)
    fill(desk, queue)
    assert [at for at, _ in planned(desk)] == ["2026-03-11T20:15"]
    with pytest.raises(Conflict):
        queues.create_queue(session, desk.publisher, desk.brand, replace(wanted, name="  SOIR "), NOW)
    queues.remove_queue(session, desk.publisher, queue, NOW)
    assert not planned(desk)
    assert not reading.list_queues(session, desk.publisher)


def test_two_who_fill_at_once_never_fill_one_slot_twice(desk: Desk, engine: Engine) -> None:
    queue = a_queue(desk, rest_days=0)
    put(desk, queue, "Un")
    desk.session.commit()
    both = threading.Barrier(2, timeout=30)

    def fill_once() -> None:
        both.wait()
        with open_unit(engine) as unit:
            filling.fill_queue(unit.session, SYSTEM, queue.id, SPECS, NOW)

    threads = [threading.Thread(target=fill_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    desk.session.expire_all()
    assert [at for at, _ in planned(desk)] == ["2026-03-11T09:00", "2026-03-12T09:00", "2026-03-13T09:00"]
    assert len(desk.session.scalars(select(m.EvergreenUse)).all()) == 6
