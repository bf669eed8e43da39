"""For how long a brand keeps what was said: an administrator says it, and is told first what would go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from guichet.models import Account
from tests import factories as make
from tests.webapp.site import Site


@pytest.fixture
def brand(both: Site) -> int:
    """Its id. Two conversations are over, for 10 and for 100 days; one of 100 days is open."""
    with both.rows() as session:
        account = make.make_account(session)
        for age, state in ((10, "resolved"), (100, "closed"), (100, "open")):
            at = both.clock.now - timedelta(days=age)
            make.make_conversation(session, account, state=state, last_message_at=at)
        return account.brand_id


def test_an_administrator_is_told_what_would_go_and_sets_it(both: Site, brand: int) -> None:
    with both.rows() as session:
        person = make.make_staff(session, "administrator")
    chief = both.browser(person)
    assert chief.get(f"/brands/{brand}").get_json()["keep_days"] is None
    counted = [chief.get(f"/brands/{brand}/too-old", query_string={"days": n}).get_json() for n in (7, 30, 365)]
    assert [one["conversations"] for one in counted] == [2, 1, 0]
    assert chief.patch(f"/brands/{brand}", {"keep_days": 30}).get_json()["keep_days"] == 30
    assert chief.patch(f"/brands/{brand}", {"name": "Other"}).get_json()["keep_days"] == 30
    assert chief.patch(f"/brands/{brand}", {"keep_days": None}).get_json()["keep_days"] is None


@pytest.mark.parametrize("days", [0, 6, -1, 36_501, "soon"])
def test_what_is_no_number_of_days_is_refused_and_says_where(both: Site, brand: int, days: object) -> None:
    with both.rows() as session:
        person = make.make_staff(session, "administrator")
    chief = both.browser(person)
    for refused in (
        chief.patch(f"/brands/{brand}", {"keep_days": days}),
        chief.get(f"/brands/{brand}/too-old", query_string={"days": days}),
    ):
        assert refused.status_code == 422, refused.get_data(as_text=True)
        assert [e["field"] for e in refused.get_json()["errors"]] in (["keep_days"], ["days"])


def test_nobody_else_counts_or_sets(both: Site, brand: int) -> None:
    with both.rows() as session:
        person = make.make_staff(session, "team_lead")
        for account in session.scalars(select(Account).where(Account.brand_id == brand)):
            make.make_grant(session, person, account, "manager")
    lead = both.browser(person)
    assert lead.get(f"/brands/{brand}/too-old", query_string={"days": 30}).status_code == 403
    assert lead.patch(f"/brands/{brand}", {"keep_days": 30}).status_code == 403
