"""Weekly slots: what they mean in UTC, what is free of them, and who gets the next."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.policy import SYSTEM, load_actor
from guichet.publishing import operations, slots
from guichet.publishing.drafting import VariantSpec
from guichet.publishing.embargo import set_embargo
from guichet.publishing.openings import WeekSlot, openings_of
from guichet.publishing.queueing import add_to_queue, next_free
from guichet.unit import open_unit
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk

# NOW is a Tuesday morning, 10:30 in Paris.
TUESDAY, WEDNESDAY, SUNDAY = 1, 2, 6


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def give(desk: Desk, account: m.Account, *week: tuple[int, str]) -> None:
    slots.set_slots(desk.session, SYSTEM, account, [WeekSlot(*s) for s in week], NOW)


def moments(week: list[WeekSlot], since: datetime, until: datetime) -> list[datetime]:
    return [o.at for o in openings_of(1, week, "Europe/Paris", since, until)]


def test_a_slot_keeps_its_wall_time_when_the_clocks_change() -> None:
    assert moments([WeekSlot(SUNDAY, "09:00")], utc(20, 0), utc(6, 0, month=4)) == [
        utc(22, 8),
        utc(29, 7),
        utc(5, 7, month=4),
    ]


def test_a_slot_in_the_hour_that_is_skipped_is_an_hour_later_and_two_that_meet_there_are_one() -> None:
    week = [WeekSlot(SUNDAY, "02:30"), WeekSlot(SUNDAY, "03:30")]
    assert moments(week, utc(28, 23), utc(30, 0)) == [utc(29, 1, 30)]
    assert moments(week, utc(24, 22, month=10), utc(25, 12, month=10)) == [utc(25, 0, 30, 10), utc(25, 2, 30, 10)]


def test_the_window_holds_its_beginning_and_not_its_end() -> None:
    assert moments([WeekSlot(TUESDAY, "09:00")], utc(10, 8), utc(17, 8)) == [utc(10, 8)]


@pytest.mark.parametrize(
    ("slot", "field"),
    [
        (WeekSlot(7, "09:00"), "slots.1.weekday"),
        (WeekSlot(0, "24:00"), "slots.1.at"),
        (WeekSlot(0, "9:00"), "slots.1.at"),
        (WeekSlot(3, "12:00"), "slots.1.at"),
        (WeekSlot(0, "09:00", "x" * 61), "slots.1.label"),
    ],
)
def test_a_slot_that_cannot_be_is_refused_by_its_name_and_the_week_stays(
    desk: Desk, slot: WeekSlot, field: str
) -> None:
    give(desk, desk.here, (TUESDAY, "09:00"))
    with pytest.raises(Invalid) as refused:
        slots.set_slots(desk.session, SYSTEM, desk.here, [WeekSlot(3, "12:00"), slot], NOW)
    assert list(refused.value.fields) == [field]
    assert slots.weeks_of(desk.session, SYSTEM, [desk.here.id]) == {desk.here.id: [WeekSlot(TUESDAY, "09:00")]}


def test_only_who_manages_an_account_sets_its_slots(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        slots.set_slots(desk.session, desk.publisher, desk.here, [], NOW)


def test_each_account_takes_its_own_next_slot_and_what_differs_becomes_a_post_of_its_own(desk: Desk) -> None:
    give(desk, desk.here, (TUESDAY, "10:00"), (TUESDAY, "14:00"))
    give(desk, desk.there, (WEDNESDAY, "09:00"))
    post = desk.post(variants=[VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="Hello")])
    first, second = add_to_queue(desk.session, desk.publisher, post, specs=SPECS, now=NOW)
    assert first is post
    assert [(d.account_id, d.due_at) for d in desk.deliveries(first)] == [(desk.here.id, utc(10, 13))]
    assert [(d.account_id, d.due_at, d.payload["text"]) for d in desk.deliveries(second)] == [
        (desk.there.id, utc(11, 8), "Hello")
    ]
    assert (first.wall_time, first.time_zone) == ("2026-03-10T14:00", "Europe/Paris")


def test_accounts_whose_slots_come_at_the_same_time_share_the_post(desk: Desk) -> None:
    for account in (desk.here, desk.there):
        give(desk, account, (TUESDAY, "14:00"))
    made = add_to_queue(desk.session, desk.publisher, desk.post(), specs=SPECS, now=NOW)
    assert len(made) == 1
    assert [d.due_at for d in desk.deliveries(made[0])] == [utc(10, 13)] * 2


def test_together_they_take_the_first_slot_that_all_have_free(desk: Desk) -> None:
    give(desk, desk.here, (TUESDAY, "14:00"), (WEDNESDAY, "09:00"))
    give(desk, desk.there, (TUESDAY, "16:00"), (WEDNESDAY, "09:00"))
    (made,) = add_to_queue(desk.session, desk.publisher, desk.post(), together=True, specs=SPECS, now=NOW)
    assert [d.due_at for d in desk.deliveries(made)] == [utc(11, 8)] * 2
    (later,) = add_to_queue(desk.session, desk.publisher, desk.post(), together=True, specs=SPECS, now=NOW)
    assert later.due_at == utc(18, 8)


def test_a_slot_is_taken_by_whatever_stands_there_and_free_again_when_that_has_gone(desk: Desk) -> None:
    give(desk, desk.here, (WEDNESDAY, "09:00"))
    by_hand = desk.post(variants=[VariantSpec(desk.here.id)])
    desk.schedule(by_hand, at="2026-03-11T09:00")

    def queued() -> m.Post:
        return add_to_queue(
            desk.session, desk.publisher, desk.post(variants=[VariantSpec(desk.here.id)]), specs=SPECS, now=NOW
        )[0]

    second, third = queued(), queued()
    assert [p.due_at for p in (second, third)] == [utc(18, 8), utc(25, 8)]
    operations.cancel(desk.session, desk.publisher, second, NOW)
    assert queued().due_at == utc(18, 8)
    operations.reschedule(
        desk.session, desk.publisher, third, wall_time="2026-03-20T10:00", time_zone="Europe/Paris", now=NOW
    )
    assert queued().due_at == utc(25, 8)
    assert queued().due_at == utc(1, 7, month=4)


def test_changing_the_week_moves_nothing_that_is_scheduled(desk: Desk) -> None:
    give(desk, desk.here, (WEDNESDAY, "09:00"))
    (post,) = add_to_queue(
        desk.session, desk.publisher, desk.post(variants=[VariantSpec(desk.here.id)]), specs=SPECS, now=NOW
    )
    give(desk, desk.here, (WEDNESDAY, "17:00"))
    assert [d.due_at for d in desk.deliveries(post)] == [utc(11, 8)]
    found = slots.openings(desk.session, desk.publisher, [desk.here], NOW, NOW + timedelta(days=7))
    assert [(o.at, o.post_id) for o in found] == [(utc(11, 16), None)]


def test_without_a_slot_or_a_common_one_it_is_said_and_nothing_is_scheduled(desk: Desk) -> None:
    give(desk, desk.here, (TUESDAY, "14:00"))
    post = desk.post()
    with pytest.raises(Invalid) as bare:
        add_to_queue(desk.session, desk.publisher, post, specs=SPECS, now=NOW)
    assert (bare.value.code, list(bare.value.fields)) == ("no_slots", [f"accounts.{desk.there.id}"])
    give(desk, desk.there, (TUESDAY, "15:00"))
    with pytest.raises(Conflict) as apart:
        add_to_queue(desk.session, desk.publisher, post, together=True, specs=SPECS, now=NOW)
    assert apart.value.code == "no_common_slot"
    assert (post.state, desk.deliveries(post)) == ("draft", [])


def test_what_an_author_queues_waits_for_approval_at_its_slot(desk: Desk) -> None:
    give(desk, desk.here, (TUESDAY, "14:00"))
    post = desk.post(desk.author, variants=[VariantSpec(desk.here.id)])
    add_to_queue(desk.session, desk.author, post, specs=SPECS, now=NOW)
    assert (post.state, post.due_at) == ("awaiting_approval", utc(10, 13))
    (coming,) = next_free(desk.session, desk.author, [desk.here], together=False, after=NOW)
    assert coming.at == utc(17, 13)


def test_what_the_queue_parts_keeps_its_embargo_and_who_wrote_it(desk: Desk) -> None:
    give(desk, desk.here, (TUESDAY, "12:00"), (SUNDAY, "12:00"))
    give(desk, desk.there, (WEDNESDAY, "12:00"))
    post = desk.post(desk.author)
    set_embargo(desk.session, desk.author, post, "2026-03-11T08:00", "Europe/Paris", NOW)
    first, copy = add_to_queue(desk.session, desk.publisher, post, specs=SPECS, now=NOW)
    assert [p.due_at for p in (first, copy)] == [utc(11, 11), utc(15, 11)]
    assert (copy.embargo_at, {e.staff_id for e in copy.editors}) == (utc(11, 7), {desk.author.staff_id})


def test_people_who_press_at_once_never_get_the_same_slot(engine: Engine) -> None:
    """The one who comes second waits for the first in the database, and takes the slot after."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        brand = factories.make_brand(session)
        account = factories.make_account(session, brand)
        person = factories.make_staff(session, "administrator")
        slots.set_slots(session, SYSTEM, account, [WeekSlot(n, "09:00") for n in range(7)], NOW)
        actor = load_actor(session, person, NOW)
    everybody = threading.Barrier(4)
    failed: list[BaseException] = []

    def press() -> None:
        try:
            with open_unit(engine) as unit:
                post = operations.create(
                    unit.session, actor, brand=brand, words=operations.Words("Bonjour"),
                    variants=[VariantSpec(account.id)], now=NOW,
                )  # fmt: skip
            everybody.wait(20)
            with open_unit(engine) as unit:
                mine = unit.session.get_one(m.Post, post.id)
                add_to_queue(unit.session, actor, mine, specs=SPECS, now=NOW)
        except BaseException as e:
            failed.append(e)

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    with Session(engine) as session:
        due = list(session.scalars(select(m.Post.due_at).order_by(m.Post.due_at)))
    assert due == [utc(11 + n, 8) for n in range(4)]
