"""Deciding about several at once through the API, posts that wait and deliveries in doubt: each as
it was seen, and what is refused says why in the reader's language."""

from __future__ import annotations

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Browser, Site

_AT = {"wall_time": "2031-03-11T09:00", "time_zone": "Europe/Paris"}


def people(site: Site) -> tuple[Browser, Browser, int]:
    """An author and a chief of an account whose brand wants an approval; the account's id."""
    with site.rows() as session:
        account = make.make_account(session, make.make_brand(session, needs_approval=True), settings={})
        author, chief = make.make_staff(session), make.make_staff(session, locale="fr")
        make.make_grant(session, author, account, "author")
        make.make_grant(session, chief, account, "publisher")
    return site.browser(author), site.browser(chief), account.id


def test_several_are_approved_as_they_were_read_and_the_one_that_changed_says_so(site: Site) -> None:
    author, chief, account = people(site)
    brand = author.get("/brands").get_json()["items"][0]["id"]
    for text in ("one", "two"):
        new = author.post("/posts", {"brand_id": brand, "text": text, "variants": [{"account_id": account}]}).get_json()
        author.post(f"/posts/{new['id']}/schedule", _AT)
    listed = chief.get("/approvals").get_json()
    assert (listed["total"], [one["accounts"][0]["id"] for one in listed["items"]]) == (2, [account, account])
    read = [{"id": one["post"]["id"], "version": one["post"]["version"]} for one in listed["items"]]
    author.patch(f"/posts/{read[1]['id']}", {"version": read[1]["version"], "text": "two, and more"})
    became = chief.post("/approvals/decide", {"choice": "approve", "posts": read}).get_json()
    assert (became["done"], [one["code"] for one in became["items"]]) == (1, [None, "changed"])
    assert became["items"][1]["reason"].startswith("Quelqu’un")
    [left] = chief.get("/approvals").get_json()["items"]
    assert left["post"]["text"] == "two, and more"
    refused = chief.post("/approvals/decide", {"choice": "reject", "posts": [{"id": left["post"]["id"], "version": 1}]})
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "reason")
    assert author.get("/approvals").get_json() == {"total": 0, "items": []}


def test_several_doubts_are_settled_as_they_were_seen(site: Site) -> None:
    _, chief, account = people(site)
    with site.rows() as session:
        doubts = [
            m.Delivery(
                kind="post", state="needs_human", account_id=account, payload={"text": "out?"}, payload_hash="",
                due_at=make.NOW, not_before=make.NOW, created_at=make.NOW, updated_at=make.NOW,
            )
            for _ in range(2)
        ]  # fmt: skip
        session.add_all(doubts)
    seen = [{"id": doubts[0].id, "generation": 1, "remote_id": "7"}, {"id": doubts[1].id, "generation": 2}]
    became = chief.post("/deliveries/resolve", {"choice": "link", "deliveries": seen}).get_json()
    assert (became["done"], [one["code"] for one in became["items"]]) == (1, [None, "already_decided"])
    assert became["items"][1]["reason"] == "Quelqu’un en a déjà décidé"
    assert chief.get(f"/deliveries/{doubts[0].id}").get_json()["state"] == "published"
    assert chief.get(f"/deliveries/{doubts[1].id}").get_json()["state"] == "needs_human"
