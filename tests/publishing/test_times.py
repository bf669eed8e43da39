"""Wall times against the C library's own list of changes of the clock."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guichet.errors import Invalid
from guichet.publishing.rules import due_time, readings_of

TRANSITIONS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tz-transitions" / "transitions.txt.gz"
_LINE = re.compile(r"(\S+)\s+\w+ (\w+ +\d+ [\d:]+ \d+) UTC? = \w+ (\w+ +\d+ [\d:]+ \d+) \S+ isdst=\d gmtoff=(-?\d+)")


def changes() -> Iterator[tuple[str, datetime, int, int]]:
    """Each change: zone, the UTC second from which the new offset holds, offsets before and after."""
    if not TRANSITIONS.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{TRANSITIONS} is missing")
        pytest.skip("the list of changes of the clock is not beside this checkout")
    before: tuple[str, datetime, int] | None = None
    for line in gzip.decompress(TRANSITIONS.read_bytes()).decode().splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        at = datetime.strptime(match[2], "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        here = (match[1], at, int(match[4]))
        if before and before[0] == here[0] and here[1] - before[1] == timedelta(seconds=1):
            yield here[0], here[1], before[2], here[2]
        before = here


def test_every_hour_that_is_skipped_or_repeated_follows_its_rule() -> None:
    gaps = folds = 0
    for zone, at, old, new in changes():
        middle = (at + timedelta(seconds=(old + new) / 2)).replace(tzinfo=None).isoformat()
        by_old = datetime.fromisoformat(middle).replace(tzinfo=UTC) - timedelta(seconds=old)
        by_new = datetime.fromisoformat(middle).replace(tzinfo=UTC) - timedelta(seconds=new)
        if new > old:
            gaps += 1
            assert due_time(middle, zone, gap_rule="later") == by_old, (zone, middle)
            assert due_time(middle, zone, gap_rule="earlier") == by_new, (zone, middle)
        elif new < old:
            folds += 1
            assert due_time(middle, zone, fold_rule="first") == by_old, (zone, middle)
            assert due_time(middle, zone, fold_rule="second") == by_new, (zone, middle)
    assert gaps > 100
    assert folds > 100


ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]


@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(lambda d: d.replace(microsecond=0)),  # noqa: DTZ001 - wall times have no zone
    st.sampled_from(ZONES),
    st.sampled_from(["first", "second"]),
    st.sampled_from(["later", "earlier"]),
)
def test_a_due_time_reads_as_its_wall_time_or_that_did_not_exist(
    wall: datetime, zone: str, fold: str, gap: str
) -> None:
    due = due_time(wall.isoformat(), zone, fold, gap)
    read = due.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if read != wall:  # a gap: moved by its length, to the side that was asked for
        assert (read > wall) == (gap == "later")
        assert abs(read - wall) <= timedelta(hours=24)
        other = due_time(wall.isoformat(), zone, fold, "earlier" if gap == "later" else "later")
        assert other != due


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        ("tomorrow", "UTC"),
        ("2026-03-29T02:30+01:00", "Europe/Paris"),
        ("2026-13-01T00:00", "UTC"),
        ("2026-03-29T02:30", "Europe/Pari"),
        ("2026-03-29T02:30", "../../etc/passwd"),
        ("2026-03-29T02:30", ""),
        ("0001-01-01T00:00", "Asia/Tokyo"),
        ("9999-12-31T23:59", "America/New_York"),
    ],
)
def test_what_is_no_time_or_zone_is_refused_naming_the_field(wall: str, zone: str) -> None:
    with pytest.raises(Invalid) as refused:
        due_time(wall, zone)
    assert set(refused.value.fields) <= {"wall_time", "time_zone"}


@pytest.mark.parametrize(
    ("wall", "readings"),
    [
        ("2026-03-29T02:30", {"later": (3, 29, 1, 30), "earlier": (3, 29, 0, 30)}),
        ("2026-10-25T02:30", {"first": (10, 25, 0, 30), "second": (10, 25, 1, 30)}),
        ("2026-10-25T03:30", {}),
    ],
)
def test_what_a_wall_time_can_mean_is_told_where_the_clock_changes_and_only_there(
    wall: str, readings: dict[str, tuple[int, int, int, int]]
) -> None:
    expected = {rule: datetime(2026, *at, tzinfo=UTC) for rule, at in readings.items()}
    assert readings_of(wall, "Europe/Paris") == expected
