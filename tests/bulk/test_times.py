"""Moments as people and programs write them; what has two readings is asked, not guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guichet.bulk.times import ORDERS, Moment, Unread, read_moment

AT = datetime(2026, 3, 9, 14, 30)  # noqa: DTZ001 - a wall time


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2026-03-09 14:30", ""),
        ("2026-03-09T14:30", ""),
        ("2026/3/9, 14:30", ""),
        ("9.3.2026 14:30", ""),
        ("9 March 2026 14:30", ""),
        ("Mar 9th, 2026 2:30 PM", ""),
        ("lundi 9 mars 2026 à 14h30", ""),
        ("9-Mar-2026", "2:30 p.m."),
        ("2026-03-09", "14:30"),
    ],
)
def test_a_moment_is_read_as_it_is_written_here_and_there(text: str, clock: str) -> None:
    assert read_moment(text, clock) == Moment(AT)


@pytest.mark.parametrize(("text", "day"), [("13/04/2026 9:00", 13), ("04/13/2026 9:00", 13), ("05/05/2026 9:00", 5)])
def test_what_has_one_reading_is_read(text: str, day: int) -> None:
    found = read_moment(text)
    assert isinstance(found, Moment)
    assert found.wall.day == day


def test_what_has_two_readings_is_answered_with_both() -> None:
    found = read_moment("03/04/2026 9:00")
    assert isinstance(found, Unread)
    assert (found.name, found.choices) == ("ambiguous_date", ("2026-04-03 9:00", "2026-03-04 9:00"))
    assert [read_moment(choice) for choice in found.choices] == [
        read_moment("03/04/2026 9:00", order=o) for o in ORDERS
    ]


def test_once_somebody_was_asked_the_other_order_is_no_day() -> None:
    found = read_moment("04/13/2026 9:00", order="dmy")
    assert isinstance(found, Unread)
    assert found.name == "no_such_day"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("2026-02-30 09:00", "no_such_day"),
        ("2026-03-09", "time_missing"),
        ("2026-03-09 25:00", "time_unread"),
        ("2026-03-09 9", "time_unread"),
        ("2026-03-09 13 pm", "time_unread"),
        ("2026-03-09 09:00+99:00", "time_unread"),
        ("9/3/26 9:00", "short_year"),
        ("next Tuesday", "date_unread"),
        ("9 Brumaire 2026 9:00", "date_unread"),
        ("x" * 10_000, "date_unread"),
        ("46090.604167", "date_serial"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, name: str) -> None:
    found = read_moment(text)
    assert isinstance(found, Unread)
    assert found.name == name


def test_excels_days_are_shown_as_the_date_they_may_be() -> None:
    found = read_moment("46090.604167")
    assert isinstance(found, Unread)
    assert found.choices == ("2026-03-09 14:30",)


def test_an_offset_is_a_moment_of_the_world() -> None:
    assert read_moment("2026-03-09T14:30:00+05:30") == Moment(AT, timedelta(hours=5, minutes=30))
    assert read_moment("2026-03-09T14:30:00Z") == Moment(AT, timedelta(0))


@settings(max_examples=60, deadline=None)
@given(st.datetimes(AT.replace(year=1970), AT.replace(year=2199)).map(lambda d: d.replace(microsecond=0)))
def test_no_moment_is_ever_read_as_another(at: datetime) -> None:
    for shape in ("%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d %B %Y %I:%M:%S %p"):
        assert read_moment(at.strftime(shape)) == Moment(at)
    for order, shape in zip(ORDERS, ("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S"), strict=True):
        assert read_moment(at.strftime(shape), order=order) == Moment(at)
        found = read_moment(at.strftime(shape))
        assert found == Moment(at) or (isinstance(found, Unread) and found.name == "ambiguous_date")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.text(max_size=20), st.sampled_from(["", *ORDERS]))
def test_whatever_is_written_there_is_a_moment_or_a_reason(text: str, clock: str, order: str) -> None:
    assert isinstance(read_moment(text, clock, order), Moment | Unread)
