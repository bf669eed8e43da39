"""Limits, money and sign-ins through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Browser, Site


@pytest.fixture
def account_id(site: Site) -> int:
    with site.rows() as session:
        return make.make_account(session, network="x", base_url="https://api.x.com", settings={}).id


@pytest.fixture
def manager(site: Site, account_id: int) -> Browser:
    return site.browser(someone(site, account_id, "manager"))


def someone(site: Site, account_id: int, role: str) -> m.Staff:
    with site.rows() as session:
        person = make.make_staff(session)
        make.make_grant(session, person, session.get_one(m.Account, account_id), role)
        return person


def spend(site: Site, account_id: int, micros: int, item: str = "post") -> None:
    with site.rows() as session:
        month = site.clock.now.strftime("%Y-%m")
        row = m.Spend(account_id=account_id, month=month, item=item, currency="USD", quantity=3, micros=micros)
        session.add(row)


def hear(site: Site, account_id: int, remaining: int, minutes: int = 10) -> None:
    with site.rows() as session:
        now = site.clock.now
        row = m.RateWindow(
            owner=f"account:{account_id}", name="posts", quota=100, remaining=remaining, seconds=900,
            costs={"post": 1}, reset_at=now + timedelta(minutes=minutes), seen_at=now,
        )  # fmt: skip
        session.add(row)


def preflight(browser: Browser, account_id: int, **more: Any) -> dict[str, Any]:
    asked = {"text": "on time", "variants": [{"account_id": account_id}], **more}
    found: dict[str, Any] = browser.post("/posts/preflight", asked).get_json()["accounts"][0]
    return found


def test_usage_says_what_is_left_what_was_charged_and_where_each_figure_is_from(
    site: Site, account_id: int, manager: Browser
) -> None:
    hear(site, account_id, 17)
    spend(site, account_id, 45_000)
    usage = manager.get(f"/accounts/{account_id}/usage").get_json()
    quotas = {q["name"]: q for q in usage["quotas"]}
    assert (quotas["posts"]["remaining"], quotas["posts"]["posts"], quotas["posts"]["source"]) == (17, 17, "network")
    assert (quotas["app_day"]["remaining"], quotas["app_day"]["source"]) == (10_000, "counted")
    assert quotas["direct"]["posts"] is None
    assert usage["items"] == [
        {"month": site.clock.now.strftime("%Y-%m"), "item": "post", "quantity": 3, "amount": 0.045}
    ]  # fmt: skip
    assert usage["prices"]["post"] == 0.015


def test_a_manager_sets_the_monthly_limit_and_others_may_not(site: Site, account_id: int, manager: Browser) -> None:
    spend(site, account_id, 9_000_000)
    set_ = manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": 10})
    assert (set_.status_code, set_.get_json()["spending"]["level"]) == (200, 80)
    publisher = site.browser(someone(site, account_id, "publisher"))
    assert publisher.put(f"/accounts/{account_id}/monthly-limit", {"amount": 99}).status_code == 403
    assert manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": -1}).status_code == 422
    needs = manager.get("/needs-you").get_json()["items"]
    assert [(d["kind"], d["text"]) for d in needs] == [("account", "80 % of what it may cost this month is spent")]
    lower = manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": 5}).get_json()["spending"]
    assert lower["level"] == 100
    assert lower["stopped_until"] == "2026-04-01T00:00:00Z"
    none = manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": None}).get_json()["spending"]
    assert (none["limit"], none["level"], none["stopped_until"]) == (None, 0, None)


def test_a_network_that_charges_nothing_has_no_limit_of_money(site: Site) -> None:
    with site.rows() as session:
        free = make.make_account(session, settings={}).id
        person = make.make_staff(session, "administrator")
    browser = site.browser(person)
    assert browser.put(f"/accounts/{free}/monthly-limit", {"amount": 5}).status_code == 422
    assert browser.get(f"/accounts/{free}").get_json()["spending"] is None


def test_before_it_is_scheduled_one_sees_what_may_hold_it_up(site: Site, account_id: int, manager: Browser) -> None:
    assert preflight(manager, account_id)["warnings"] == []
    hear(site, account_id, 1)
    told = preflight(manager, account_id)
    assert (told["warnings"], told["quotas"][0]["remaining"]) == ([], 1)
    thread = {"items": [{"text": "two"}]}
    assert preflight(manager, account_id, **thread)["warnings"] == ["quota_used_up"]
    tomorrow = (site.clock.now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert preflight(manager, account_id, **thread, wall_time=tomorrow)["warnings"] == []
    spend(site, account_id, 990_000)
    manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": 1})
    assert preflight(manager, account_id)["warnings"] == ["limit_passed"]
    manager.put(f"/accounts/{account_id}/monthly-limit", {"amount": 0.5})
    assert preflight(manager, account_id)["warnings"] == ["limit_reached"]


def test_an_account_whose_limit_is_used_up_says_until_when(site: Site, account_id: int, manager: Browser) -> None:
    assert manager.get(f"/accounts/{account_id}").get_json()["parked_until"] is None
    hear(site, account_id, 5)
    until = manager.get(f"/accounts/{account_id}").get_json()["parked_until"]
    assert until == (site.clock.now + timedelta(minutes=10)).isoformat().replace("+00:00", "Z")


def test_a_sign_in_that_ends_within_the_week_is_told(site: Site, account_id: int, manager: Browser) -> None:
    with site.rows() as session:
        end = site.clock.now + timedelta(days=5)
        session.add(m.Credential(account_id=account_id, key_id="k1", sealed=b"", renews=False, expires_at=end))
    assert manager.get(f"/accounts/{account_id}").get_json()["sign_in"]["is_ending"] is True
    (matter,) = manager.get("/needs-you").get_json()["items"]
    assert (matter["kind"], matter["choices"]) == ("account", ["reconnect"])
    assert f"sign-in ends on {end.date().isoformat()}" in matter["text"]
    later = (site.clock.now + timedelta(days=6)).strftime("%Y-%m-%dT%H:%M")
    assert preflight(manager, account_id, wall_time=later)["warnings"] == ["sign_in_ends"]
