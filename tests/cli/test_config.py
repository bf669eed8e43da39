"""`guichet config`: out as one document by name, in again whole or not at all, and twice is
the same as once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.output import Status
from guichet import models as m
from tests import databases
from tests import factories as make
from tests.cli.conftest import Guichet, assert_one_clear_line, stamped
from tests.cli.set_up import build

# Columns of what is set up that are no part of it, each with the reason.
NOT_SET_UP: dict[type[m.Base], dict[str, str]] = {
    m.Calendar: {"version": "counts the changes here"},
    m.Brand: {"forgotten_raw_id": "how far the forgetting has come here"},
    m.ApprovalPolicy: {"updated_at": "of the moment"},
    m.Account: {
        "settings": "the network's to say", "avatar_url": "the network's to say", "parked_until": "of the moment",
        "parked_reason": "of the moment", "checked_at": "of the moment", "last_error": "of the moment",
        "last_error_at": "of the moment", "state": "of the moment", "state_reason": "of the moment",
        "webhook_secret": "a secret", "connected_by": "who did it here", "spent_until": "of the moment",
    },
    m.Staff: {
        "password_hash": "a secret", "password_changed_at": "of the moment", "presence": "of the moment",
        "seen_at": "of the moment", "preferences": "their own", "undo_seconds": "their own",
        "disabled_at": "only whether", "absent_until": "of the moment",
        "quiet_from": "their own", "quiet_until": "their own",
    },
    m.Team: {},
    m.Grant: {"created_by": "who did it here"},
    m.Topic: {},
    m.Label: {},
    m.PostTag: {"folded": "follows from the name"},
    m.HashtagSet: {"folded": "follows from the name"},
    m.PostTemplate: {"folded": "follows from the name"},
    m.Contact: {"folded": "follows from the name"},
    m.CustomField: {"position": "the order of the list"},
    m.LinkRule: {"updated_at": "of the moment"},
    m.EvergreenQueue: {"folded": "follows from the name"}
    | dict.fromkeys(("looked_at", "filled_until", "missed", "missed_at", "removed_at"), "of the moment"),
    m.Rule: {"position": "the order of the list", "created_by": "who did it here", "updated_at": "of the moment"},
    m.CannedReply: {"created_by": "who did it here", "updated_at": "of the moment"},
    m.Macro: {"position": "the order of the list", "updated_at": "of the moment"},
    m.SavedView: {"position": "the order of the list"},
}  # fmt: skip
# Columns by the names that they have in the document.
CALLED = {
    "brand_id": "brand", "calendar_id": "calendar", "default_team_id": "default_team", "staff_id": "staff",
    "team_id": "team", "account_id": "account", "is_rehearsal": "rehearsal", "is_on": "on", "is_paused": "paused",
    "week": "slots", "archived_at": "archived",
}  # fmt: skip


def whole(document: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k != "exported_at"}


@pytest.fixture
def company(both: Guichet) -> Guichet:
    with both.rows() as session:
        build(session)
    return both


@pytest.fixture
def elsewhere(
    company: Guichet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Guichet]]:  # fmt: skip
    """Another installation, empty; from then on commands go there."""
    with databases.sqlite_engine() as engine, stamped(engine):

        def move() -> Guichet:
            folder = tmp_path / "elsewhere"
            folder.mkdir()
            monkeypatch.setenv("GUICHET_DATABASE_URL", str(engine.url))
            monkeypatch.setenv("GUICHET_DATA_DIR", str(folder))
            return Guichet(engine, folder)

        yield move


def test_rules_that_count_hide_or_act_after_a_time_go_in_and_out(company: Guichet) -> None:
    document = company.json("config", "export")
    added = [
        {
            "name": "Floods", "brand": "Aurore", "on": True, "stops": False, "since": "", "after_minutes": None,
            "in_hours": False, "actions": [{"kind": "hide", "value": 20}],
            "conditions": [
                {"field": "repeated", "operator": "by_author", "value": [3, 60]},
                {"field": "conversation_messages", "operator": "at_least", "value": [5]},
                {"field": "customer_messages", "operator": "at_most", "value": [1]},
            ],
        },
        {
            "name": "Late", "brand": None, "on": False, "stops": True, "since": "waiting", "after_minutes": 120,
            "in_hours": True,
            "conditions": [
                {"field": "label", "operator": "is", "value": ["refund"]},
                {"field": "state", "operator": "is", "value": ["open"]},
            ],
            "actions": [
                {"kind": "tell_team", "value": "Counter"}, {"kind": "tell_staff", "value": "agent@example.org"},
                {"kind": "tell_leads", "value": None}, {"kind": "note", "value": "Late"},
                {"kind": "close", "value": None},
            ],
        },
    ]  # fmt: skip
    document["rules"] += added
    assert company.json("config", "import", "-", stdin=json.dumps(document))["created"] == 2
    after = company.json("config", "export")
    assert after["rules"][-2:] == added
    again = company.json("config", "import", "-", stdin=json.dumps(after))
    assert (again["created"], again["changed"]) == (0, 0)
    after["rules"][-1]["after_minutes"] = 1
    refused = company("config", "import", "-", stdin=json.dumps(after))
    assert refused.status != 0
    assert "after_minutes" in refused.out + refused.err


def test_it_goes_out_by_name_and_in_again_elsewhere(company: Guichet, elsewhere: Callable[[], Guichet]) -> None:
    document = company.json("config", "export")
    rule = document["rules"][0]
    assert rule["conditions"][1]["value"] == ["mastodon:aurore"]
    assert [a.get("value") for a in rule["actions"]] == ["refund", "Counter", "agent@example.org", 2]
    promise = document["promises"][0]
    assert [c["value"] for c in promise["conditions"]] == [["refund"], ["mastodon:aurore#2"]]
    assert [a["value"] for a in promise["steps"][0]["actions"]] == [None, "agent@example.org", "Counter"]
    assert [(x["owner"], x["team"], [a["value"] for a in x["actions"]]) for x in document["macros"]] == [
        ("agent@example.org", None, [0, "refund"]), (None, "Counter", ["agent@example.org", "Counter"]),
    ]  # fmt: skip
    assert document["topics"] == [
        {"name": "Bags", "brand": "Aurore", "reviewed": True, "return_minutes": 45, "experts": ["agent@example.org"]}
    ]
    assert [r["exceptions"][0]["patterns"] for r in document["link_rules"]] == [{"source": "twitter"}]
    assert [a["key"] for a in document["accounts"]] == ["mastodon:aurore", "mastodon:aurore#2", "x:boreal"]
    assert [s["weekday"] for s in document["accounts"][0]["slots"]] == [0, 3]
    assert {g["role"] for g in document["grants"]} == {"agent", "viewer", "publisher"}
    assert "canary" not in json.dumps(document)
    there = elsewhere()
    done = there.json("config", "import", "-", stdin=json.dumps(document))
    assert (done["changed"], done["left"]) == (0, 0)
    assert whole(there.json("config", "export")) == whole(document)
    with there.rows() as session:
        assert {a.state for a in session.scalars(select(m.Account))} == {"needs_reconnect"}
        assert session.scalars(select(m.Staff.password_hash).distinct()).all() == [""]


def test_who_must_agree_and_what_it_may_cost_go_with_it(company: Guichet, elsewhere: Callable[[], Guichet]) -> None:
    document = company.json("config", "export")
    agent, owner = "agent@example.org", "owner@example.org"
    words = {
        "name": "Words", "need": "all", "staff": [agent, owner], "teams": [], "external": False, "deputies": [owner],
        "deputy_after": 90,
    }  # fmt: skip
    law = {
        "name": "Law", "need": "any", "staff": [], "teams": ["Counter"], "external": True, "deputies": [],
        "deputy_after": None,
    }  # fmt: skip
    rest = {"authors_may_approve": False, "binds_time": True}
    assert document["approvals"][0] == {"brand": "Aurore", "steps": [words, law], **rest}
    limits = {a["key"]: (a["approval"], a["monthly_limit"]) for a in document["accounts"]}
    assert limits == {
        "mastodon:aurore": ("four_eyes", None), "mastodon:aurore#2": ("as_brand", None), "x:boreal": ("none", 12.5),
    }  # fmt: skip
    there = elsewhere()
    with there.rows() as session:
        make.make_staff(session, email="owner@example.org")  # so that numbers are others there
    there.json("config", "import", "-", stdin=json.dumps(document))
    with there.rows() as session:
        people = {s.email: s.id for s in session.scalars(select(m.Staff))}
        policy = session.scalars(select(m.ApprovalPolicy).join(m.Brand).where(m.Brand.name == "Aurore")).one()
        assert (policy.steps[0]["staff"], policy.binds_time) == ([people[agent], people[owner]], True)
        account = session.scalars(select(m.Account).where(m.Account.network == "x")).one()
        assert (account.approval, account.monthly_limit) == ("none", 12_500_000)
    again = there.json("config", "import", "-", stdin=json.dumps(document))
    assert (again["created"], again["changed"]) == (0, 0)
    after = there.json("config", "export")
    assert (after["approvals"], after["accounts"]) == (document["approvals"], document["accounts"])


def test_approvals_and_limits_that_are_not_mentioned_stay(company: Guichet) -> None:
    document = company.json("config", "export")
    silent = [{k: v for k, v in a.items() if k not in ("approval", "monthly_limit")} for a in document["accounts"]]
    done = company.json("config", "import", "-", stdin=json.dumps({"version": 1, "accounts": silent}))
    assert done["changed"] == 0
    assert company.json("config", "export")["accounts"] == document["accounts"]
    wanted = {
        "version": 1,
        "approvals": [{"brand": "Aurore"}, {"brand": "Boréal", "steps": [{"teams": ["Counter"]}]}],
        "accounts": [{**silent[2], "monthly_limit": None, "approval": "as_brand"}],
    }
    done = company.json("config", "import", "-", stdin=json.dumps(wanted))
    told = [(s["kind"], s["name"], s["does"], s["fields"]) for s in done["steps"]]
    assert told == [
        ("approval", "Aurore", "change", ["binds_time", "steps"]), ("approval", "Boréal", "create", []),
        ("account", "x:boreal", "change", ["approval", "monthly_limit"]),
    ]  # fmt: skip
    after = company.json("config", "export")
    assert [len(a["steps"]) for a in after["approvals"]] == [0, 1]
    assert (after["accounts"][2]["approval"], after["accounts"][2]["monthly_limit"]) == ("as_brand", None)


def test_twice_is_the_same_as_once(company: Guichet) -> None:
    document = json.dumps(company.json("config", "export"))
    done = company.json("config", "import", "-", stdin=document)
    assert (done["created"], done["changed"]) == (0, 0)
    assert done["left"] == len(done["steps"]) > 15


def test_what_differs_is_changed_and_what_is_not_mentioned_stays(company: Guichet) -> None:
    document = company.json("config", "export")
    changes = {
        "version": 1,
        "brands": [{**document["brands"][0], "needs_approval": True, "languages": ["fr"]}],
        "staff": [{**document["staff"][0], "capacity": 9, "disabled": True}],
        "teams": [
            {"name": "Counter", "members": ["owner@example.org"]},
            {"name": "Night", "leads": ["OWNER@example.org"]},
        ],
        "accounts": [{**document["accounts"][0], "slots": [{"weekday": 6, "at": "20:00"}]}],
        "labels": [{"name": "refund", "colour": "blue"}],
        "topics": [{"name": "Bags", "brand": "Aurore", "experts": ["owner@example.org"]}, {"name": "Pets"}],
        "rules": [{**document["rules"][1], "on": True}, document["rules"][0]],
        "canned_replies": [{"title": "Bye", "text": "Adieu"}],
        "macros": [{"name": "Baggage", "team": "Counter", "actions": [{"kind": "label", "value": "refund"}]}],
    }
    done = company.json("config", "import", "-", stdin=json.dumps(changes))
    told = {(s["kind"], s["name"]): (s["does"], s["fields"]) for s in done["steps"]}
    assert told["brand", "Aurore"] == ("change", ["languages", "needs_approval"])
    assert told["staff", "agent@example.org"] == ("change", ["capacity", "disabled"])
    assert told["slots", "mastodon:aurore"] == ("change", ["slots"])
    assert told["team", "Night"] == ("create", [])
    assert told["rule", "the order of all"] == ("change", ["position"])
    after = company.json("config", "export")
    assert [r["name"] for r in after["rules"]] == ["Spam", "Refunds"]
    assert [t["name"] for t in after["teams"]] == ["Counter", "Night"]
    assert [(x["experts"], x["reviewed"]) for x in after["topics"]] == [(["owner@example.org"], False), ([], False)]
    assert after["views"] == document["views"]
    assert next(c for c in after["canned_replies"] if c["title"] == "Bye")["text"] == "Adieu"
    assert [a["value"] for x in after["macros"] if x["team"] for a in x["actions"]] == ["refund"]
    assert company.json("config", "import", "-", stdin=json.dumps(changes))["changed"] == 0


def test_a_dry_run_shows_what_would_be_and_does_nothing(company: Guichet) -> None:
    before = company.json("config", "export")
    wanted = json.dumps({"version": 1, "labels": [{"name": "new"}, {"name": "refund", "colour": "blue"}]})
    plan = company.json("config", "import", "-", "--dry-run", stdin=wanted)
    assert [(s["does"], s["name"]) for s in plan["steps"]] == [("create", "new"), ("change", "refund")]
    assert whole(company.json("config", "export")) == whole(before)
    said = company("config", "import", "-", "--dry-run", stdin=wanted)
    assert "Would be 1 created, 1 changed, 0 left as they are." in said.out


def test_every_error_is_said_by_its_path_and_nothing_is_imported(company: Guichet) -> None:
    before = company.json("config", "export")
    wrong = {
        "version": 1,
        "labels": [{"name": "fine"}, {"name": "bad", "colour": "mauve"}],
        "calendars": [{"name": "Odd", "time_zone": "Mars/Olympus", "intervals": {}}],
        "brands": [{"name": "New", "calendar": "No such hours"}, {"name": "Odd", "calendar": "Odd"}],
        "teams": [{"name": "Ghosts", "members": ["agent@example.org", "ghost@example.org"]}],
        "accounts": [
            {"key": "a", "network": "myspace", "remote_id": "1", "handle": "a", "name": "A", "brand": "Aurore",
             "time_zone": "UTC"},
            {"key": "b", "network": "mastodon", "remote_id": "1", "handle": "b", "name": "B", "brand": "Aurore",
             "time_zone": "UTC", "monthly_limit": 5},
        ],
        "approvals": [
            {"brand": "Aurore", "steps": [{}, {"staff": ["agent@example.org", "ghost@example.org"]}]},
            {"brand": "Boréal", "steps": [{"need": "all"}]},
            {"brand": "Nowhere"},
        ],
        "grants": [{"staff": "agent@example.org", "account": "nowhere", "role": "agent"}],
        "rules": [
            {"name": "R", "actions": [{"kind": "label", "value": "no label"}]},
            {"name": "S", "conditions": [{"field": "mood", "operator": "is", "value": ["bad"]}],
             "actions": [{"kind": "spam"}]},
        ],
        "views": [{"name": "V", "filters": {"colour": "red"}}],
    }  # fmt: skip
    said = company("config", "import", "-", "--json", stdin=json.dumps(wrong))
    assert said.status == Status.WRONGLY_ASKED
    assert set(said.failure["fields"]) == {
        "labels.1.colour", "calendars.0.time_zone", "brands.0.calendar", "brands.1.calendar", "teams.0.members.1",
        "accounts.0.network", "accounts.1.monthly_limit", "approvals.0.steps.1.staff.1", "approvals.1.steps.0.need",
        "approvals.2.brand", "grants.0.account", "rules.0.actions.0.value", "rules.1.conditions.0.field",
        "views.0.filters.colour",
    }  # fmt: skip
    assert whole(company.json("config", "export")) == whole(before)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this is no JSON"),
        ("{", "this is no JSON"),
        ("[]", "this is no configuration"),
        ("{}", "version: is missing"),
        ('{"version": 2}', "version: Value error, this program reads version 1"),
        ('{"version": 1, "guichet": "else"}', "guichet: Input should be"),
        ('{"version": 1, "brand": []}', "brand: Extra inputs are not permitted"),
        ('{"version": 1, "brands": [{"name": "A", "zone": "UTC"}]}', "brands.0.zone: Extra inputs"),
        ('{"version": 1, "brands": [{"name": " "}]}', "brands.0.name: String should have at least 1"),
        ('{"version": 1, "brands": [{"name": "A\\u0000"}]}', "brands.0.name: holds a character"),
        ('{"version": 1, "labels": [{"name": "\\ud800"}]}', "labels.0.name: holds a character"),
        ('{"version": 1, "labels": [{"name": "a"}, {"name": "a"}]}', "labels.1: is the same as labels.0"),
        ('{"version": 1, "staff": [{"email": "a@b.c", "name": "A", "role": "king"}]}', "staff.0.role: Input should"),
        ('{"version": 1, "staff": [{"email": "nobody", "name": "A"}]}', "staff.0.email: must look like"),
        ('{"version": 1, "grants": [{"role": "agent"}]}', "grants.0: must name one of staff and team"),
        ('{"version": 1, "staff": [{"email": "a@b.c", "name": "A", "capacity": 1e99}]}', "staff.0.capacity"),
        ("[" * 100_000, "nested too deeply"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_what_is_no_configuration_is_said_so(guichet: Guichet, text: str, says: str) -> None:
    said = guichet("config", "import", "-", stdin=text)
    assert says in said.err
    assert said.status == Status.WRONGLY_ASKED
    assert_one_clear_line(said)


def test_the_last_owner_stays_whatever_a_document_says(company: Guichet) -> None:
    wanted = {"version": 1, "staff": [{"email": "owner@example.org", "name": "Odile Owner", "role": "member"}]}
    said = company("config", "import", "-", stdin=json.dumps(wanted))
    assert said.status == Status.WRONGLY_ASKED
    assert "staff.0: the last owner cannot" in said.err


def test_a_file_is_written_whole_and_for_its_owner_alone(company: Guichet, tmp_path: Path) -> None:
    path = tmp_path / "configuration.json"
    company.json("config", "export", str(path))
    assert json.loads(path.read_text())["guichet"] == "configuration"
    assert path.stat().st_mode & 0o077 == 0
    said = company("config", "export", "/nowhere/at/all.json")
    assert (said.status, "cannot be written" in said.err) == (Status.WRONGLY_ASKED, True)
    said = company("config", "import", "/nowhere/at/all.json")
    assert (said.status, "cannot be read" in said.err) == (Status.WRONGLY_ASKED, True)


def test_every_column_of_what_is_set_up_is_in_the_document_or_named_as_not(company: Guichet) -> None:
    document = company.json("config", "export")
    parts = dict(zip(NOT_SET_UP, (
        "calendars", "brands", "approvals", "accounts", "staff", "teams", "grants", "topics", "labels", "post_tags",
        "hashtag_sets", "post_templates", "contacts", "fields", "link_rules", "queues", "rules", "canned_replies",
        "macros", "views",
    ), strict=True))  # fmt: skip
    for model, left_out in NOT_SET_UP.items():
        held = {CALLED.get(c.name, c.name) for c in model.__table__.columns} - {"id", "created_at"}
        given = {"owner" if model in (m.SavedView, m.Macro) and n == "staff" else n for n in held - set(left_out)}
        assert given <= set(document[parts[model]][0]), f"{model.__name__}: say why it is left out"
