"""Windows and money, as decisions."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from channels.metering import Window
from guichet.metering.rules import (
    Bucket,
    Heard,
    is_plausible,
    level_of,
    newer,
    next_month,
    reserve_of,
)

NOW = datetime(2026, 3, 10, 9, 30, tzinfo=UTC)


def heard(remaining: int, minutes: float = 10) -> Heard:
    return Heard("account:1", "posts", 100, remaining, 900, {"post": 1}, NOW + timedelta(minutes=minutes), NOW)


@pytest.mark.parametrize(
    ("limit", "remaining", "minutes", "plausible"),
    [(100, 0, 15, True), (100, 100, 15, True), (0, 0, 15, False), (100, 101, 15, False), (100, -1, 15, False),
     (100, 0, -1, False), (100, 0, 60 * 24 * 365, False), (10**12, 5, 15, False)],
)  # fmt: skip
def test_an_answer_cannot_silence_an_account_for_years(
    limit: int, remaining: int, minutes: int, plausible: bool
) -> None:
    window = Window("posts", limit, remaining, NOW + timedelta(minutes=minutes))
    assert is_plausible(window, NOW) is plausible


def test_of_answers_in_any_order_the_lowest_of_the_newest_window_stands() -> None:
    assert newer(heard(5), heard(7)) == heard(5)
    assert newer(heard(7), heard(5)) == heard(5)
    assert newer(heard(0), heard(99, minutes=25)) == heard(99, minutes=25)
    assert newer(heard(99, minutes=25), heard(0)) == heard(99, minutes=25)
    assert newer(None, heard(5)) == heard(5)


def claimed(bucket: Bucket, kind: str = "post", is_answer: bool = False, account: int = 1, most: int = 1000) -> int:
    """How many of a kind go before there is no room."""
    n = 0
    while n < most and bucket.has_room(account, kind, is_answer):
        bucket.take(account, kind)
        n += 1
    return n


def test_posts_leave_a_little_for_answers_and_answers_take_all_of_it() -> None:
    bucket = Bucket(left=20, quota=100, costs={"post": 1, "reply": 1}, in_hand=3, reserve=reserve_of(100))
    assert claimed(bucket) == 12
    assert claimed(bucket, "reply", is_answer=True) == 5
    assert claimed(bucket, "delete") == 1000


def test_points_are_counted_by_what_a_post_costs() -> None:
    bucket = Bucket(left=9, quota=5000, costs={"post": 2, "delete": 1})
    assert claimed(bucket) == 4
    assert claimed(bucket, "delete") == 1


def test_of_a_shared_limit_who_had_their_share_leaves_the_rest_to_the_others() -> None:
    bucket = Bucket(
        left=5, quota=100, costs={"post": 1}, reserve=reserve_of(100, 4), share=25, used=Counter({1: 25})
    )  # fmt: skip
    assert claimed(bucket, account=1) == 0
    assert claimed(bucket, account=2) == 3
    assert claimed(bucket, is_answer=True, account=1) == 2


def test_near_the_end_of_the_money_one_goes_at_a_time_and_an_answer_always() -> None:
    def money(left: int, in_hand: int = 0) -> Bucket:
        return Bucket(left=left, quota=1_000_000, costs={"post": 200_000}, is_money=True, in_hand=in_hand)

    assert claimed(money(650_000)) == 3
    assert claimed(money(50_000)) == 1
    assert claimed(money(50_000, in_hand=200_000)) == 0
    assert claimed(money(0)) == 0
    assert claimed(money(-9), "reply", is_answer=True) == 1000


@pytest.mark.parametrize(("spent", "level"), [(0, 0), (79, 0), (80, 80), (99, 80), (100, 100), (300, 100)])
def test_one_is_warned_at_80_and_at_100_per_cent(spent: int, level: int) -> None:
    assert level_of(spent, 100) == level
    assert level_of(spent, None) == 0


def test_a_limit_of_nothing_is_reached_at_once() -> None:
    assert level_of(0, 0) == 100


def test_the_month_ends_with_the_month() -> None:
    assert next_month(NOW) == datetime(2026, 4, 1, tzinfo=UTC)
    assert next_month(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == datetime(2027, 1, 1, tzinfo=UTC)
