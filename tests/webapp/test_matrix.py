"""Routes × roles × accounts, made from the URL map: a new route is judged the day it is
written, or the test says that nobody thought of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webapp.requests import body_for
from tests.webapp.site import API, Browser, Site
from tests.webapp.world import ROLES, SECRET_WORD, Place, World, build

# Routes by number whose thing belongs to an account or a brand, or to one person.
OF_AN_ACCOUNT = frozenset(
    {"accounts", "brands", "conversations", "customers", "attachments", "posts", "deliveries", "media", "dead-letters",
     "canned-replies", "macros", "views", "tokens", "review-links", "imports", "discrepancies", "alerts",
     "bulk-replies"}
)  # fmt: skip
# Unsafe routes that anybody signed in may use, for it is about themselves or harms nobody.
FOR_EVERYBODY = frozenset(
    {
        "PATCH /me",
        "POST /me/sign-out",
        "POST /me/password",
        "POST /tokens",
        "POST /notices/seen",
        "PUT /me/notice-mails",
    }
)
QUERIES = {
    "/search": {"q": SECRET_WORD},
    "/brands/<int:id>/too-old": {"days": 30},
    "/posts/calendar": {"since": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"},
}

# The weakest role on an account that may do it; "org": it takes an organisation role.
WEAKEST = {
    "viewer": (
        "POST /conversations/<int:id>/presence",
        "PUT /conversations/<int:id>/seen",
        "POST /conversations/<int:id>/follow",
        "POST /conversations/<int:id>/unfollow",
        "POST /posts/<int:id>/comments",
        "POST /posts/<int:id>/seen",
        "POST /approvals/decide",  # each of the posts is judged by itself; a viewer may be asked too
    ),
    "agent": (
        "POST /alerts/<int:id>/acknowledge",
        "POST /conversations/<int:id>/note",
        "POST /conversations/<int:id>/split",
        "POST /conversations/<int:id>/link",
        "POST /conversations/<int:id>/unlink",
        "POST /conversations/<int:id>/claim",
        "POST /teams/<int:id>/next",
        "POST /conversations/<int:id>/assign",
        "POST /conversations/<int:id>/snooze",
        "POST /conversations/<int:id>/resolve",
        "PUT /conversations/<int:id>/labels",
        "PUT /conversations/<int:id>/fields",
        "PUT /customers/<int:id>/fields",
        "PUT /conversations/<int:id>/draft",
        "POST /macros/<int:id>/preview",
        "POST /macros/<int:id>/apply",
        "POST /bulk-replies",
        "POST /bulk-replies/<int:id>/stop",
        "PATCH /customers/<int:id>",
        "POST /customers/<int:id>/join",
        "POST /customers/<int:id>/separate",
        "POST /customers/<int:id>/notes",
    ),
    "author": (
        "POST /posts",
        "POST /posts/preflight",
        "POST /post-templates/<int:id>/fill",
        "POST /posts/tags",
        "POST /link-previews",
        "POST /calendar-feeds",
        "POST /evergreen-queues/<int:id>/items",
        "POST /evergreen-items/<int:id>/wordings",
        "PUT /evergreen-items/<int:id>",
        "POST /evergreen-items/<int:id>/take-over",
        "PATCH /posts/<int:id>",
        "POST /imports/read",
        "POST /imports/check",
        "POST /review-links",
        "DELETE /review-links/<int:id>",
    ),
    "publisher": (
        "POST /deliveries/<int:id>/resolve",
        "POST /brake",
        "POST /discrepancies/<int:id>/seen",
        "POST /evergreen-queues",
        "PUT /evergreen-queues/<int:id>/order",
    ),
    "manager": (
        "PATCH /accounts/<int:id>",
        "POST /accounts/<int:id>/disconnect",
        "PUT /accounts/<int:id>/slots",
        "POST /post-tags",
        "PATCH /post-tags/<int:id>",
        "POST /hashtag-sets",
        "PATCH /hashtag-sets/<int:id>",
        "POST /contacts",
        "PATCH /contacts/<int:id>",
        "POST /contacts/<int:id>/check",
        "POST /post-templates",
        "PATCH /post-templates/<int:id>",
        "POST /fields",
        "PATCH /fields/<int:id>",
        "PUT /brands/<int:id>/link-rule",
        "POST /brands/<int:id>/link-rule/examples",
        "PUT /accounts/<int:id>/monthly-limit",
        "POST /accounts/<int:id>/compare",
        "POST /accounts/<int:id>/gap/seen",
        "POST /dead-letters/<int:id>/replay",
    ),
    "org": (
        "POST /customers/<int:id>/erase",
        "PATCH /bulk-replies/<int:id>",  # what somebody else began
        "POST /bulk-replies/<int:id>/look",
        "POST /bulk-replies/<int:id>/send",
        "DELETE /bulk-replies/<int:id>",
        "POST /brands",
        "PATCH /brands/<int:id>",
        "PUT /brands/<int:id>/approval-policy",
        "POST /posts/<int:id>/send-unapproved",
        "POST /calendars",
        "POST /staff",
        "PATCH /staff/<int:id>",
        "POST /staff/<int:id>/disable",
        "POST /teams",
        "POST /grants",
        "POST /labels",
        "POST /alert-policies",
        "POST /alert-hooks",
        "POST /promises",
        "PATCH /promises/<int:id>",
        "POST /rules",
        "POST /rules/preview",
        "POST /canned-replies",
        "POST /macros",
        "PATCH /macros/<int:id>",
        "POST /macros/order",
        "DELETE /macros/<int:id>",
    ),
}


def routes(site: Site) -> Iterator[tuple[str, str]]:
    """(method, rule) of the whole API, without its prefix."""
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith(API) and not rule.rule.endswith(("/openapi.json", "/events")):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield method, rule.rule.removeprefix(API)


def part(rule: str) -> str:
    return rule.split("/")[1]


def call(browser: Browser, method: str, rule: str, place: Place) -> int:
    """The status of a well-formed request about what lies at `place`."""
    address = rule.replace("<int:id>", str(place.ids.get(part(rule), 1)))
    address = address.replace("<int:note_id>", "1")
    address = address.replace("<int:side_id>", str(place.ids["side"]))
    address = address.replace("<int:message_id>", str(place.ids["message"]))
    address = address.replace("<int:row_id>", "1").replace("<int:place>", "0")
    address = address.replace("<int:post_id>", str(place.ids["wording"]))
    address = address.replace("<int:rendition_id>", "1")
    more = {"query_string": QUERIES.get(rule)} if method == "GET" else body_for(method, rule, place)
    return browser.ask(method, address, **more).status_code


@pytest.fixture
def world(site: Site) -> World:
    with site.rows() as session:
        return build(session)


@pytest.mark.parametrize("role", ROLES)
def test_what_lies_on_a_foreign_account_does_not_exist_for_anybody_else(site: Site, world: World, role: str) -> None:
    browser = site.browser(world.people[role])
    found, asked = [], 0
    for method, rule in routes(site):
        if "<int:id>" in rule and part(rule) in OF_AN_ACCOUNT:
            status = call(browser, method, rule, world.theirs)
            asked += 1
            if status not in (403, 404) or (status == 403 and part(rule) in ("conversations", "deliveries", "posts")):
                found.append((method, rule, status))
    assert found == []
    assert asked > 40


@pytest.mark.parametrize("role", ROLES)
def test_no_list_count_or_search_holds_a_word_of_a_foreign_account(site: Site, world: World, role: str) -> None:
    browser = site.browser(world.people[role])
    for method, rule in routes(site):
        if method == "GET" and "<int:id>" not in rule:
            answer = browser.get(rule, query_string=QUERIES.get(rule))
            text = answer.get_data(as_text=True)
            assert answer.status_code in (200, 403), (rule, text)
            if rule not in ("/teams", "/labels", "/calendars"):  # of the organisation, known to all
                assert SECRET_WORD not in text, rule


def test_the_owner_does_see_it_so_the_test_above_means_something(site: Site, world: World) -> None:
    browser = site.browser(world.owner)
    seen = {
        rule
        for method, rule in routes(site)
        if method == "GET"
        and "<int:id>" not in rule
        and SECRET_WORD in browser.get(rule, query_string=QUERIES.get(rule)).get_data(as_text=True)
    }
    assert {
        "/accounts", "/brands", "/slots", "/post-tags", "/hashtag-sets", "/post-templates", "/contacts", "/fields",
        "/evergreen-queues", "/conversations",
        "/customers", "/posts", "/deliveries",
        "/alerts", "/canned-replies", "/views", "/dead-letters",
        "/discrepancies", "/needs-you", "/search", "/stats/waits",
    } <= seen  # fmt: skip


def test_nothing_that_an_owner_does_ends_in_a_fault_of_ours_on_either_database(both: Site) -> None:
    """Every route, well-formed, about what is there; what ends the sign-in comes last."""
    with both.rows() as session:
        world = build(session)
    last = {"POST /me/sign-out": 1, "POST /me/password": 1}
    browser = both.browser(world.owner)
    asked = sorted(routes(both), key=lambda r: (last.get(" ".join(r), 0), r))
    answers = {f"{method} {rule}": call(browser, method, rule, world.ours) for method, rule in asked}
    assert {route: status for route, status in answers.items() if status == 500} == {}
    assert sum(status < 300 for status in answers.values()) > 60


@pytest.mark.parametrize("role", ROLES)
def test_who_has_no_right_to_an_act_is_refused_on_their_own_account_too(site: Site, world: World, role: str) -> None:
    browser = site.browser(world.people[role])
    rank = ROLES.index(role)
    for weakest, acts in WEAKEST.items():
        allowed = weakest != "org" and rank >= ROLES.index(weakest)
        for act in acts:
            method, rule = act.split(" ")
            status = call(browser, method, rule, world.ours)
            if allowed:
                assert status not in (401, 403, 404), (role, act, status)
            else:
                assert status in (403, 404), (role, act, status)


@pytest.mark.parametrize("role", ROLES[:3])
def test_no_unsafe_route_at_all_lets_an_agent_change_what_is_not_an_agents(site: Site, world: World, role: str) -> None:
    """Everything that is not listed as an agent's, tried on their own account."""
    theirs = {a for r in ROLES[: ROLES.index(role) + 1] for a in WEAKEST.get(r, ())}
    let_in = []
    for method, rule in sorted(routes(site)):
        name = f"{method} {rule}"
        if method == "GET" or name in FOR_EVERYBODY or name in theirs:
            continue
        if role == "agent" and part(rule) == "conversations":
            continue
        # What is refused for its content by somebody with the right would be 409 or 422.
        status = call(site.browser(world.people[role]), method, rule, world.ours)
        if status not in (403, 404):
            let_in.append((name, status))
    assert let_in == [] or {name for name, _ in let_in} <= ALSO[role]


ALSO: dict[str, set[str]] = {"nobody": set(), "viewer": set(), "agent": {"POST /media", "POST /deliveries/resolve"}}
