"""By when a customer should have an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from guichet import models as m
from guichet.triage.hours import parse
from guichet.triage.promises import Promise, promises_of
from tests import factories as f

FRIDAY_EVENING = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)


def test_a_promise_is_kept_in_the_hours_of_its_brand() -> None:
    hours = parse("UTC", {str(day): [["09:00", "18:00"]] for day in range(5)}, [])
    assert Promise(timedelta(hours=1), hours).due(FRIDAY_EVENING) == datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


def test_without_hours_the_clock_runs_on() -> None:
    assert Promise(timedelta(hours=1)).due(FRIDAY_EVENING) == FRIDAY_EVENING + timedelta(hours=1)


def test_hours_that_never_open_have_no_deadline() -> None:
    assert Promise(timedelta(hours=1), parse("UTC", {}, [])).due(FRIDAY_EVENING) is None


def test_only_accounts_of_brands_that_promised_have_one(session: Session) -> None:
    calendar = m.Calendar(name="Office", time_zone="UTC", intervals={"0": [["09:00", "18:00"]]})
    session.add(calendar)
    session.flush()
    keeps = f.make_account(session, f.make_brand(session, answer_within_minutes=30, calendar_id=calendar.id))
    silent = f.make_account(session, f.make_brand(session))
    found = promises_of(session, [keeps.id, silent.id])
    assert set(found) == {keeps.id}
    assert found[keeps.id].within == timedelta(minutes=30)
    assert found[keeps.id].hours is not None
