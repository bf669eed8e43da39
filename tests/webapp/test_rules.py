"""Rules through the API: what they may ask and do, in each form, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from guichet import models as m
from tests import factories as make
from tests.webapp.site import Site

RULES = "/rules"
NUMBERED = [
    {"field": "repeated", "operator": "by_author", "value": [3, 60]},
    {"field": "conversation_messages", "operator": "at_least", "value": [5]},
    {"field": "customer_messages", "operator": "at_most", "value": [1]},
]


def boss(site: Site) -> m.Staff:
    with site.rows() as session:
        return make.make_staff(session, "administrator")


def test_what_is_counted_and_what_hides_goes_in_and_comes_out_as_it_was(both: Site) -> None:
    browser = both.browser(boss(both))
    body = {"name": "Floods", "conditions": NUMBERED, "actions": [{"kind": "hide", "value": 20}]}
    made = browser.post(RULES, body)
    assert made.status_code == 201
    (kept,) = browser.get(RULES).json["items"]
    assert (kept["conditions"], kept["actions"]) == (NUMBERED, [{"kind": "hide", "value": 20}])
    assert (kept["since"], kept["after_minutes"], kept["in_hours"]) == ("", None, False)
    assert browser.post(f"{RULES}/preview", {"conditions": NUMBERED}).json == {"tried": 0, "matched": 0, "items": []}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"conditions": [{"field": "repeated", "operator": "by_author", "value": [3]}]}, "conditions.0.value"),
        ({"conditions": [{"field": "repeated", "operator": "is", "value": [3, 5]}]}, "conditions.0.operator"),
        ({"conditions": [{"field": "customer_messages", "operator": "at_most", "value": [0]}]}, "conditions.0.value"),
        ({"conditions": [{"field": "customer_messages", "operator": "at_most", "value": ["1"]}]}, "conditions.0.value"),
        ({"actions": [{"kind": "hide", "value": 0}]}, "actions.0.value"),
        ({"actions": [{"kind": "hide", "value": None}]}, "actions.0.value"),
        ({"actions": [{"kind": "close"}]}, "actions.0.kind"),
        ({"since": "waiting"}, "after_minutes"),
        ({"since": "waiting", "after_minutes": 60, "actions": [{"kind": "hide", "value": 5}]}, "actions.0.kind"),
        ({"since": "waiting", "after_minutes": 60, "actions": [{"kind": "snooze", "value": 0}]}, "actions.0.value"),
        ({"since": "waiting", "after_minutes": 60, "actions": [{"kind": "note", "value": " "}]}, "actions.0.value"),
        ({"since": "waiting", "after_minutes": 60, "actions": [{"kind": "tell_team", "value": 9}]}, "actions.0.value"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_stands(site: Site, change: dict[str, Any], field: str) -> None:
    body = {"name": "x", "conditions": [], "actions": [{"kind": "priority", "value": 2}], **change}
    refused = site.browser(boss(site)).post(RULES, body)
    assert (refused.status_code, refused.mimetype) == (422, "application/problem+json")
    assert [e["field"] for e in refused.json["errors"]] == [field]


@pytest.mark.parametrize("change", [{"since": "moon", "after_minutes": 60}, {"since": "waiting", "after_minutes": 4}])
def test_a_time_that_there_is_not_is_refused(site: Site, change: dict[str, Any]) -> None:
    body = {"name": "x", "conditions": [], "actions": [{"kind": "priority", "value": 2}], **change}
    assert site.browser(boss(site)).post(RULES, body).status_code == 422


def test_a_rule_after_a_time_is_made_changed_and_made_one_on_messages_again(both: Site) -> None:
    browser = both.browser(boss(both))
    body = {"name": "Late", "conditions": [], "actions": [{"kind": "priority", "value": 2}], "on": True}
    made = browser.post(RULES, {**body, "since": "waiting", "after_minutes": 120, "in_hours": True}).json
    assert (made["since"], made["after_minutes"], made["in_hours"], made["on"]) == ("waiting", 120, True, True)
    renamed = browser.patch(f"{RULES}/{made['id']}", {"name": "Later"}).json
    assert (renamed["since"], renamed["after_minutes"]) == ("waiting", 120)
    changed = browser.patch(f"{RULES}/{made['id']}", {"after_minutes": 240, "in_hours": False}).json
    assert (changed["after_minutes"], changed["in_hours"]) == (240, False)
    back = browser.patch(f"{RULES}/{made['id']}", {"since": ""}).json
    assert (back["since"], back["after_minutes"], back["in_hours"]) == ("", None, False)
    preview = browser.post(f"{RULES}/preview", {"conditions": [], "since": "created", "after_minutes": 60})
    assert (preview.status_code, preview.json["tried"]) == (200, 0)
