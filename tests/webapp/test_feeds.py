"""Feeds for other calendars: what they hold, who makes them, and when they end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from icalendar import Calendar
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from guichet import models as m
from guichet.policy import load_actor
from guichet.publishing import tags
from guichet.staff.operations import disable_staff, enable_staff
from tests import factories as make
from tests.webapp.site import HOST, Browser, Site

HOSTILE = 'Sale;, now\\n\nBEGIN:VEVENT\r\nSUMMARY:mine\rEND:VCALENDAR\x0b <script>"é" ' + "長" * 100


class Desk:
    """Somebody who writes for a brand, with a post and a feed."""

    def __init__(self, site: Site) -> None:
        self.site = site
        with site.rows() as session:
            self.account = make.make_account(session)
            self.person = make.make_staff(session)
            self.grant = make.make_grant(session, self.person, self.account, "publisher")
        self.browser = site.browser(self.person)

    def plan(self, text: str = "Bonjour", at: str = "2026-03-11T09:00", **more: object) -> int:
        given = {"brand_id": self.account.brand_id, "text": text, "variants": [{"account_id": self.account.id}], **more}
        post = self.browser.post("/posts", given).get_json()
        answer = self.browser.post(f"/posts/{post['id']}/schedule", {"wall_time": at, "time_zone": "Europe/Paris"})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return int(post["id"])

    def feed(self, browser: Browser | None = None) -> str:
        made = (browser or self.browser).post("/calendar-feeds", {"brand_id": self.account.brand_id, "name": "Outlook"})
        assert made.status_code == 201, made.get_data(as_text=True)
        return str(made.get_json()["url"]).removeprefix(f"http://{HOST}")

    def read(self, address: str, **headers: str) -> TestResponse:
        return self.site.app.test_client().get(address, headers={"Host": HOST, **headers})


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


def test_a_feed_holds_what_its_maker_sees_whatever_people_wrote(desk: Desk) -> None:
    with desk.site.rows() as session:
        tag = m.PostTag(
            brand_id=desk.account.brand_id, kind="campaign", name="Été; 26", folded=tags.fold("Été; 26"),
            created_at=desk.site.clock.now,
        )  # fmt: skip
        elsewhere = make.make_account(session, session.get_one(m.Brand, desk.account.brand_id))
        session.add(tag)
    post_id = desk.plan(HOSTILE, tag_ids=[tag.id])
    draft = {"brand_id": desk.account.brand_id, "text": "draft", "variants": [{"account_id": desk.account.id}]}
    desk.browser.post("/posts", draft)
    answer = desk.read(desk.feed())
    assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
    lines = answer.get_data().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line or b"\x0b" in line for line in lines)
    calendar = Calendar.from_ical(answer.get_data())
    [event] = calendar.walk("VEVENT")
    assert event["UID"] == f"post-{post_id}@{HOST.split(':')[0]}"
    assert (event.decoded("DTSTART").isoformat(), str(event["STATUS"])) == ("2026-03-11T08:00:00+00:00", "CONFIRMED")
    assert "BEGIN:VEVENT\nSUMMARY:mine\nEND:VCALENDAR" in event["DESCRIPTION"]
    assert str(event["SUMMARY"]).startswith("Sale;, now\\n BEGIN:VEVENT")
    assert event["CATEGORIES"].to_ical() == "Été\\; 26".encode()
    assert elsewhere.handle not in answer.get_data(as_text=True)


def test_who_has_it_already_is_told_so_until_something_changes(desk: Desk) -> None:
    desk.plan()
    address = desk.feed()
    first = desk.read(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = desk.read(address, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.get_data()) == (304, b"")
    desk.plan("Another", at="2026-03-12T09:00")
    assert desk.read(address, **{"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_it_ends_when_it_is_revoked_and_with_its_makers_rights(desk: Desk) -> None:
    revoked, lost, left = desk.feed(), desk.feed(), desk.feed()
    [first, *_] = reversed(desk.browser.get("/calendar-feeds").get_json()["items"])
    assert "url" not in first
    assert desk.browser.delete(f"/calendar-feeds/{first['id']}").status_code == 200
    assert [desk.read(a).status_code for a in (revoked, lost, left)] == [404, 200, 200]
    with desk.site.rows() as session:
        session.get_one(m.Grant, desk.grant.id).ends_at = desk.site.clock.now - timedelta(seconds=1)
    assert desk.read(lost).status_code == 404
    with desk.site.rows() as session:
        session.get_one(m.Grant, desk.grant.id).ends_at = None
    assert desk.read(lost).status_code == 200
    with desk.site.rows() as session:
        owner = load_actor(session, make.make_staff(session, "owner"), desk.site.clock.now)
        person = session.get_one(m.Staff, desk.person.id)
        disable_staff(session, owner, person, desk.site.clock.now)
        enable_staff(session, owner, person, desk.site.clock.now)
    assert desk.read(left).status_code == 404  # who comes back makes a new one


def test_guessed_addresses_lead_nowhere_and_none_of_it_is_logged(desk: Desk) -> None:
    address = desk.feed()
    secret = address.rsplit("/", 1)[1].removesuffix(".ics")
    with capture_logs() as logs:
        other = secret[:-1] + ("0" if secret[-1] != "0" else "1")  # always another signature
        for wrong in (f"/feeds/1/{other}.ics", f"/feeds/1/{secret.split('.')[0]}.ics", f"/feeds/99/{secret}.ics"):
            assert desk.read(wrong).status_code == 404
        desk.read(address)
    assert secret.split(".")[0] not in str(logs)
    with desk.site.rows() as session:
        kept = session.query(m.CalendarFeed).one()
        assert secret.split(".")[0] not in kept.secret_hash


def test_who_may_not_write_for_the_brand_makes_none_and_sees_only_their_own(desk: Desk) -> None:
    desk.feed()
    with desk.site.rows() as session:
        viewer, owner = make.make_staff(session), make.make_staff(session, "owner")
        make.make_grant(session, viewer, desk.account, "viewer")
    reader = desk.site.browser(viewer)
    refused = reader.post("/calendar-feeds", {"brand_id": desk.account.brand_id, "name": "x"})
    assert refused.status_code == 403
    assert reader.get("/calendar-feeds").get_json()["items"] == []
    [seen] = desk.site.browser(owner).get("/calendar-feeds").get_json()["items"]
    assert seen["name"] == "Outlook"
    assert reader.delete(f"/calendar-feeds/{seen['id']}").status_code == 404
