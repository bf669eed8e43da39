"""One answer to many by the API."""

from __future__ import annotations

from typing import Any

import pytest

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Browser, Site
from tests.webapp.world import World, build


@pytest.fixture
def world(site: Site) -> World:
    with site.rows() as session:
        return build(session)


@pytest.fixture
def agent(site: Site, world: World) -> Browser:
    return site.browser(world.people["agent"])


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_whole_list_is_drafted_and_read_page_by_page(site: Site, world: World, agent: Browser) -> None:
    listed = ok(agent.get("/conversations?view=open"))["items"]
    bulk = ok(
        agent.post("/bulk-replies", json={"filters": {"view": "open"}, "variants": ["Hello {customer.name}"]}), 201
    )
    assert (bulk["total"], bulk["state"], bulk["mine"]) == (len(listed), "draft", True)
    at = f"/bulk-replies/{bulk['id']}"
    rows = ok(agent.get(f"{at}/rows?limit=1"))
    assert rows["items"][0]["conversation"]["id"] == listed[0]["id"]
    assert rows["next_cursor"] is not None
    other = ok(agent.get(f"{at}/rows?cursor={rows['next_cursor']}"))["items"]
    assert len(other) == len(listed) - 1
    changed = ok(agent.patch(f"{at}/rows/{rows['items'][0]['id']}", json={"out": True}))
    assert changed["state"] == "out"
    assert agent.post(f"{at}/send", json={"version": bulk["version"]}).status_code == 409


def test_what_makes_no_sense_is_named(site: Site, world: World, agent: Browser) -> None:
    foreign = world.theirs.ids["conversations"]
    for body, status in (
        ({}, 422),
        ({"conversation_ids": [foreign], "filters": {}}, 422),
        ({"conversation_ids": [foreign]}, 404),
        ({"conversation_ids": [10**9]}, 422),
        ({"filters": {"colour": "red"}}, 422),
        ({"filters": {"view": 7}}, 422),
        ({"filters": {"view": "nothing"}}, 404),
        ({"conversation_ids": [world.ours.ids["conversations"]], "pace": 61}, 422),
        ({"conversation_ids": [world.ours.ids["conversations"]], "variants": []}, 422),
    ):
        assert agent.post("/bulk-replies", json=body).status_code == status, body
    assert agent.get(f"/bulk-replies/{world.ours.ids['bulk-replies']}/rows?cursor=x").status_code == 422


def test_a_list_that_is_too_long_is_refused_and_not_cut_off(site: Site, world: World, agent: Browser) -> None:
    with site.rows() as session:
        account = session.get_one(m.Account, world.ours.account.id)
        identity = make.make_customer(session)
        for _ in range(500):
            make.make_conversation(session, account, identity, state="open")
    answer = agent.post("/bulk-replies", json={"filters": {"view": "open"}})
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == "filters"


def test_a_colleague_sees_what_was_let_go_but_no_draft(site: Site, world: World, agent: Browser) -> None:
    draft = ok(agent.post("/bulk-replies", json={"conversation_ids": [world.ours.ids["conversations"]]}), 201)
    manager = site.browser(world.people["manager"])
    seen = [one["id"] for one in ok(manager.get("/bulk-replies"))["items"]]
    assert seen == [world.ours.ids["bulk-replies"]]
    assert manager.get(f"/bulk-replies/{draft['id']}").status_code == 404
    running = ok(manager.post(f"/bulk-replies/{seen[0]}/stop"))
    assert (running["state"], running["rows"]) == ("stopped", {"stopped": 1})
