"""The same key does its effect once, whoever comes second and whenever."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import func, select

from guichet.models import ApiToken, Brand, IdempotencyKey, Staff
from tests import factories as make
from tests.webapp.site import Browser, Site


@pytest.fixture
def owner(both: Site) -> Staff:
    with both.rows() as session:
        return make.make_staff(session, "owner")


def brands(site: Site) -> int:
    with site.rows() as session:
        return session.scalar(select(func.count()).select_from(Brand)) or 0


def test_a_repeated_post_gives_the_first_answer_and_no_second_effect(both: Site, owner: Staff) -> None:
    browser = both.browser(owner)
    first = browser.post("/brands", {"name": "One"}, key="k1")
    again = browser.post("/brands", {"name": "One"}, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_data() == first.get_data()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert brands(both) == 1


def test_another_payload_under_the_same_key_is_refused(both: Site, owner: Staff) -> None:
    browser = both.browser(owner)
    browser.post("/brands", {"name": "One"}, key="k1")
    answer = browser.post("/brands", {"name": "Two"}, key="k1")
    assert (answer.status_code, answer.json["code"]) == (422, "key_reused")
    assert brands(both) == 1


def test_a_key_belongs_to_a_person_and_an_address(both: Site, owner: Staff) -> None:
    with both.rows() as session:
        other = make.make_staff(session, "owner")
    assert both.browser(owner).post("/brands", {"name": "One"}, key="k").status_code == 201
    assert both.browser(other).post("/brands", {"name": "Two"}, key="k").status_code == 201
    assert both.browser(owner).post("/teams", {"name": "One"}, key="k").status_code == 201


def test_what_failed_may_be_tried_again_with_its_key(both: Site, owner: Staff) -> None:
    browser = both.browser(owner)
    assert browser.post("/brands", {"name": "One", "time_zone": "Mars/Olympus"}, key="k").status_code == 422
    assert browser.post("/brands", {"name": "One"}, key="k").status_code == 201
    refused = browser.post("/accounts/sign-in", {"network": "bluesky", "brand_id": 999, "form": {}}, key="k")
    assert refused.status_code == 404
    assert browser.post("/accounts/sign-in", {"network": "no", "brand_id": 1, "form": {}}, key="k").status_code == 422


def test_many_at_the_same_moment_have_one_effect(both: Site, owner: Staff) -> None:
    start, statuses = threading.Barrier(6), []
    browsers = [both.browser(owner) for _ in range(6)]

    def press(browser: Browser) -> None:
        start.wait()
        statuses.append(browser.post("/brands", {"name": "One"}, key="same").status_code)

    threads = [threading.Thread(target=press, args=(b,)) for b in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 6, "who comes second waits, and gets the first one's answer"
    assert brands(both) == 1


def test_an_act_of_several_steps_tells_the_second_that_it_is_under_way(both: Site, owner: Staff) -> None:
    browser = both.browser(owner)
    body = {"email": "new@example.org", "name": "New", "password": "correct horse battery"}
    assert browser.post("/staff", body, key="k").status_code == 201
    with both.rows() as session:
        row = session.scalars(select(IdempotencyKey)).one()
        row.status = row.response = None  # as it stands while the first is at it
    answer = browser.post("/staff", body, key="k")
    assert (answer.status_code, answer.json["code"]) == (409, "in_progress")
    both.clock.turn(minutes=6)
    assert browser.post("/staff", body, key="k").json["code"] == "email_taken", "a crash does not block it for ever"


def test_an_answer_with_a_secret_is_neither_stored_nor_replayed(both: Site, owner: Staff) -> None:
    browser = both.browser(owner)
    made = browser.post("/tokens", {"name": "t", "scopes": ["read"]}, key="k").json["token"]
    again = browser.post("/tokens", {"name": "t", "scopes": ["read"]}, key="k")
    assert (again.status_code, again.json["code"]) == (409, "answered_once")
    with both.rows() as session:
        assert session.scalar(select(func.count()).select_from(ApiToken)) == 1
        stored = session.scalars(select(IdempotencyKey)).one()
    assert made not in (stored.response or "")


def test_a_key_must_be_a_key(both: Site, owner: Staff) -> None:
    assert both.browser(owner).post("/brands", {"name": "One"}, key="x" * 201).json["code"] == "bad_key"
