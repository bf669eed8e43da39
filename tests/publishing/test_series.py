"""Posts that repeat: the dates of a rule, and this one and the following."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from guichet import models as m
from guichet.errors import Conflict, Invalid, NotFound
from guichet.publishing import operations, series
from guichet.publishing.drafting import VariantSpec, Words, words_of
from guichet.publishing.recurrence import MOST, occurrences
from tests.publishing.desk import NOW, SPECS, Desk

FIRST = "2026-03-27T09:00"  # a Friday; the clocks of Paris go forward that Sunday, at two


def walls(rule: str, first: str = FIRST) -> list[str]:
    return [o.wall_time for o in occurrences(rule, first, "Europe/Paris")]


@pytest.mark.parametrize(
    ("rule", "dates"),
    [
        ("FREQ=DAILY;COUNT=3", ["03-27", "03-28", "03-29"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", ["03-30", "04-02", "04-06"]),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=3", ["03-27", "04-10", "04-24"]),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", ["03-27", "04-24", "05-29"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1;COUNT=2", ["04-01", "05-01"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3", ["03-31", "05-31", "07-31"]),
        ("freq=daily;until=20260328", ["03-27", "03-28"]),
        ("FREQ=DAILY;UNTIL=20260328T070000Z", ["03-27"]),
        ("FREQ=DAILY;UNTIL=20260328T080000Z", ["03-27", "03-28"]),
    ],
)
def test_a_rule_means_these_days(rule: str, dates: list[str]) -> None:
    assert walls(rule) == [f"2026-{day}T09:00" for day in dates]


def test_the_29th_of_february_is_found_in_the_year_that_has_it() -> None:
    assert walls("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=1") == ["2028-02-29T09:00"]


def test_the_wall_time_stays_when_the_clocks_change_and_the_hour_that_is_skipped_is_shown() -> None:
    plain = occurrences("FREQ=DAILY;COUNT=3", "2026-03-28T09:00", "Europe/Paris")
    assert [o.at.hour for o in plain] == [8, 7, 7]
    skipped = occurrences("FREQ=DAILY;COUNT=3", "2026-03-28T02:30", "Europe/Paris", gap_rule="earlier")
    assert [o.shown[11:] for o in skipped] == ["02:30", "01:30", "02:30"]
    twice = occurrences("FREQ=DAILY;COUNT=1", "2026-10-25T02:30", "Europe/Paris", fold_rule="second")
    assert twice[0].at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "rule",
    [
        "", "FREQ=SECONDLY;COUNT=3", "FREQ=HOURLY;COUNT=3", "FREQ=DAILY", "FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=367",
        "FREQ=DAILY;COUNT=2;UNTIL=20260401", "FREQ=DAILY;UNTIL=99991231", "FREQ=DAILY;UNTIL=20270401",
        "FREQ=DAILY;UNTIL=20260301", "FREQ=DAILY;UNTIL=20261340", "FREQ=DAILY;BYHOUR=1;COUNT=2",
        "FREQ=DAILY;BYSECOND=0,1,2;COUNT=2", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=DAILY;FREQ=DAILY;COUNT=2",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31;COUNT=9",
        "FREQ=WEEKLY;INTERVAL=0;COUNT=2", "FREQ=WEEKLY;INTERVAL=99999999999;COUNT=2", "FREQ=MONTHLY;BYDAY=99MO;COUNT=2",
        "FREQ=DAILY;COUNT=2\nEXDATE:20260328", "FREQ=DAILY;COUNT=1e2", "FREQ=YEARLY;BYDAY=MO;COUNT=2",
        "FREQ=WEEKLY;COUNT=366", "FREQ=DAILY;COUNT=2;" + "X" * 200, "FREQ=DAILY;COUNT=\u0662",
    ],
)  # fmt: skip
def test_a_hostile_rule_is_refused_at_once_and_with_a_sentence(rule: str) -> None:
    began = time.process_time()
    with pytest.raises(Invalid) as refused:
        walls(rule)
    assert list(refused.value.fields) == ["rule"]
    assert time.process_time() - began < 3


def test_a_year_of_days_is_the_most() -> None:
    assert len(walls(f"FREQ=DAILY;COUNT={MOST}")) == MOST


def repeat(desk: Desk, rule: str = "FREQ=WEEKLY;COUNT=4", **more: object) -> list[m.Post]:
    post = desk.post(variants=[VariantSpec(desk.here.id)])
    return series.repeat(
        desk.session, desk.publisher, post, rule=rule, wall_time="2026-03-17T09:00", time_zone="Europe/Paris",
        specs=SPECS, now=NOW, **more,
    )  # fmt: skip


def stand(desk: Desk, posts: list[m.Post]) -> list[tuple[str, str]]:
    return [((p.wall_time or "")[5:], p.state) for p in posts]


def said(posts: list[m.Post]) -> list[str]:
    return [words_of(p).text for p in posts]


def test_every_date_is_a_post_of_its_own_with_its_delivery_on_summer_and_winter_time(desk: Desk) -> None:
    posts = repeat(desk)
    assert stand(desk, posts) == [(f"{day}T09:00", "scheduled") for day in ("03-17", "03-24", "03-31", "04-07")]
    assert [desk.deliveries(p)[0].due_at.hour for p in posts] == [8, 8, 7, 7]
    assert series.occurrences_of(desk.session, desk.publisher, posts[2]) == posts


def test_one_is_skipped_and_one_is_changed_and_what_follows_passes_them_over(desk: Desk) -> None:
    first, second, third, fourth = posts = repeat(desk)
    operations.cancel(desk.session, desk.publisher, second, NOW)
    operations.change(desk.session, desk.publisher, third, words=Words("Just this once"), specs=SPECS, now=NOW)
    assert [p.is_exception for p in posts] == [False, False, True, False]
    series.change_following(
        desk.session, desk.publisher, first, version=first.version, words=Words("New"), specs=SPECS, now=NOW
    )
    assert said(posts) == ["New", "Bonjour", "Just this once", "New"]
    assert desk.deliveries(fourth)[0].payload["text"] == "New"
    series.move_following(
        desk.session, desk.publisher, first, wall_time="2026-03-18T10:30", time_zone="Europe/Paris", now=NOW
    )
    assert stand(desk, posts) == [
        ("03-18T10:30", "scheduled"), ("03-24T09:00", "cancelled"), ("03-31T09:00", "scheduled"),
        ("04-08T10:30", "scheduled"),
    ]  # fmt: skip
    assert desk.deliveries(fourth)[0].due_at == datetime(2026, 4, 8, 8, 30, tzinfo=UTC)


def test_what_is_done_to_the_following_leaves_what_came_before(desk: Desk) -> None:
    posts = repeat(desk)
    operations.change(desk.session, desk.publisher, posts[3], words=Words("Once"), specs=SPECS, now=NOW)
    series.cancel_following(desk.session, desk.publisher, posts[1], NOW)
    assert [p.state for p in posts] == ["scheduled", "cancelled", "cancelled", "cancelled"]


def test_one_that_cannot_be_stops_the_whole_series(desk: Desk) -> None:
    desk.here.clash_policy = "refuse"
    with pytest.raises(Conflict):
        repeat(desk)
    desk.here.clash_policy = "warn"
    with pytest.raises(Invalid) as much:
        series.repeat(
            desk.session, desk.publisher, desk.post(words=Words("a", first_comment="b")), rule="FREQ=DAILY;COUNT=300",
            wall_time="2026-03-17T09:00", time_zone="Europe/Paris", specs=SPECS, now=NOW,
        )  # fmt: skip
    assert list(much.value.fields) == ["rule"]


def test_a_series_that_waits_for_approval_is_agreed_to_at_once_as_far_as_it_says_the_same(desk: Desk) -> None:
    post = desk.post(desk.author, variants=[VariantSpec(desk.here.id)])
    posts = series.repeat(
        desk.session, desk.author, post, rule="FREQ=WEEKLY;COUNT=3", wall_time="2026-03-17T09:00",
        time_zone="Europe/Paris", specs=SPECS, now=NOW,
    )  # fmt: skip
    assert [p.state for p in posts] == ["awaiting_approval"] * 3
    operations.change(desk.session, desk.author, posts[1], words=Words("Another"), specs=SPECS, now=NOW)
    series.approve_following(desk.session, desk.publisher, posts[0], NOW, posts[0].version)
    assert [p.state for p in posts] == ["scheduled", "awaiting_approval", "scheduled"]


def test_series_are_listed_with_what_is_to_come_to_who_sees_a_post_of_them(desk: Desk) -> None:
    posts = series.repeat(
        desk.session, desk.publisher, desk.post(), rule="FREQ=WEEKLY;COUNT=3", wall_time="2026-03-11T09:00",
        time_zone="Europe/Paris", specs=SPECS, now=NOW,
    )  # fmt: skip
    operations.cancel(desk.session, desk.publisher, posts[0], NOW)
    [found] = series.list_series(desk.session, desk.author)
    assert (found.posts, found.to_come, found.next_at) == (3, 2, posts[1].due_at)
    assert series.list_series(desk.session, desk.stranger) == []
    with pytest.raises(NotFound):
        series.get_series(desk.session, desk.stranger, found.series.id)
