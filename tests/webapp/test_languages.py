"""What the server says it says in the language of whoever asks."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.exc import OperationalError

from channels.errors import AuthExpired
from channels.sentences import say
from guichet.accounts import operations as accounts
from guichet.models import Staff
from guichet.policy import SYSTEM
from tests import factories as make
from tests.webapp.site import API, HOST, Site
from webapp.gate import policy
from webapp.languages import opening

NBSP = "\u00a0"


@pytest.fixture
def owner(site: Site) -> Staff:
    with site.rows() as session:
        return make.make_staff(session, "owner", locale="fr")


def test_who_is_signed_in_reads_their_own_language_whatever_the_browser_asks(site: Site, owner: Staff) -> None:
    answer = site.browser(owner).get("/accounts/99", headers={"Accept-Language": "en"})
    assert answer.json["detail"] == "Ce compte n’existe pas ou n’est pas visible pour vous"
    assert answer.json["code"] == "not_found"


def test_the_title_of_a_problem_is_in_the_language_of_its_reader(site: Site, owner: Staff) -> None:
    browser = site.browser(owner)
    assert browser.get("/accounts/99").json["title"] == "Introuvable"
    assert browser.post("/brands", {}).json["title"] == "Contenu non valable"
    assert site.stranger().get("/me", headers={"Accept-Language": "en"}).json["title"] == "Unauthorized"


def test_a_stranger_is_answered_as_their_browser_asks(site: Site) -> None:
    said = {
        tag: site.stranger().get("/me", headers={"Accept-Language": tag}).json["detail"]
        for tag in ("fr-CA, en;q=0.5", "en-GB", "ja")
    }
    assert said == {"fr-CA, en;q=0.5": "Connectez-vous d’abord", "en-GB": "Sign in first", "ja": "Sign in first"}


def test_a_field_is_refused_in_words_with_its_numbers_as_they_are_written_there(site: Site, owner: Staff) -> None:
    with site.rows() as session:
        conversation = make.make_conversation(session, make.make_account(session))
    answer = site.browser(owner).put(f"/conversations/{conversation.id}/draft", {"kind": "note", "text": "x" * 100_001})
    assert answer.json["errors"] == [
        {"field": "text", "message": "doit compter au plus 100\u202f000 caractères"},
    ]
    hours = {"name": "h", "time_zone": "Europe/Paris", "intervals": {"2": [["09:00", "08:00"]]}, "holidays": []}
    answer = site.browser(owner).post("/calendars", hours)
    assert {"field": "intervals.2", "message": "09:00–08:00 finit avant de commencer"} in answer.json["errors"]


def test_why_an_account_fails_is_kept_so_that_each_reads_it_in_their_language(site: Site, owner: Staff) -> None:
    with site.rows() as session:
        account = make.make_account(session)
        reader = make.make_staff(session, "owner", locale="en")
        error = AuthExpired(say("the network no longer accepts our sign-in: {words}", words="401 Unauthorized"))
        accounts.note_failure(session, SYSTEM, account, error, site.clock.now, used=None)
    french, english = (site.browser(who).get(f"/accounts/{account.id}").json["trouble"] for who in (owner, reader))
    assert french == f"Le réseau n’accepte plus notre connexion{NBSP}: 401 Unauthorized"
    assert english == "The network no longer accepts our sign-in: 401 Unauthorized"


def test_a_database_that_is_away_is_said_without_asking_it_who_reads(site: Site, owner: Staff) -> None:
    def down() -> str:
        raise OperationalError("SELECT", {}, Exception("no connection"))

    site.app.add_url_rule(f"{API}/down", "down", policy(public=True)(down))
    answer = site.browser(owner).get("/down", headers={"Accept-Language": "fr"})
    assert (answer.status_code, answer.json["detail"][:18]) == (503, "La base de données")


def test_the_sign_in_page_stays_in_its_language_and_keeps_where_one_was_going(site: Site) -> None:
    client = site.app.test_client()
    page = client.get("/sign-in?lang=fr&next=/inbox?view%3Dmine", headers={"Host": HOST}).get_data(as_text=True)
    assert 'action="/sign-in?lang=fr"' in page
    assert 'href="/sign-in?lang=en&amp;next=/inbox%3Fview%3Dmine"' in page
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    form = {"email": "nobody@example.org", "password": "wrong", "csrf_token": token[1]}
    wrong = client.post("/sign-in?lang=fr", data=form, headers={"Host": HOST})
    assert wrong.status_code == 401
    assert "L’adresse ou le mot de passe est inexact." in wrong.get_data(as_text=True)


def test_a_page_that_is_not_there_says_so_in_french(site: Site, owner: Staff) -> None:
    page = site.browser(owner).get("/-/static/nowhere.js", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "Il n’y a rien ici" in page
    assert "Not Found" not in page


def test_what_a_person_wrote_begins_as_they_began_it(site: Site) -> None:
    with site.app.test_request_context(headers={"Accept-Language": "fr"}):
        assert opening("iPad covers are back") == "iPad covers are back"
        assert opening(say("{handle} is not connected", handle="klm.example")) == "klm.example n’est pas connecté"
        assert opening("that time is past") == "Cette heure est passée"
