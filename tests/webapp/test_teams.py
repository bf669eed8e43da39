"""Teams over the API: how their queue is shared, and who has had their share of the hour."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Site


def test_a_team_says_who_has_had_their_hour_and_what_lies_there_that_one_may_see(site: Site) -> None:
    now = site.clock.now
    with site.rows() as session:
        owner, member = make.make_staff(session, "owner"), make.make_staff(session)
        ours, theirs = make.make_account(session), make.make_account(session)
        make.make_grant(session, member, ours, "agent")
    added = site.browser(owner).post(
        "/teams", {"name": "Desk", "assignment": "round_robin", "hourly_cap": 2, "member_ids": [member.id]}
    )
    assert (added.status_code, added.json["queue_order"], added.json["hourly_cap"]) == (201, "oldest", 2)
    path = f"/teams/{added.json['id']}"
    with site.rows() as session:
        team = session.get_one(m.Team, added.json["id"])
        for minutes in (70, 40, 10):
            make.make_handout(session, team, member, given_at=now - timedelta(minutes=minutes))
        for account in (ours, theirs):
            make.make_conversation(session, account, state="new", team_id=team.id)
    seen = site.browser(owner).get(path).json
    (person,) = seen["members"]
    assert (person["given"], person["next_at"]) == (2, f"{now + timedelta(minutes=20):%Y-%m-%dT%H:%M:%SZ}")
    assert (seen["waiting"], site.browser(member).get("/teams").json["items"][0]["waiting"]) == (2, 1)
    changed = site.browser(owner).patch(path, {"hourly_cap": 0, "queue_order": "deadline"}).json
    assert (changed["hourly_cap"], changed["queue_order"], changed["members"][0]["next_at"]) == (0, "deadline", None)
    with site.rows() as session:
        (entry,) = session.query(m.AuditEntry).filter_by(action="team.change")
        assert entry.data == {"assignment": "round_robin", "queue_order": "deadline", "hourly_cap": 0}


@pytest.mark.parametrize(
    "wrong", [{"hourly_cap": -1}, {"hourly_cap": 1001}, {"hourly_cap": "many"}, {"queue_order": "x"}]
)
def test_what_makes_no_sense_is_refused_by_name(site: Site, wrong: dict[str, Any]) -> None:
    with site.rows() as session:
        owner, team = make.make_staff(session, "owner"), make.make_team(session)
    refused = site.browser(owner).patch(f"/teams/{team.id}", wrong)
    assert (refused.status_code, [e["field"] for e in refused.json["errors"]]) == (422, list(wrong))
