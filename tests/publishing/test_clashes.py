"""What stands in a post's way: another too near, the same words; told, or refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from guichet import models as m
from guichet.delivery import engine
from guichet.errors import Conflict
from guichet.policy import SYSTEM
from guichet.publishing import operations
from guichet.publishing.clash_rules import Clash, Neighbour, Spacing, clashes_of, likeness
from guichet.publishing.clashes import find_clashes
from guichet.publishing.drafting import VariantSpec, Words, contents_of
from guichet.stats import needs_you
from tests.publishing.desk import NOW, SPECS, Desk

AT = datetime(2026, 3, 11, 8, tzinfo=UTC)
LONG = "From Monday, three more trains a day between Paris and Lyon. Book early: the first fares are at 19 €."


def names(found: list[Clash]) -> list[tuple[str, int]]:
    return [(c.name, c.post_id) for c in found]


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        (LONG, LONG, 1, 1),
        (LONG, f"  {LONG.upper()} \n", 1, 1),
        (LONG, LONG.replace("19 €", "29 €"), 0.9, 0.99),
        (LONG, LONG.replace("Monday", "Tuesday") + " 🚆", 0.9, 0.99),
        (LONG, "Night trains are back in the timetable, and the first fares are at 39 €.", 0, 0),
        ("Good morning!", "Good mornin!", 0, 0),
        ("Good morning!", "good  morning!", 1, 1),
        ("", "", 0, 0),
        ("ﬁn de semaine", "fin de semaine", 1, 1),
    ],
)
def test_how_alike_two_texts_are(one: str, other: str, least: float, most: float) -> None:
    assert least <= likeness(one, other) <= most
    assert least <= likeness(other, one) <= most


def test_a_hostile_text_is_compared_no_longer_than_a_plain_one() -> None:
    assert likeness("ab" * 50_000, "ba" * 50_000) < 1


def test_of_each_kind_the_nearest_is_told_and_only_within_reach() -> None:
    gap = timedelta(minutes=60)
    others = [
        Neighbour(1, AT - timedelta(minutes=59), "a"), Neighbour(2, AT + timedelta(minutes=20), "b"),
        Neighbour(3, AT + timedelta(days=3), LONG), Neighbour(4, AT - timedelta(days=8), LONG),
    ]  # fmt: skip
    assert names(clashes_of(7, LONG, AT, others, Spacing(gap, 7))) == [("too_close", 2), ("same_text", 3)]
    assert names(clashes_of(7, LONG, AT, others[2:], Spacing(gap, 2))) == []
    assert names(clashes_of(7, LONG, AT, [Neighbour(1, AT + gap, "a")], Spacing(gap, 7))) == []
    (told,) = clashes_of(7, LONG, AT, others[1:2], Spacing(gap, 0))
    assert (told.data, told.refused) == ({"minutes": 20, "gap": 60}, False)


def one_account(desk: Desk, text: str) -> m.Post:
    return desk.post(text=text, variants=[VariantSpec(desk.here.id)])


def test_what_is_near_on_the_same_account_is_told_and_not_the_post_itself_nor_what_was_cancelled(desk: Desk) -> None:
    desk.here.min_gap_minutes = 30
    first, other = one_account(desk, LONG), one_account(desk, "quite another thing to say on that day")
    desk.schedule(first, at="2026-03-11T09:00")
    desk.schedule(other, at="2026-03-11T09:10")
    third = one_account(desk, LONG)

    def told(post: m.Post) -> list[tuple[str, int]]:
        return names(find_clashes(desk.session, desk.publisher, contents_of(post), AT, SPECS, post.id))

    assert told(third) == [("too_close", first.id), ("same_text", first.id)]
    assert told(first) == [("too_close", other.id)]
    operations.cancel(desk.session, desk.publisher, first, NOW)
    assert told(third) == [("too_close", other.id)]
    desk.here.min_gap_minutes = desk.here.duplicate_days = 0
    assert told(third) == []


def test_a_strict_account_refuses_by_name_and_a_lenient_one_never(desk: Desk) -> None:
    desk.here.clash_policy = "refuse"
    desk.here.min_gap_minutes = 30
    first, second = one_account(desk, LONG), one_account(desk, "something else")
    desk.schedule(first)
    with pytest.raises(Conflict) as refused:
        desk.schedule(second, at="2026-03-11T09:20")
    assert refused.value.code == "clashes"
    assert [(c["name"], c["post_id"]) for c in refused.value.data["current"]] == [("too_close", first.id)]
    assert desk.deliveries(second) == []
    desk.schedule(second, at="2026-03-11T10:00")
    with pytest.raises(Conflict):
        operations.reschedule(
            desk.session, desk.publisher, second, wall_time="2026-03-11T09:29", time_zone="Europe/Paris", now=NOW
        )
    with pytest.raises(Conflict):
        operations.change(desk.session, desk.publisher, second, words=Words(LONG), specs=SPECS, now=NOW)
    desk.session.rollback()


def test_a_post_takes_its_brands_limit_of_lateness_and_may_have_its_own(desk: Desk) -> None:
    desk.brand.late_limit_minutes = 30
    post, own = one_account(desk, "a"), one_account(desk, "b")
    desk.schedule(post)
    (delivery,) = desk.deliveries(post)
    assert delivery.deadline_at == delivery.due_at + timedelta(minutes=30)
    operations.change(desk.session, desk.publisher, post, late_limit=300, specs=SPECS, now=NOW)
    assert delivery.deadline_at == delivery.due_at + timedelta(minutes=5)
    operations.change(desk.session, desk.publisher, own, late_limit=120, specs=SPECS, now=NOW)
    desk.schedule(own)
    assert desk.deliveries(own)[0].deadline_at == delivery.due_at + timedelta(minutes=2)


def test_what_would_be_too_late_is_held_for_a_person_with_the_evidence(desk: Desk) -> None:
    post = desk.post(variants=[VariantSpec(desk.here.id)], late_limit=1800)
    desk.schedule(post)
    (delivery,) = desk.deliveries(post)
    desk.session.flush()
    later = delivery.due_at + timedelta(minutes=31)
    engine.promote(desk.session.connection(), later)
    desk.session.expire_all()
    assert (delivery.state, delivery.reason_code) == ("needs_human", "late")
    (matter,) = needs_you.read(desk.session, SYSTEM, later).items
    assert matter.kind == "stopped_delivery"
    assert matter.evidence[0] == {
        "at": (delivery.due_at + timedelta(minutes=30)).isoformat(), "what": "late", "minutes": 30,
    }  # fmt: skip
