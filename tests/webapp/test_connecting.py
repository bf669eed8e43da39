"""Connecting an account through a network's own consent page, in the browser that began it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from channels.networks import open_networks
from channels.rehearsal.mastodon import MastodonNetwork
from guichet.models import Account, Brand, Credential, Staff
from tests import databases
from tests import factories as make
from tests.channels.drill_rig import DrillRig
from tests.channels.mastodon_rig import MastodonRig
from tests.webapp.site import HOST, Browser, Site, open_site


@pytest.fixture
def rig() -> Iterator[MastodonRig]:
    rig = MastodonRig()
    with rig:
        yield rig


@pytest.fixture
def site(tmp_path: Path, rig: MastodonRig) -> Iterator[Site]:
    port = urlsplit(rig.server.url).port
    networks = open_networks(allow=(f"127.0.0.1:{port}",), rehearsal={"mastodon": rig.server.url})
    with databases.sqlite_engine() as engine:
        yield open_site(engine, tmp_path, networks)


@pytest.fixture
def owner(site: Site) -> Staff:
    with site.rows() as session:
        return make.make_staff(session, "owner")


@pytest.fixture
def brand(site: Site) -> Brand:
    with site.rows() as session:
        return make.make_brand(session)


def begin(browser: Browser, brand: Brand, rig: MastodonRig, **more: int) -> str:
    body = {
        "network": "mastodon",
        "brand_id": brand.id,
        "form": {"instance": rig.server.url},
        "rehearsal": True,
        **more,
    }
    answer = browser.post("/accounts/connect", body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return str(answer.json["authorize_url"])


def consent(rig: MastodonRig, authorize_url: str, user: str = "guichet") -> str:
    """As a browser would; the path that it is sent back to."""
    page = requests.get(authorize_url, timeout=5).text
    fields = {n: unescape(v) for n, v in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}
    form = {**fields, "user": user, "decision": "authorize"}
    back = requests.post(f"{rig.server.url}/oauth/authorize", data=form, timeout=5, allow_redirects=False)
    assert back.headers["Location"].startswith(f"http://{HOST}/connect/mastodon/callback?")
    return back.headers["Location"].removeprefix(f"http://{HOST}")


def test_an_account_is_connected_once_and_its_secrets_are_sealed(
    site: Site, owner: Staff, brand: Brand, rig: MastodonRig
) -> None:
    browser = site.browser(owner)
    back = consent(rig, begin(browser, brand, rig))
    answer = browser.get(f"/-{back}")
    assert (answer.status_code, answer.location) == (303, "/accounts?connected=1")
    listed = browser.get("/accounts").json["items"]
    assert [(a["network"], a["state"], a["is_rehearsal"]) for a in listed] == [("mastodon", "connected", True)]
    with site.rows() as session:
        sealed = session.scalars(select(Credential)).one().sealed
    assert b"access_token" not in sealed
    assert browser.post("/accounts/1/check").json["state"] == "connected"
    assert browser.get(f"/-{back}").status_code == 400, "a state is used once"


def test_what_one_browser_began_no_other_can_finish(site: Site, owner: Staff, brand: Brand, rig: MastodonRig) -> None:
    back = consent(rig, begin(site.browser(owner), brand, rig))
    with site.rows() as session:
        other = make.make_staff(session, "owner")
    for stranger in (site.browser(owner), site.browser(other)):
        assert stranger.get(f"/-{back}").status_code == 400
    assert site.stranger().get(f"/-{back}").status_code == 302
    with site.rows() as session:
        assert session.scalars(select(Account)).all() == []


def test_a_dance_that_takes_too_long_is_over(site: Site, owner: Staff, brand: Brand, rig: MastodonRig) -> None:
    browser = site.browser(owner)
    back = consent(rig, begin(browser, brand, rig))
    site.clock.turn(minutes=11)
    assert browser.get(f"/-{back}").status_code == 400


def test_a_reconnect_must_come_back_as_the_same_account(
    site: Site, owner: Staff, brand: Brand, rig: MastodonRig
) -> None:
    browser = site.browser(owner)
    browser.get(f"/-{consent(rig, begin(browser, brand, rig))}")
    network: MastodonNetwork = rig.network
    network.seed_company("another", "Another House")
    wrong = browser.get(f"/-{consent(rig, begin(browser, brand, rig, account_id=1), user='another')}")
    assert wrong.status_code == 400
    assert "not guichet" in wrong.get_data(as_text=True)
    right = browser.get(f"/-{consent(rig, begin(browser, brand, rig, account_id=1))}")
    assert right.location == "/accounts?connected=1"


def test_an_inner_address_is_not_connected_to(site: Site, owner: Staff, brand: Brand) -> None:
    body = {"network": "mastodon", "brand_id": brand.id, "form": {"instance": "http://127.0.0.1:9"}}
    answer = site.browser(owner).post("/accounts/connect", body)
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


def test_an_agent_connects_nothing(site: Site, brand: Brand) -> None:
    with site.rows() as session:
        agent, account = make.make_staff(session), make.make_account(session, session.get_one(Brand, brand.id))
        make.make_grant(session, agent, account, "publisher")
    body = {"network": "mastodon", "brand_id": brand.id, "form": {"instance": "x"}}
    assert site.browser(agent).post("/accounts/connect", body).status_code == 403


def test_a_drill_is_offered_and_connected_only_where_its_rehearsal_runs(
    tmp_path: Path, site: Site, owner: Staff, brand: Brand
) -> None:
    """An installation in earnest is offered no network that is none."""
    with DrillRig("drill-blind") as rig:
        form = {**rig.spec.rehearsal_fields(rig.server.url), "handle": rig.handle}
        asked = {"network": "drill-blind", "brand_id": brand.id, "form": form, "rehearsal": True}
        earnest = site.browser(owner)
        assert "drill-blind" not in {n["name"] for n in earnest.get("/networks").json["items"]}
        assert earnest.post("/accounts/sign-in", asked).status_code == 422

        address = rig.server.url.removeprefix("http://")
        networks = open_networks(allow=(address,), rehearsal={"drill-blind": rig.server.url})
        practising = open_site(site.engine, tmp_path, networks).browser(owner)
        [offered] = [n for n in practising.get("/networks").json["items"] if n["name"] == "drill-blind"]
        assert (offered["configured"], offered["rehearsal"]) == (False, True)
        assert practising.post("/accounts/sign-in", {**asked, "rehearsal": False}).status_code == 422
        account = practising.post("/accounts/sign-in", asked)
        assert (account.status_code, account.json["handle"]) == (200, rig.handle)
