"""Coming in and going out: cookies, sessions, throttling, passwords."""

from __future__ import annotations

import re
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from guichet.models import Staff, StaffSession
from guichet.staff import rules
from tests import databases
from tests import factories as make
from tests.webapp.site import HOST, Site, open_site
from webapp.signing_in import safe_next

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def hashed() -> str:
    return rules.hash_password(PASSWORD)


@pytest.fixture
def person(site: Site, hashed: str) -> Staff:
    with site.rows() as session:
        return make.make_staff(session, email="ann@example.org", password_hash=hashed)


def sign_in(client: FlaskClient, password: str = PASSWORD, email: str = "ann@example.org", **more: str) -> TestResponse:
    page = client.get("/sign-in", headers={"Host": HOST}).get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    form = {"email": email, "password": password, "csrf_token": token[1], **more}
    return client.post("/sign-in", data=form, headers={"Host": HOST})


def cookie_of(answer: TestResponse, name: str) -> str:
    for line in answer.headers.getlist("Set-Cookie"):
        if line.startswith(f"{name}="):
            return line
    raise AssertionError(f"no cookie {name}")


def test_signing_in_opens_the_application(site: Site, person: Staff) -> None:
    client = site.app.test_client()
    answer = sign_in(client, email=" Ann@Example.org ", next="/inbox?view=mine")
    assert (answer.status_code, answer.location) == (303, "/inbox?view=mine")
    me = client.get("/api/v1/me", headers={"Host": HOST})
    assert me.json["email"] == "ann@example.org"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(site: Site, person: Staff) -> None:
    line = cookie_of(sign_in(site.app.test_client()), "guichet")
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Path=/" in line


def test_behind_https_the_cookie_is_bound_to_the_host(tmp_path: Path, hashed: str) -> None:
    with databases.sqlite_engine() as engine:
        site = open_site(engine, tmp_path, public_url=f"https://{HOST}")
        with site.rows() as session:
            make.make_staff(session, email="ann@example.org", password_hash=hashed)
        client = site.app.test_client()
        page = client.get("/sign-in", base_url=f"https://{HOST}")
        form_cookie = cookie_of(page, "__Host-guichet-form")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.get_data(as_text=True))
        form = {"email": "ann@example.org", "password": PASSWORD, "csrf_token": token[1] if token else ""}
        answer = client.post("/sign-in", data=form, base_url=f"https://{HOST}", headers={"Referer": f"https://{HOST}/"})
        line = cookie_of(answer, "__Host-guichet")
    for cookie in (form_cookie, line):
        assert "Secure" in cookie
        assert "Domain" not in cookie
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


def test_every_sign_in_gets_a_session_of_its_own_and_a_planted_one_stays_worthless(site: Site, person: Staff) -> None:
    client = site.app.test_client()
    client.set_cookie("guichet", "planted-by-somebody-else", domain=HOST)
    line = cookie_of(sign_in(client), "guichet")
    secret = SimpleCookie(line)["guichet"].value
    assert secret != "planted-by-somebody-else"
    second = SimpleCookie(cookie_of(sign_in(client), "guichet"))["guichet"].value
    assert second != secret
    with site.rows() as session:
        opened = session.scalars(select(StaffSession).order_by(StaffSession.id)).all()
    assert [s.end_reason for s in opened] == ["sign_out", ""], "signing in again ends the browser's older session"
    assert secret not in {s.token_hash for s in opened}, "the secret is stored hashed"


def test_wrong_passwords_and_unknown_people_look_the_same(site: Site, person: Staff) -> None:
    client = site.app.test_client()
    wrong = sign_in(client, password="wrong wrong wrong")
    unknown = sign_in(client, email="nobody@example.org")
    assert wrong.status_code == unknown.status_code == 401
    told = [re.sub(r'value="[^"]*"', "", a.get_data(as_text=True)) for a in (wrong, unknown)]
    assert told[0] == told[1]


def test_a_disabled_person_stays_outside(site: Site, person: Staff) -> None:
    with site.rows() as session:
        session.get_one(Staff, person.id).disabled_at = site.clock.now
    assert sign_in(site.app.test_client()).status_code == 401


def test_guessing_is_slowed_down_for_the_guesser_alone(site: Site, person: Staff) -> None:
    guesser = site.app.test_client()
    statuses = [sign_in(guesser, password="x", email="bob@example.org").status_code for _ in range(9)]
    assert statuses == [401] * 8 + [429]
    assert sign_in(guesser).status_code == 303, "another account is not locked by it"


def test_a_stranger_elsewhere_cannot_lock_somebody_out(site: Site, person: Staff) -> None:
    attacker = site.app.test_client()
    attacker.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    for _ in range(9):
        last = sign_in(attacker, password="x")
    assert last.status_code == 429
    assert sign_in(site.app.test_client()).status_code == 303


def test_the_form_is_refused_from_elsewhere(site: Site, person: Staff) -> None:
    client = site.app.test_client()
    answer = client.post("/sign-in", data={"email": "ann@example.org", "password": PASSWORD}, headers={"Host": HOST})
    assert answer.status_code == 400
    assert not any(line.startswith("guichet=") for line in answer.headers.getlist("Set-Cookie"))


def test_the_address_of_a_visitor_is_believed_from_trusted_proxies_only(site: Site, person: Staff) -> None:
    client = site.app.test_client()
    for n in range(9):
        last = client.get("/sign-in", headers={"Host": HOST, "X-Forwarded-For": f"198.51.100.{n}"})
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', last.get_data(as_text=True))
        form = {"email": "ann@example.org", "password": "x", "csrf_token": token[1] if token else ""}
        last = client.post("/sign-in", data=form, headers={"Host": HOST, "X-Forwarded-For": f"198.51.100.{n}"})
    assert last.status_code == 429, "a header that nobody vouches for changes nothing"


def test_a_session_ends_idle_and_ends_old(site: Site, person: Staff) -> None:
    browser = site.browser(person)
    site.clock.now += rules.IDLE - timedelta(minutes=1)
    assert browser.get("/me").status_code == 200
    site.clock.now += rules.IDLE - timedelta(minutes=1)
    assert browser.get("/me").status_code == 200, "use keeps it alive"
    site.clock.now += rules.IDLE
    assert browser.get("/me").status_code == 401
    browser = site.browser(person)
    for _ in range(int(rules.ABSOLUTE / rules.IDLE) + 1):
        site.clock.now += rules.IDLE - timedelta(hours=1)
        browser.get("/me")
    site.clock.now += rules.IDLE - timedelta(hours=1)
    assert browser.get("/me").status_code == 401, "use does not keep it alive for ever"


def test_signing_out_and_a_new_password_end_sessions(site: Site, person: Staff) -> None:
    one, other = site.browser(person), site.browser(person)
    answer = one.post("/me/password", {"old": PASSWORD, "new": "another long passphrase"})
    assert answer.status_code == 200
    assert one.get("/me").status_code == 200, "the browser where it was changed goes on"
    assert other.get("/me").status_code == 401
    assert "guichet=;" in one.post("/me/sign-out").headers["Set-Cookie"]
    assert one.get("/me").status_code == 401
    assert (
        one.site.browser(person).post("/me/password", {"old": "no", "new": "x" * 20}).json["code"] == "wrong_password"
    )


@pytest.mark.parametrize(
    "target",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb", "", "/sign-in?x=1"],
)
def test_nobody_is_sent_to_another_site(target: str) -> None:
    assert safe_next(target) == "/"


def test_the_page_speaks_french_to_who_prefers_it_and_runs_no_script(site: Site) -> None:
    client = site.app.test_client()
    page = client.get("/sign-in", headers={"Accept-Language": "fr-CA, en;q=0.5"})
    assert "Mot de passe" in page.get_data(as_text=True)
    assert 'lang="fr"' in page.get_data(as_text=True)
    assert "<script" not in page.get_data(as_text=True)
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "Password" in client.get("/sign-in?lang=en").get_data(as_text=True)


def test_a_disabled_person_is_out_at_the_next_request(both: Site, engine: Engine) -> None:
    with both.rows() as session:
        owner, person = make.make_staff(session, "owner"), make.make_staff(session)
    browser, program = both.browser(person), both.program(person, "read")
    assert browser.get("/me").status_code == program.get("/me").status_code == 200
    left = both.browser(owner).post(f"/staff/{person.id}/disable").json
    assert (left["sessions_ended"], left["tokens_revoked"]) == (1, 1)
    assert browser.get("/me").status_code == program.get("/me").status_code == 401
