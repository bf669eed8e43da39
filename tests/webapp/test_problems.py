"""What goes wrong is said as a problem document, and never says more than it should."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import OperationalError

from guichet.models import Credential, Staff
from tests import factories as make
from tests.webapp.site import API, Browser, Site, open_site
from tests.webapp.test_matrix import QUERIES, routes
from tests.webapp.world import build
from webapp.gate import policy


@pytest.fixture
def owner(site: Site) -> Staff:
    with site.rows() as session:
        return make.make_staff(session, "owner")


FAR = "since=0001-01-01T00:00:00%2B14:00&until=9999-12-31T23:59:59-14:00"
LAST_DAY = "WyI5OTk5LTEyLTMxVDIzOjU5OjU5LTIzOjU5IiwxXQ"  # ["9999-12-31T23:59:59-23:59", 1]


@pytest.mark.parametrize(
    "path",
    [
        f"/posts?{FAR}",
        f"/posts?cursor={LAST_DAY}",
        f"/audit?{FAR}",
        f"/stats/publishing?{FAR}",
        "/stats/waits?since=0001-01-01&until=9999-12-31",
        "/stats/responses?since=0001-01-01&until=9999-12-31",
        "/stats/responses?since=1900-01-01&until=2999-12-31",
        "/stats/responses?since=2999-12-31&until=1900-01-01",
        "/conversations?q=%00",
        "/search?q=%00",
        "/customers?q=a%00",
    ],
)
def test_the_ends_of_the_calendar_and_of_the_alphabet_are_refused(site: Site, owner: Staff, path: str) -> None:
    with site.rows() as session:
        make.make_account(session)
    assert site.browser(owner).get(path).status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/me", {"time_zone": "Europe"}),
        ("/me", {"time_zone": "posixrules"}),
        ("/me", {"preferences": {"a": ["\0"]}}),
        ("/me", {"preferences": {"\ud800": 1}}),
        ("/me", {"preferences": {"a": "\udfff"}}),
    ],
)
def test_what_no_database_can_keep_is_refused(site: Site, owner: Staff, path: str, body: dict[str, object]) -> None:
    assert site.browser(owner).patch(path, body).status_code == 422
    assert site.browser(owner).patch(path, {"preferences": {"a": "\\u0000 as text"}}).status_code == 200


def test_a_shortcut_is_one_word(site: Site, owner: Staff) -> None:
    with site.rows() as session:
        brand = make.make_brand(session)
    browser = site.browser(owner)
    for shortcut in ("two words", "a\0", "x" * 41):
        new = {"name": "n", "text": "t", "shortcut": shortcut, "brand_id": brand.id}
        assert "shortcut" in browser.post("/canned-replies", new).json["errors"][0]["field"]


def test_json_without_bottom_is_a_bad_request(site: Site, owner: Staff) -> None:
    for deep in ("[" * 100_000, '{"preferences":{"a":' + "[" * 5000 + "]" * 5000 + "}}"):
        for method, path in (("PATCH", "/me"), ("POST", "/posts"), ("POST", "/rules/preview")):
            answer = site.browser(owner).ask(method, path, data=deep, content_type="application/json")
            assert answer.status_code in (400, 422), (method, path)


def test_only_an_upload_may_be_large(site: Site, owner: Staff) -> None:
    large = json.dumps({"name": "x" * 5_000_000})
    answer = site.browser(owner).ask("POST", "/brands", data=large, content_type="application/json")
    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")
    upload = site.browser(owner).ask("POST", "/media", data={"file": (io.BytesIO(b"\x00" * 5_000_000), "a.bin")})
    assert upload.status_code == 422  # read, and found to be nothing that can be sent


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/me", 405),
        ("GET", "/accounts/99", 404),
        ("GET", "/accounts?limit=0", 422),
        ("GET", "/accounts?cursor=made-up", 422),
        ("GET", "/conversations?cursor=made-up", 422),
        ("GET", "/posts?cursor=made-up", 422),
        ("GET", "/accounts?unknown=1", 422),
        ("GET", f"/accounts/{2**70}", 422),
        ("POST", "/brands", 422),
    ],
)
def test_every_refusal_is_a_problem_document(site: Site, owner: Staff, method: str, path: str, status: int) -> None:
    answer = site.browser(owner).ask(method, path, json={} if method != "GET" else None)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert {"type", "title", "status", "detail", "code", "errors"} <= set(answer.json)
    assert answer.json["status"] == status


def test_a_wrong_field_is_named_and_not_repeated(site: Site, owner: Staff) -> None:
    answer = site.browser(owner).post("/brands", {"name": "", "colour": "hunter2-not-to-be-echoed"})
    assert {e["field"] for e in answer.json["errors"]} == {"name", "colour"}
    assert "hunter2" not in answer.get_data(as_text=True)


def test_a_body_that_is_no_json_is_refused(site: Site, owner: Staff) -> None:
    answer = site.browser(owner).ask("POST", "/brands", data="{", content_type="application/json")
    assert answer.status_code == 422


def test_what_nobody_foresaw_says_nothing(
    site: Site, owner: Staff, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> str:
        raise RuntimeError("password=hunter2 at 10.0.0.7")

    site.app.add_url_rule(f"{API}/broken", "broken", policy(session_only=True)(broken))
    answer = site.browser(owner).get("/broken")
    assert (answer.status_code, answer.mimetype) == (500, "application/problem+json")
    assert "hunter2" not in answer.get_data(as_text=True)
    assert "10.0.0.7" not in answer.get_data(as_text=True)


def test_a_database_that_is_down_is_unready_not_an_error(site: Site, owner: Staff) -> None:
    def down() -> str:
        raise OperationalError("SELECT secret", {}, Exception("no connection to 10.0.0.7"))

    site.app.add_url_rule(f"{API}/down", "down", policy(session_only=True)(down))
    answer = site.browser(owner).get("/down")
    assert (answer.status_code, answer.json["code"]) == (503, "unready")
    assert "secret" not in answer.get_data(as_text=True)


def test_pages_say_so_too_when_the_database_is_down(tmp_path: Path) -> None:
    site = open_site(create_engine(f"sqlite:///{tmp_path}/no/such/folder/db"), tmp_path)
    browser = Browser(site, secret="x" * 43)
    assert browser.get("/-/sign-in").status_code == 200
    answer = browser.get("/-/inbox")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")


def test_somebody_elses_change_in_between_is_a_conflict_that_says_how_it_stands(site: Site, owner: Staff) -> None:
    with site.rows() as session:
        brand = make.make_brand(session)
    browser = site.browser(owner)
    post = browser.post("/posts", {"brand_id": brand.id, "text": "one"}).json
    site.clock.turn(seconds=1)
    assert browser.patch(f"/posts/{post['id']}", {"version": post["version"], "text": "two"}).status_code == 200
    late = browser.patch(f"/posts/{post['id']}", {"version": post["version"], "text": "three"})
    assert (late.status_code, late.json["code"]) == (409, "changed")
    assert late.json["current"]


def test_answers_of_the_api_are_kept_by_no_cache_and_run_nowhere(site: Site, owner: Staff) -> None:
    for answer in (site.browser(owner).get("/me"), site.stranger().get("/me")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        policy_ = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy_
        assert "unsafe" not in policy_
        assert "frame-ancestors 'none'" in policy_


def test_a_page_that_is_not_there_is_told_as_a_page(site: Site, owner: Staff) -> None:
    answer = site.browser(owner).get("/-/static/nowhere.js")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_secrets_stand_in_no_answer_and_no_log(
    both: Site, engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """A canary in every place that holds a secret, then everything that can be read is read."""
    caplog.set_level(logging.DEBUG)
    canary = "canary-2f9d1c"
    with both.rows() as session:
        world = build(session)
        account = session.merge(world.ours.account)
        account.webhook_secret = canary
        sealed = both.runtime.sealer.seal({"access_token": canary}, f"account:{account.id}:1")
        session.add(Credential(account_id=account.id, key_id=sealed.key_id, sealed=sealed.data, version=1))
        person = session.get_one(Staff, world.owner.id)
        person.password_hash = canary
    browser = both.browser(world.owner)
    made = browser.post("/tokens", {"name": "t", "scopes": ["read"]}).json["token"]
    said = []
    for method, rule in routes(both):
        if method == "GET":
            path = rule.replace("<int:id>", str(world.ours.ids.get(rule.split("/")[1], 1)))
            said.append(browser.get(path, query_string=QUERIES.get(rule)).get_data(as_text=True))
    browser.post(f"/accounts/{account.id}/check")
    logged = caplog.text + "".join(capsys.readouterr())
    for secret in (canary, made, browser.secret, json.dumps(sealed.data.hex())):
        assert secret not in "".join(said)
        assert secret not in logged
