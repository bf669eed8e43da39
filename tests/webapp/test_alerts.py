"""Alerts through the API, and the page behind the link of a mail."""

from __future__ import annotations

import re

from guichet import models as m
from guichet.alerting.links import signature_of
from tests import factories as make
from tests.factories import NOW
from tests.webapp.site import HOST, Site


def called(site: Site, **staff: object) -> tuple[m.Staff, m.Alert, str]:
    """Somebody who was called by mail; the address of their link."""
    with site.rows() as session:
        account = make.make_account(session)
        ada = make.make_staff(session, name="Ada", **staff)
        make.make_grant(session, ada, account, "agent")
        alert = make.make_alert(session, make.make_alert_policy(session, account.brand), account, next_at=NOW)
        call = m.AlertCall(
            alert_id=alert.id, round=0, step=0, way="email", staff_id=ada.id, state="sent", nonce="n" * 24, at=NOW
        )
        session.add(call)
        session.flush()
        key = site.runtime.settings.secret_keys[0][1]
        return ada, alert, f"/alert-calls/{call.id}/{signature_of(key, call.id, call.nonce)}"


def alert_of(site: Site, alert: m.Alert) -> m.Alert:
    with site.rows() as session:
        return session.get_one(m.Alert, alert.id)


def test_the_link_shows_and_only_its_button_acknowledges(both: Site) -> None:
    ada, alert, address = called(both, locale="fr")
    client = both.app.test_client()
    for _ in range(3):  # scanners open it, too
        page = client.get(address, headers={"Host": HOST})
        assert page.status_code == 200
    assert "Je m’en occupe" in page.get_data(as_text=True)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.post(address, headers={"Host": HOST}).status_code == 400  # without the form's own token
    assert alert_of(both, alert).acknowledged_at is None
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]*)"', page.get_data(as_text=True))
    assert token is not None
    assert client.post(address, data={"csrf_token": token[1]}, headers={"Host": HOST}).status_code == 303
    after = alert_of(both, alert)
    assert (after.acknowledged_by, after.acknowledged_way, after.next_at) == (ada.id, "link", None)
    again = client.get(address, headers={"Host": HOST}).get_data(as_text=True)
    assert "<form" not in again
    assert "Ada" in again


def test_a_link_that_is_not_ours_or_whose_person_lost_the_right_leads_nowhere(site: Site) -> None:
    ada, alert, address = called(site)
    client = site.app.test_client()
    forged = address[:-1] + ("0" if address[-1] != "0" else "1")
    assert client.get(forged, headers={"Host": HOST}).status_code == 404
    with site.rows() as session:
        session.query(m.Grant).filter_by(staff_id=ada.id).delete()
    assert client.get(address, headers={"Host": HOST}).status_code == 404
    _, _, address = called(site)
    site.clock.turn(days=8)
    assert client.get(address, headers={"Host": HOST}).status_code == 404
    assert alert_of(site, alert).acknowledged_at is None


def test_set_up_seen_and_acknowledged_through_the_api(both: Site) -> None:
    with both.rows() as session:
        account = make.make_account(session)
        boss = make.make_staff(session, "administrator", name="Ada")
    ada = both.browser(boss)
    made = ada.post("/alert-hooks", {"brand_id": account.brand_id, "name": "desk", "url": "https://x.example/a"})
    assert made.status_code == 201
    secret = made.json["secret"]
    assert secret.startswith("whsec_")
    assert secret not in ada.get("/alert-hooks").get_data(as_text=True)
    steps = [
        {"whom": "staff", "value": boss.id, "ways": ["page", "email"], "minutes": 5},
        {"whom": "hook", "value": made.json["hook"]["id"], "minutes": 5},
    ]
    given = {"brand_id": account.brand_id, "name": "Night", "events": [{"kind": "broken"}], "steps": steps}
    policy = ada.post("/alert-policies", given).json
    assert policy["events"] == [{"kind": "broken"}]
    wrong = ada.post("/alert-policies", {**given, "steps": [{**steps[0], "ways": ["pigeon"]}]})
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "steps.0.ways")
    with both.rows() as session:
        row = session.get_one(m.AlertPolicy, policy["id"])
        id_ = make.make_alert(session, row, session.get_one(m.Account, account.id), next_at=NOW).id
    (shown,) = ada.get("/alerts?open=true").json["items"]
    assert (shown["id"], shown["can_acknowledge"], shown["exhausted"]) == (id_, True, False)
    assert both.program(boss, "read").post(f"/alerts/{id_}/acknowledge", {}).status_code == 403
    done = both.program(boss, "answer").post(f"/alerts/{id_}/acknowledge", {}).json
    assert (done["acknowledged_by"]["name"], done["acknowledged_way"]) == ("Ada", "program")
    assert ada.get("/alerts?open=true").json["items"] == []
    assert ada.get(f"/alerts/{id_}").json["calls"] == []
    assert ada.ask("DELETE", f"/alert-policies/{policy['id']}").status_code == 200
    assert [one["id"] for one in ada.get("/alerts").json["items"]] == [id_]


def test_quiet_hours_are_ones_own_and_wall_times(site: Site) -> None:
    with site.rows() as session:
        person = make.make_staff(session)
    ada = site.browser(person)
    assert ada.ask("PATCH", "/me", json={"quiet_from": "22:00", "quiet_until": "07:00"}).json["quiet_from"] == "22:00"
    assert ada.ask("PATCH", "/me", json={"quiet_from": "24:00"}).status_code == 422
    assert ada.ask("PATCH", "/me", json={"quiet_from": "", "quiet_until": ""}).json["quiet_until"] == ""


def test_a_number_that_no_row_can_have_leads_nowhere(both: Site) -> None:
    client = both.app.test_client()
    for number in ("0", "9" * 30):
        for address in (f"/alert-calls/{number}/{'a' * 40}", f"/feeds/{number}/a.ics", f"/review/{number}/a"):
            assert client.get(address, headers={"Host": HOST}).status_code == 404
        assert client.get(f"/hooks/x/{number}", headers={"Host": HOST}).status_code == 404
