"""Mentions, followers and notices through the API; and the post above, as it is named."""

from __future__ import annotations

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Site
from webapp.api.threads import show_above


def test_a_mention_reaches_who_is_meant_until_they_have_read_it(site: Site) -> None:
    with site.rows() as session:
        account = make.make_account(session)
        people = make.make_staff(session, name="Ada"), make.make_staff(session, name="Jonas")
        for person in people:
            make.make_grant(session, person, account, "agent")
        id_ = make.make_conversation(session, account, state="open").id
    ada, jonas = (site.browser(person) for person in people)
    readers = ada.get(f"/conversations/{id_}/readers").json["staff"]
    assert [one["name"] for one in readers] == ["Ada", "Jonas"]
    entry = ada.post(f"/conversations/{id_}/note", {"text": "@jonas please"}).json
    assert entry["called"] == ["Jonas"]
    (told,) = jonas.get("/notices").json["items"]
    assert (told["kind"], told["by"]["name"], told["text"], told["seen"]) == ("mention", "Ada", "@jonas please", False)
    assert jonas.get("/notices/unseen").json == {"count": 1, "more": False}
    whole = jonas.get(f"/conversations/{id_}").json
    assert (whole["followed"], whole["called"]) == (True, True)
    assert [one["name"] for one in whole["followers"]] == ["Ada", "Jonas"]
    counts = {view["id"]: view["count"] for view in jonas.get("/views").json["items"]}
    assert (counts["mentions"], counts["followed"]) == (1, 1)
    assert [row["id"] for row in jonas.get("/conversations?view=mentions").json["items"]] == [id_]
    jonas.ask("PUT", f"/conversations/{id_}/seen", json={"through": entry["id"]})
    assert jonas.get("/notices/unseen").json["count"] == 0
    assert jonas.get("/notices?unseen=true").json["items"] == []
    assert jonas.post(f"/conversations/{id_}/unfollow", {}).json["followed"] is False
    assert jonas.get("/conversations?followed=true").json["items"] == []


def test_the_post_above_is_named_by_its_author() -> None:
    author = {"handle": "northline", "name": "Northline"}
    shown = show_above(m.Conversation(above={"text": "More trains", "author": author}))
    assert shown is not None
    assert shown.author == "Northline"
