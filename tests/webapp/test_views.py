"""Views through the API: a kept filter shows what it says, to each what they may see."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Browser, Site


@pytest.fixture
def agent(site: Site) -> Browser:
    """Sees one account of two, on which one conversation of two waits in French."""
    with site.rows() as session:
        account, hidden = make.make_account(session), make.make_account(session)
        staff = make.make_staff(session)
        make.make_grant(session, staff, account, "agent")
        for where, language in ((account, "fr"), (account, "en"), (hidden, "fr")):
            make.make_conversation(session, where, language=language, waiting_since=make.NOW)
    return site.browser(staff)


def keep(browser: Browser, filters: dict[str, Any]) -> Any:
    return browser.post("/views", {"name": "Kept", "filters": filters, "shared": False})


def test_a_kept_filter_counts_and_shows_what_one_may_see(site: Site, agent: Browser) -> None:
    view = keep(agent, {"language": "fr", "waiting": True}).json
    assert (view["count"], view["more"], view["builtin"]) == (1, False, False)
    shown = agent.get(f"/conversations?view={view['id']}").json["items"]
    with site.rows() as session:
        assert [session.get_one(m.Conversation, one["id"]).language for one in shown] == ["fr"]


def test_what_the_query_names_goes_before_the_view(agent: Browser) -> None:
    view = keep(agent, {"language": "fr", "waiting": True}).json
    assert len(agent.get(f"/conversations?view={view['id']}&language=en").json["items"]) == 1
    assert agent.get(f"/conversations?view={view['id']}&language=de").json["items"] == []


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"priority": "burning"}, "filters.priority"),
        ({"team_id": "x"}, "filters.team_id"),
        ({"view": "mine"}, "filters"),
        ({"cursor": "x"}, "filters"),
        ({"made_up": 1}, "filters.made_up"),
    ],
)
def test_a_filter_that_makes_no_sense_is_not_kept(agent: Browser, filters: dict[str, Any], field: str) -> None:
    answer = keep(agent, filters)
    assert (answer.status_code, [e["field"] for e in answer.json["errors"]]) == (422, [field])
    assert all(view["builtin"] for view in agent.get("/views").json["items"])


def test_nobody_elses_view_is_shown_or_taken_away(site: Site, agent: Browser) -> None:
    view = keep(agent, {}).json
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
    other = site.browser(owner)
    assert view["id"] not in [v["id"] for v in other.get("/views").json["items"]]
    for answer in (other.get(f"/conversations?view={view['id']}"), other.ask("DELETE", f"/views/{view['id']}")):
        assert answer.status_code == 404
    assert agent.ask("DELETE", f"/views/{view['id']}").status_code == 200


def test_what_a_rule_holds_has_a_view_of_its_own_and_names_the_rule(site: Site, agent: Browser) -> None:
    with site.rows() as session:
        conversation = session.scalars(select(m.Conversation).where(m.Conversation.language == "en")).first()
        rule = m.Rule(name="Rude", position=1, conditions=[], actions=[], created_at=make.NOW, updated_at=make.NOW)
        session.add(rule)
        session.flush()
        conversation.state, conversation.held_at, conversation.held_by = "waiting_internal", site.clock.now, rule.id
        id_ = conversation.id
    (view,) = [one for one in agent.get("/views").json["items"] if one["id"] == "held"]
    assert view["count"] == 1
    (row,) = agent.get("/conversations?view=held").json["items"]
    assert (row["id"], row["held_since"] is not None) == (id_, True)
    assert agent.get(f"/conversations/{id_}").json["held_by"] == "Rude"
    assert agent.post(f"/conversations/{id_}/reopen").json["held_since"] is None
    assert agent.get("/conversations?view=held").json["items"] == []
    assert agent.get(f"/conversations/{id_}").json["held_by"] is None
