"""Answers that wait, through the API: planned in the brand's day, moved, taken back by their author."""

from __future__ import annotations

from guichet import models as m
from tests import factories as make
from tests.webapp import world
from tests.webapp.site import Site


def test_an_answer_waits_is_moved_and_comes_back_with_its_text(site: Site) -> None:
    with site.rows() as session:
        built = world.build(session)
        place, agent = built.ours, built.people["agent"]
        place.account.brand.time_zone = "Asia/Tokyo"
        viewer = built.people["viewer"]
    browser = site.browser(agent)
    here = f"/conversations/{place.ids['conversations']}"
    seen = browser.get(here).json["last_message_id"] or place.ids["message"]

    later = {"wall_time": "2026-03-11T09:00"}
    planned = browser.post(f"{here}/reply", {"text": "Tomorrow.", "seen_through": seen, "later": later}).json
    assert planned["pending"] == {
        "kind": "later", "until": "2026-03-11T00:00:00Z", "wall_time": "2026-03-11T09:00", "time_zone": "Asia/Tokyo",
        "closes": False,
    }  # fmt: skip
    [row] = [
        one
        for one in browser.get("/conversations?q=is:snoozed").json["items"]
        if one["id"] == browser.get(here).json["id"]
    ]
    assert (row["state"], row["snoozed_until"], row["planned_at"]) == ("snoozed", None, "2026-03-11T00:00:00Z")
    mine = f"{here}/answers/{planned['id']}"
    moved = browser.post(f"{mine}/move", {"later": {**later, "time_zone": "Europe/Paris"}}).json
    assert moved["pending"]["until"] == "2026-03-11T08:00:00Z"
    assert site.browser(viewer).post(f"{mine}/cancel").status_code == 403

    draft = browser.post(f"{mine}/take-back").json
    assert (draft["kind"], draft["text"], draft["seen_through"]) == ("reply", "Tomorrow.", seen)
    assert browser.post(f"{mine}/take-back").status_code == 409
    assert browser.get(here).json["planned_at"] is None
    assert "Tomorrow." not in browser.get(f"{here}/messages").text
    assert browser.get(here).json["drafts"][0]["text"] == "Tomorrow."

    sent = browser.post(f"{here}/reply", {"text": "Now.", "seen_through": seen, "undo_seconds": 5}).json
    assert (sent["pending"]["kind"], sent["delivery"]["state"]) == ("undo", "scheduled")
    hastened = browser.post(f"{here}/answers/{sent['id']}/send-now", {"seen_through": sent["id"]}).json
    assert hastened["delivery"]["state"] == "due"


def test_how_long_one_may_think_again_is_ones_own(site: Site) -> None:
    with site.rows() as session:
        agent = make.make_staff(session)
    browser = site.browser(agent)
    assert browser.get("/me").json["undo_seconds"] == 5
    assert browser.ask("PATCH", "/me", json={"undo_seconds": 0}).json["undo_seconds"] == 0
    assert browser.ask("PATCH", "/me", json={"undo_seconds": 31}).status_code == 422
    with site.rows() as session:
        assert session.get_one(m.Staff, agent.id).undo_seconds == 0


def test_an_answer_waits_for_a_colleague_who_sends_it_back_or_lets_it_go(site: Site) -> None:
    with site.rows() as session:
        built = world.build(session)
    author, colleague, owner = (site.browser(p) for p in (built.people["agent"], built.people["manager"], built.owner))
    theirs = f"/staff/{built.people['agent'].id}"
    assert colleague.patch(theirs, {"answers_reviewed": False}).status_code == 403
    assert owner.patch(theirs, {"answers_reviewed": True}).json["answers_reviewed"] is True
    assert author.get("/me").json["answers_reviewed"] is True
    here = f"/conversations/{built.ours.ids['conversations']}"
    seen = author.get(here).json["last_message_id"] or built.ours.ids["message"]

    sent = author.post(f"{here}/reply", {"text": "It left.", "seen_through": seen, "undo_seconds": 5}).json
    assert (sent["pending"]["kind"], sent["review"]["state"], sent["review"]["may_decide"]) == (
        "review",
        "waiting",
        False,
    )
    answer = f"{here}/answers/{sent['id']}"
    approval = {"content_hash": sent["review"]["content_hash"], "seen_through": sent["id"]}
    assert author.post(f"{answer}/approve", approval).status_code == 403
    counts = {v["id"]: v["count"] for v in colleague.get("/views").json["items"]}
    assert (counts["approval"], len(colleague.get("/conversations?view=approval").json["items"])) == (1, 1)
    assert not author.get("/conversations?view=approval").json["items"]

    assert colleague.post(f"{answer}/reject", {"reason": " "}).status_code == 422
    back = colleague.post(f"{answer}/reject", {"reason": "Say when."}).json
    assert (back["review"]["state"], back["review"]["reason"]) == ("rejected", "Say when.")
    assert "Say when." in back["delivery"]["reason"]
    assert author.get(here).json["drafts"][0]["text"] == "It left."

    sent = author.post(f"{here}/reply", {"text": "It left at noon.", "seen_through": seen}).json
    answer = f"{here}/answers/{sent['id']}"
    approval = {"content_hash": sent["review"]["content_hash"], "seen_through": sent["id"]}
    assert colleague.post(f"{answer}/approve", {**approval, "content_hash": "another"}).status_code == 409
    gone = colleague.post(f"{answer}/approve", {**approval, "text": "It left at one."}).json
    assert (gone["review"]["state"], gone["delivery"]["state"], gone["review"]["by"]["id"]) == (
        "granted", "scheduled", built.people["manager"].id,
    )  # fmt: skip
    assert "It left at one." in gone["text"]


def test_who_is_waited_for_need_not_be_said(site: Site) -> None:
    with site.rows() as session:
        built = world.build(session)
    here = f"/conversations/{built.ours.ids['conversations']}"
    browser = site.browser(built.people["agent"])
    waiting = browser.ask("POST", f"{here}/wait-internally")
    assert (waiting.status_code, waiting.json.get("state")) == (200, "waiting_internal")
    assert browser.post(f"{here}/wait-internally", {"awaits": 5}).status_code == 422
    assert browser.post(f"{here}/wait-internally", {"awaits": "Baggage"}).json["state"] == "waiting_internal"
