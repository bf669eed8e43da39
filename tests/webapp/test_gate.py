"""Nobody passes by default."""

from __future__ import annotations

import io
import re

import pytest
from flask import Flask
from sqlalchemy import select

from guichet import models as m
from tests import factories as make
from tests.inbox.scene import make_scene
from tests.webapp.site import API, Site
from webapp.gate import Policy, policy, policy_of

# What a stranger may ask for: anything added here is a decision.
PUBLIC = {
    "/sign-in",
    "/healthz",
    "/readyz",
    "/hooks/<network>/<row:account_id>",
    f"{API}/openapi.json",
    "/review/<row:link_id>/<token>",  # for reviewers from outside: the link is the right, each checks it
    "/review/<row:link_id>",
    "/feeds/<row:feed_id>/<token>.ics",  # for other calendars: the address is the right, each reading asks
    "/review/<row:link_id>/media/<row:media_id>",
    "/alert-calls/<row:call_id>/<signature>",  # from a mail to who is on call: the address is the right
    "/notice-mails/<row:staff_id>/<signature>",  # from a mail: all it can do is to end these mails
    "/api/<path:path>",
    "/hooks/<path:path>",
}


def test_every_route_declares_a_policy(site: Site) -> None:
    silent = [rule.rule for rule in site.app.url_map.iter_rules() if policy_of(site.app, rule.endpoint) is None]
    assert silent == []
    assert len(list(site.app.url_map.iter_rules())) > 100


def test_only_what_is_listed_here_is_public(site: Site) -> None:
    public = {
        rule.rule for rule in site.app.url_map.iter_rules() if (policy_of(site.app, rule.endpoint) or Policy()).public
    }
    assert public == PUBLIC


def test_a_route_without_a_policy_is_refused_even_to_an_owner(site: Site) -> None:
    site.app.add_url_rule(f"{API}/forgotten", "forgotten", lambda: "secrets")
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
    answer = site.browser(owner).get("/forgotten")
    assert answer.status_code == 403
    assert answer.json["code"] == "no_policy"


def test_a_policy_says_one_thing() -> None:
    for wrong in ({}, {"public": True, "scope": "read"}, {"session_only": True, "scope": "read"}):
        with pytest.raises(TypeError, match="a policy is"):
            policy(**wrong)


def _asked(app: Flask) -> list[tuple[str, str]]:
    return [
        (method, re.sub(r"<int:\w+>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(API) and rule.rule not in PUBLIC
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_a_stranger_gets_nothing_from_any_route_of_the_api(site: Site) -> None:
    stranger = site.stranger()
    for method, address in _asked(site.app):
        answer = stranger.ask(method, f"/-{address}", json={})
        assert answer.status_code == 401, (method, address)
        assert answer.mimetype == "application/problem+json"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_stranger_is_sent_to_the_sign_in_page_and_told_where_to_come_back(site: Site) -> None:
    answer = site.stranger().get("/-/inbox?view=mine")
    assert answer.status_code == 302
    assert answer.location == "/sign-in?next=%2Finbox%3Fview%3Dmine"


def test_a_token_does_only_what_its_scopes_say(site: Site) -> None:
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
    reader = site.program(owner, "read")
    assert reader.get("/accounts").status_code == 200
    assert reader.post("/brands", {"name": "New"}).json["code"] == "scope"
    assert reader.get("/tokens").status_code == 403, "a token never sees or makes tokens"
    manager = site.program(owner, "manage")
    assert manager.post("/brands", {"name": "New"}).status_code == 201
    assert manager.get("/accounts").status_code == 403, "a scope is not a ladder"


def test_a_token_opens_nothing_once_it_is_revoked_or_over(both: Site) -> None:
    with both.rows() as session:
        staff = make.make_staff(session)
    revoked, over = both.program(staff, "read"), both.program(staff, "read")
    assert [one.get("/conversations").status_code for one in (revoked, over)] == [200, 200]
    with both.rows() as session:
        first, second = session.scalars(select(m.ApiToken).order_by(m.ApiToken.id))
        first.revoked_at = second.expires_at = both.clock.now
    assert [one.get("/conversations").status_code for one in (revoked, over)] == [401, 401]


def test_a_token_that_may_only_answer_answers_with_a_file(site: Site) -> None:
    with site.rows() as session:
        scene = make_scene(session, make.NOW)
        conversation_id = scene.customer_says().conversation_id
        agent = scene.agent
    answering = site.program(agent, "answer")
    sent = answering.ask("POST", "/media", data={"file": (io.BytesIO(b"Our terms"), "terms.txt")})
    assert sent.status_code == 201
    assert answering.patch(f"/media/{sent.json['id']}", {"alt": "Our terms"}).status_code == 200
    note = answering.post(f"/conversations/{conversation_id}/note", {"text": "", "media_ids": [sent.json["id"]]})
    assert note.status_code == 201
    reply = answering.post(f"/conversations/{conversation_id}/reply", {"text": "Here you are"})
    assert reply.status_code == 201
    read = answering.get(f"/conversations/{conversation_id}")
    assert (read.status_code, read.json["code"]) == (403, "scope")
    assert "the scope read" in read.json["detail"]
    refused = site.program(agent, "read").ask("POST", "/media", data={"file": (io.BytesIO(b"x"), "x.txt")})
    assert "the scope publish|answer" in refused.json["detail"]


def test_a_wrong_bearer_is_not_rescued_by_a_good_cookie(site: Site) -> None:
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
    browser = site.browser(owner)
    browser.bearer = "guichet_wrong"
    assert browser.get("/me").status_code == 401


def test_every_unsafe_route_of_the_api_wants_the_csrf_token_of_its_session(site: Site) -> None:
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
    careless, other = site.browser(owner), site.browser(owner)
    careless.csrf = False
    for method, address in _asked(site.app):
        if method != "GET":
            answer = careless.ask(method, f"/-{address}", json={})
            assert (answer.status_code, answer.json["code"]) == (403, "csrf"), (method, address)
    careless.headers["X-CSRF-Token"] = other.get("/me").json["csrf_token"]
    assert careless.post("/me/sign-out").json["code"] == "csrf", "another session's token does not help"
    careless.headers["X-CSRF-Token"] = careless.get("/me").json["csrf_token"]
    assert careless.post("/me/sign-out").status_code == 200
