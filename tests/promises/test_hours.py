"""Business hours against counting minute by minute, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.promises import hours
from guichet.promises.hours import Hours

# Paris puts the clock forward on 29 March 2026 at 02:00 and back on 25 October at 03:00.
SPRING, AUTUMN = datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 24, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
HALF_HOURS = [time(h, m) for h in range(24) for m in (0, 30)]


@st.composite
def calendars(draw: st.DrawFn) -> Hours:
    intervals = {}
    for day in range(7):
        edges = sorted(draw(st.sets(st.integers(0, 48), max_size=6)))
        spans = zip(edges[::2], edges[1::2], strict=False)
        intervals[day] = tuple((HALF_HOURS[a], HALF_HOURS[b] if b < 48 else time()) for a, b in spans)
    return Hours(draw(st.sampled_from([PARIS, ZoneInfo("America/St_Johns"), ZoneInfo("UTC")])), intervals)


def is_open_by_the_clock_on_the_wall(calendar: Hours, at: datetime) -> bool:
    wall = at.astimezone(calendar.zone)
    spans = calendar.intervals.get(wall.weekday(), ())
    return any(a <= wall.time().replace(fold=0) and (wall.time().replace(fold=0) < b or b == time()) for a, b in spans)


moments = st.builds(
    lambda base, minutes: base + timedelta(minutes=minutes),
    st.sampled_from([SPRING, AUTUMN]), st.integers(0, 3 * 24 * 60),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, st.integers(0, 40 * 60))
def test_business_time_is_what_counting_minutes_gives(calendar: Hours, start: datetime, minutes: int) -> None:
    brute = sum(is_open_by_the_clock_on_the_wall(calendar, start + timedelta(minutes=n)) for n in range(minutes))
    counted = hours.open_between(calendar, start, start + timedelta(minutes=minutes))
    # An hour that the clock repeats is open throughout if it is open at either end of it.
    repeats = calendar.zone is not None and _has_repeated_hour(calendar, start, minutes)
    assert counted == timedelta(minutes=brute) or (
        repeats and abs(counted - timedelta(minutes=brute)) <= timedelta(hours=1)
    )


def _has_repeated_hour(calendar: Hours, start: datetime, minutes: int) -> bool:
    before = start.astimezone(calendar.zone).utcoffset()
    after = (start + timedelta(minutes=minutes)).astimezone(calendar.zone).utcoffset()
    return before is not None and after is not None and before > after


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, st.integers(1, 3000))
def test_a_deadline_is_where_so_much_business_time_has_passed(calendar: Hours, start: datetime, minutes: int) -> None:
    end = hours.add_open(calendar, start, timedelta(minutes=minutes))
    if end is None:
        assert not any(calendar.intervals.values())
    else:
        assert hours.open_between(calendar, start, end) == timedelta(minutes=minutes)
        assert hours.open_between(calendar, start, end - timedelta(seconds=1)) < timedelta(minutes=minutes)


def test_lunch_nights_and_days_off() -> None:
    calendar = hours.parse("Europe/Paris", {"1": [["09:00", "12:30"], ["14:00", "00:00"]]}, ["2026-03-17"])
    tuesday = datetime(2026, 3, 10, tzinfo=PARIS)
    assert hours.is_open(calendar, tuesday.replace(hour=9))
    assert not hours.is_open(calendar, tuesday.replace(hour=13))
    assert hours.is_open(calendar, tuesday.replace(hour=23, minute=59))
    assert not hours.is_open(calendar, tuesday + timedelta(days=7, hours=10))
    assert hours.open_between(calendar, tuesday, tuesday + timedelta(days=14)) == timedelta(hours=13.5)


@pytest.mark.parametrize(
    "intervals",
    [{"9": []}, {"0": [["10:00", "09:00"]]}, {"0": [["09:00", "12:00"], ["11:00", "13:00"]]}, {"0": [["x", "y"]]}],
)  # fmt: skip
def test_intervals_that_make_no_sense_are_refused(intervals: dict[str, list[list[str]]]) -> None:
    with pytest.raises(ValueError):
        hours.parse("Europe/Paris", intervals, [])


@settings(max_examples=60, deadline=None)
@given(calendars(), moments, st.integers(1, 3000))
def test_what_began_early_enough_has_had_so_much_business_time(calendar: Hours, end: datetime, minutes: int) -> None:
    start = hours.take_open(calendar, end, timedelta(minutes=minutes))
    if start is None:
        assert not any(calendar.intervals.values())
    else:
        assert hours.open_between(calendar, start, end) == timedelta(minutes=minutes)
        assert hours.open_between(calendar, start + timedelta(seconds=1), end) < timedelta(minutes=minutes)
