"""What a prepared text must be, and on which days it holds."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from guichet.errors import Invalid
from guichet.triage import texts

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 9)


@pytest.mark.parametrize(
    ("since", "until", "today", "stands"),
    [
        (None, None, LAST, "valid"),
        (FIRST, LAST, FIRST, "valid"),
        (FIRST, LAST, LAST, "valid"),
        (FIRST, None, date(2026, 3, 1), "early"),
        (None, LAST, date(2026, 3, 10), "expired"),
        (LAST, FIRST, date(2026, 3, 5), "expired"),
    ],
)
def test_both_days_are_included(since: date | None, until: date | None, today: date, stands: str) -> None:
    assert texts.standing(since, until, today) == stands


def test_what_is_kept_is_tidy_and_nothing_else() -> None:
    kept = texts.checked(
        {"folder": "  Lost \t luggage ", "translations": {" FR ": " Bonjour ", "de": "  "}, "language": "en", "id": 3}
    )
    assert kept == {"folder": "Lost luggage", "translations": {"fr": "Bonjour"}, "language": "en"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"folder": "x" * 61}, "folder"),
        ({"translations": {"FR": "Bonjour"}, "language": "fr"}, "translations"),
        ({"translations": {f"a{n}": "x" for n in range(21)}}, "translations"),
        ({"valid_from": LAST, "valid_until": FIRST}, "valid_until"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as e:
        texts.checked(values)
    assert list(e.value.fields) == [field]
