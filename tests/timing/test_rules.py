"""When posts did better: what is told, what is not, and that luck is not taken for more."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bench.times import World
from guichet.timing.phrases import summed_up, why
from guichet.timing.queries import Measure
from guichet.timing.rules import NEEDED_POSTS, Judgement, Measured, Part, Seen, Verdict, judge, middle

PARIS = ZoneInfo("Europe/Paris")
TUESDAY_AT_8 = Part(1, 8)


@pytest.fixture(scope="module")
def better() -> Judgement:
    """Of a company whose posts on Tuesdays from 8 to 10 brought four times as much."""
    return judge(World(a_day=2, better=TUESDAY_AT_8, factor=4).history(3), PARIS)


def test_of_histories_made_by_luck_hardly_one_is_told_to_have_a_best_time() -> None:
    told = [judge(World().history(seed), PARIS).verdict for seed in range(20)]
    assert told.count(Verdict.NOTHING) >= 17


def test_a_time_that_is_better_is_found_and_told_with_its_figures(better: Judgement) -> None:
    best = better.best[0]
    assert (better.verdict, best.part) == (Verdict.FOUND, TUESDAY_AT_8)
    assert best.brought > better.usual
    told = why(best, better.usual, Measure.REACTIONS)
    assert told == (
        f"{best.posts} posts on Tuesdays, 08:00–10:00 brought a median of {best.brought} likes, shares and answers; "
        f"all posts {better.usual}"
    )


def test_a_time_belongs_to_its_part_of_the_week_in_the_accounts_zone(better: Judgement) -> None:
    assert better.at(datetime(2026, 6, 2, 9, 59, tzinfo=PARIS)) == better.best[0]
    assert better.at(datetime(2026, 6, 2, 10, 0, tzinfo=PARIS)) is None
    elsewhere = judge(World(a_day=2, better=TUESDAY_AT_8, factor=4).history(3), ZoneInfo("Asia/Tokyo"))
    assert Part(1, 14) in {m.part for m in elsewhere.best}, "in March 8 in Paris is 16 in Tokyo, then 15"


def test_the_same_history_is_judged_the_same_in_any_order(better: Judgement) -> None:
    history = World(a_day=2, better=TUESDAY_AT_8, factor=4).history(3)
    random.Random(7).shuffle(history)
    assert judge(history, PARIS) == better


def test_one_post_that_everybody_passed_on_makes_no_best_time() -> None:
    history = World().history(1)
    loud = [Seen(s.post_id, s.at, 1_000_000 if n == 40 else s.brought) for n, s in enumerate(history)]
    assert judge(loud, PARIS).verdict is Verdict.NOTHING


def test_posts_that_all_brought_the_same_say_nothing() -> None:
    history = [Seen(s.post_id, s.at, 0) for s in World().history(1)]
    assert judge(history, PARIS).verdict is Verdict.NOTHING


def at(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, 1, hour, tzinfo=UTC) + timedelta(days=day)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        ([], "0 posts with known figures, and it takes 30 in 90 days"),
        ([Seen(n, at(n), n) for n in range(NEEDED_POSTS - 1)], "29 posts with known figures, and it takes 30"),
        ([Seen(n, at(n % 14, n // 14), n) for n in range(42)], "its 42 posts went out on 14 days, and it takes 15"),
    ],
)
def test_a_history_that_is_too_thin_says_what_it_lacks(history: list[Seen], says: str) -> None:
    judged = judge(history, PARIS)
    assert (judged.verdict, judged.best) == (Verdict.THIN, [])
    assert says in summed_up(judged)


def test_where_nothing_stands_out_it_is_said_so() -> None:
    assert summed_up(Judgement(Verdict.NOTHING, 50, 40)).startswith("No time stands out")


def test_what_just_that_hour_did_badly_is_not_covered_by_what_is_good_on_other_days() -> None:
    any_day = Measured(Part(None, 8), 40, 40, 9, 0.5, stands_out=True)
    bad = Measured(TUESDAY_AT_8, 8, 8, 2, -0.4)
    judged = Judgement(Verdict.FOUND, 90, 60, 5, {m.part: m for m in (any_day, bad)})
    tuesday, wednesday = (datetime(2026, 6, day, 8, 30, tzinfo=PARIS) for day in (2, 3))
    assert (judged.at(tuesday), judged.at(wednesday)) == (None, any_day)
    assert judged.speaks_against(tuesday)
    assert not judged.speaks_against(wednesday)


def test_the_middle_one_is_one_that_was_there() -> None:
    assert [middle([]), middle([3]), middle([9, 1]), middle([5, 1, 9])] == [0, 3, 1, 5]
