"""Canned replies through the API: in folders, in languages, and for as long as they hold."""

from __future__ import annotations

from tests import factories as make
from tests.webapp.site import Site


def test_a_text_holds_by_the_days_of_its_brand_and_what_is_not_named_stays(site: Site) -> None:
    with site.rows() as session:
        lead = make.make_staff(session, "owner")
        behind = make.make_brand(session, time_zone="Pacific/Midway").id  # where it is still yesterday
    browser = site.browser(lead)
    text = {"name": "Strike", "text": "Hello", "language": "en", "valid_until": "2026-03-09"}
    more = {"folder": "Trains", "translations": {"fr": "Bonjour"}}
    over = browser.post("/canned-replies", {**text, **more}).json
    still = browser.post("/canned-replies", {**text, "brand_id": behind}).json
    assert (over["standing"], still["standing"]) == ("expired", "valid")
    assert (over["folder"], over["translations"]) == ("Trains", {"fr": "Bonjour"})
    changed = browser.ask("PATCH", f"/canned-replies/{over['id']}", json={"valid_until": None}).json
    assert changed == {**over, "valid_until": None, "standing": "valid"}
    refused = browser.ask("PATCH", f"/canned-replies/{still['id']}", json={"valid_from": "2026-03-10"})
    assert (refused.status_code, [e["field"] for e in refused.json["errors"]]) == (422, ["valid_until"])
