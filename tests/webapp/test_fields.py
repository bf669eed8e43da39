"""Custom fields through the API: made, filled in, asked for before closing, told in the history."""

from __future__ import annotations

from guichet.models import Account
from tests import factories as make
from tests.webapp.site import Site


def test_fields_are_made_filled_in_and_asked_for_before_closing(site: Site) -> None:
    with site.rows() as session:
        lead = make.make_staff(session, "owner")
        conversation = make.make_conversation(session, make.make_account(session))
        id_, brand = conversation.id, session.get_one(Account, conversation.account_id).brand_id
    browser = site.browser(lead)
    choices = [{"key": "late", "name": "Late"}, {"key": "lost", "name": "Lost bag"}]
    reason = {"subject": "conversation", "key": "reason", "name": "Reason", "kind": "choice", "choices": choices}
    made = browser.post("/fields", {**reason, "brand_id": brand, "required": True}).json
    assert (made["place"], made["archived"], made["required"], made["choices"]) == (1, False, True, choices)
    browser.post("/fields", {"subject": "customer", "key": "since", "name": "Since", "kind": "date"})
    refused = browser.ask("POST", f"/conversations/{id_}/resolve", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "fields_lacking")
    assert [one["key"] for one in refused.json["current"]["fields"]] == ["reason"]
    assert "Reason" in refused.json["detail"]
    wrong = browser.ask("PUT", f"/conversations/{id_}/fields", json={"values": {"reason": "Late", "none": 1}})
    assert wrong.status_code == 422
    assert {one["field"] for one in wrong.json["errors"]} == {"values.reason", "values.none"}
    filled = browser.ask("PUT", f"/conversations/{id_}/fields", json={"values": {"reason": "lost"}}).json
    assert [(one["key"], one["value"]) for one in filled["fields"]] == [("reason", "lost")]
    shown = browser.get(f"/conversations/{id_}").json
    assert shown["fields"] == filled["fields"]
    told = [one for one in browser.get(f"/conversations/{id_}/messages").json["items"] if one["event"] == "field"]
    assert [(one["data"]["field"], one["data"]["to"]) for one in told] == [("Reason", ["Lost bag"])]
    customer = shown["customer"]["id"]
    browser.ask("PUT", f"/customers/{customer}/fields", json={"values": {"since": "2024-02-29"}})
    assert [one["value"] for one in browser.get(f"/customers/{customer}").json["fields"]] == ["2024-02-29"]
    assert browser.ask("POST", f"/conversations/{id_}/resolve", json={}).json["state"] == "resolved"
    gone = browser.ask("PATCH", f"/fields/{made['id']}", json={"archived": True}).json
    assert gone["archived"] is True
    assert browser.get(f"/conversations/{id_}").json["fields"] == []


def test_what_cannot_be_a_field_is_said_by_its_part(site: Site) -> None:
    with site.rows() as session:
        lead = make.make_staff(session, "owner")
    browser = site.browser(lead)
    plain = {"subject": "conversation", "key": "k", "name": "K", "kind": "number"}
    for part, value in (
        ("choices", [{"key": "a", "name": "A"}]),
        ("choices", [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]),
        ("mask", "AA"),
        ("most", "1e9"),
        ("least", "five"),
        ("key", "Bad"),
        ("kind", "colour"),
    ):
        refused = browser.ask("POST", "/fields", json={**plain, part: value})
        assert (refused.status_code, refused.json["errors"][0]["field"].split(".")[0]) == (422, part), (part, value)
    assert browser.post("/fields", {**plain, "least": "0.5"}).json["least"] == "0.5"
