"""Which coming times are put forward: free, allowed, and good for all accounts at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from guichet.promises.hours import Hours
from guichet.timing.choosing import Candidate, choose
from guichet.timing.rules import Judgement, Measured, Part, Verdict

PARIS, LONDON = ZoneInfo("Europe/Paris"), ZoneInfo("Europe/London")
MONDAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOTHING = Judgement(Verdict.NOTHING, 50, 40, 5)


def judged(*parts: tuple[Part, float], minute: int = 8 * 60 + 20) -> Judgement:
    """Where the parts with a figure above 0 stand out."""
    found = {p: Measured(p, 11, 11, 14, better, better > 0, minute) for p, better in parts}
    return Judgement(Verdict.FOUND, 90, 60, 6, found)


OURS = Candidate(1, PARIS, judged((Part(1, 8), 0.9)))


def walls(*candidates: Candidate, after: datetime = MONDAY) -> list[str]:
    return [one.at.astimezone(PARIS).strftime("%a %d %H:%M") for one in choose(candidates, after)]


def test_the_next_times_of_the_part_that_stands_out_at_the_usual_minute() -> None:
    assert walls(OURS) == ["Tue 02 08:15", "Tue 09 08:15"]
    assert walls(OURS, after=MONDAY + timedelta(days=1))[0] == "Tue 09 08:15"


def test_where_nothing_stands_out_nothing_is_put_forward() -> None:
    assert walls(replace(OURS, judged=NOTHING)) == []


def test_a_time_that_another_post_is_too_near_to_gives_way_within_its_part() -> None:
    other = datetime(2026, 6, 2, 8, 0, tzinfo=PARIS).astimezone(UTC)
    assert walls(replace(OURS, taken=[other]))[0] == "Tue 02 08:15", "fifteen minutes away is enough"
    assert walls(replace(OURS, taken=[other], min_gap=timedelta(hours=1)))[0] == "Tue 02 09:00"
    assert walls(replace(OURS, taken=[other], min_gap=timedelta(hours=3))) == ["Tue 09 08:15"]


def test_nothing_is_put_forward_for_closed_hours() -> None:
    hours = Hours(PARIS, {1: [(time(9), time(18))]}, frozenset({date(2026, 6, 9)}))
    assert walls(replace(OURS, hours=hours)) == ["Tue 02 09:00"]


def test_of_several_accounts_what_is_good_for_more_comes_first_and_what_is_bad_for_one_not_at_all() -> None:
    other = Candidate(2, LONDON, judged((Part(3, 10), 0.5), minute=10 * 60))
    both = Candidate(2, LONDON, judged((Part(1, 6), 0.3), (Part(3, 10), 2.0), minute=7 * 60))
    against = Candidate(2, LONDON, judged((Part(1, 6), -0.6), (Part(3, 10), 0.5), minute=10 * 60))
    assert walls(OURS, other)[0] == "Tue 02 08:15"
    suggested = choose([OURS, both], MONDAY)
    assert [sorted(one.reasons) for one in suggested] == [[1, 2], [1, 2], [2]]
    assert walls(OURS, against) == ["Thu 04 11:00", "Thu 11 11:00"]


def test_an_hour_that_the_clock_skips_is_never_put_forward() -> None:
    night = Candidate(1, PARIS, judged((Part(6, 2), 0.9), minute=150))
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert walls(night, after=before) == ["Sun 29 03:00", "Sun 05 02:30"]
