"""In what a timeline and our rows differ: the decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.contract import Figures, Standing, Timeline
from channels.mastodon import SPEC
from guichet.comparing import rules
from guichet.comparing.rules import Said, Sent, Stretch
from tests.factories import NOW

HOUR = timedelta(hours=1)
DAY = Stretch(NOW - 24 * HOUR, NOW, 100, NOW - 24 * HOUR)


def standing(remote_id: str, hours_ago: float, text: str = "bonjour", **more: object) -> Standing:
    return Standing(remote_id, text, NOW - hours_ago * HOUR, **more)


def sent(remote_id: str, hours_ago: float) -> Sent:
    return Sent(int(remote_id), remote_id, f"n° {remote_id}", NOW - hours_ago * HOUR)


def test_a_stretch_begins_where_the_last_one_ended_and_ends_before_what_may_still_change() -> None:
    long_ago = NOW - timedelta(days=90)
    last = NOW - 24 * HOUR
    asked = rules.stretch(SPEC, last, long_ago, 100, NOW)
    assert asked.since == last - rules.MARGIN
    assert asked.until == NOW - SPEC.latest_arrival - SPEC.read_lag - rules.MARGIN
    assert rules.stretch(SPEC, None, long_ago, 100, NOW).since == asked.until - rules.FIRST_STRETCH
    assert rules.stretch(SPEC, long_ago, long_ago, 100, NOW).since == NOW - rules.LONGEST_STRETCH
    assert rules.stretch(SPEC, None, NOW - HOUR, 100, NOW).since == NOW - HOUR, "not from before it was connected"


@pytest.mark.parametrize(
    ("spent", "limit", "price", "reads"),
    [
        (0, None, 1000, rules.MOST_READ),
        (0, 10_000_000, 0, rules.MOST_READ),
        (0, 100_000, 1000, 80),
        (79_000, 100_000, 1000, 1),
        (79_001, 100_000, 1000, 0),
        (90_000, 100_000, 1000, 0),
    ],
)
def test_reading_never_takes_what_is_left_for_those_who_have_something_to_say(
    spent: int, limit: int | None, price: int, reads: int
) -> None:
    assert rules.reads_left(spent, limit, price) == reads


def test_what_we_published_and_is_not_there_is_an_absence() -> None:
    timeline = Timeline((standing("1", 1), standing("9", 2, aliases=("2",))), True)
    ours = [sent("1", 1), sent("2", 2), sent("3", 3), sent("4", 4), sent("5", 25), sent("6", -1)]
    found = rules.absences(DAY, timeline, ours, {"4"})
    assert [(f.kind, f.code, f.remote_id, f.delivery_id) for f in found] == [("absence", "gone", "3", 3)]


def test_beyond_what_the_network_showed_nothing_is_called_absent() -> None:
    timeline = Timeline((standing("1", 1), standing("7", 5)), False)
    assert [f.remote_id for f in rules.absences(DAY, timeline, [sent("3", 3), sent("6", 6)], ())] == ["3"]
    assert rules.seen_since(DAY, Timeline((), False)) == DAY.until, "of nothing, nothing is known"


def test_what_stands_there_under_no_id_of_ours_is_unknown() -> None:
    shown = (standing("1", 1), standing("2", 2, aliases=("8",)), standing("3", 25), standing("4", -1), standing("5", 3))
    assert [s.remote_id for s in rules.unknown(DAY, Timeline(shown, True), {"1", "8"})] == ["5"]


@pytest.mark.parametrize(
    ("heard", "alike", "told"),
    [
        (set(), [], ("unknown_hand", None)),
        ({"5"}, [], None),
        ({"5"}, [Said(7, True, False)], ("twice", 7)),
        (set(), [Said(6, False, False), Said(7, True, False)], ("twice", 7)),
        (set(), [Said(6, False, False)], ("our_words", 6)),
        (set(), [Said(6, False, True), Said(7, True, False)], None),
    ],
)
def test_a_stranger_is_told_of_unless_it_is_known_elsewhere(
    heard: set[str], alike: list[Said], told: tuple[str, int | None] | None
) -> None:
    found = rules.strangers([standing("5", 1, "Bon  jour\n", via="Tusky")], heard, {"Bon jour": alike})
    assert [(f.code, f.delivery_id) for f in found] == ([told] if told else [])
    assert all((f.kind, f.via) == ("stranger", "Tusky") for f in found)


def test_only_the_first_words_are_kept() -> None:
    assert rules.excerpt("x" * 300) == "x" * 300
    assert rules.excerpt("x" * 301) == "x" * 299 + "…"


def test_posts_are_read_once_more_when_they_are_old_enough_unless_that_costs_without_a_limit() -> None:
    long_ago, last = NOW - timedelta(days=90), NOW - 24 * HOUR
    assert rules.stretch(SPEC, last, long_ago, 100, NOW).read_since == NOW - rules.MEASURED_UNTIL
    assert rules.stretch(SPEC, None, NOW - HOUR, 100, NOW).read_since == NOW - HOUR
    once = rules.stretch(SPEC, last, long_ago, 100, NOW, measures=False)
    assert once.read_since == once.since


def test_what_a_post_brought_is_taken_at_one_age_under_all_its_ids() -> None:
    shown = (
        standing("new", 23, figures=Figures(1, 0, 0)),
        standing("2", 25, aliases=("1",), figures=Figures(4, 2, 1)),
        standing("silent", 30),
        standing("old", 61, figures=Figures(9, 9, 9)),
    )
    told = rules.settled(Timeline(shown, True), NOW)
    assert told == {"2": Figures(4, 2, 1), "1": Figures(4, 2, 1)}


def test_a_list_that_broke_off_behind_what_was_to_be_compared_is_whole() -> None:
    assert rules.is_whole(DAY, Timeline((standing("1", 30),), False))
    assert not rules.is_whole(DAY, Timeline((standing("1", 20),), False))
