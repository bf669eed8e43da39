"""The address book through the API: networks are asked whom they know, and what they say is kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from channels.networks import open_networks
from channels.rehearsal.base import Fault
from channels.rehearsal.bluesky.rules import did_for
from guichet import models as m
from tests import databases
from tests import factories as make
from tests.channels.bluesky_rig import APP_PASSWORD, HANDLE, BlueskyRig
from tests.webapp.site import Browser, Site, open_site


@pytest.fixture
def rig() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        rig.network.say("ines", "je suis là")
        yield rig


@pytest.fixture
def site(tmp_path: Path, rig: BlueskyRig) -> Iterator[Site]:
    port = urlsplit(rig.server.url).port
    networks = open_networks(allow=(f"127.0.0.1:{port}",), rehearsal={"bluesky": rig.server.url})
    with databases.sqlite_engine() as engine:
        yield open_site(engine, tmp_path, networks)


@pytest.fixture
def owner(site: Site, rig: BlueskyRig) -> Browser:
    with site.rows() as session:
        person, brand = make.make_staff(session, "owner"), make.make_brand(session)
    browser = site.browser(person)
    form = {"address": rig.server.url, "identifier": HANDLE, "password": APP_PASSWORD}
    body = {"network": "bluesky", "brand_id": brand.id, "form": form, "rehearsal": True}
    assert browser.post("/accounts/connect", body).status_code == 200
    with site.rows() as session:
        make.make_grant(session, person, session.scalars(select(m.Account)).one(), "publisher")
    return browser


def add(browser: Browser, name: str, **handles: str) -> int:
    made = browser.post("/contacts", {"name": name, "handles": handles})
    assert made.status_code == 201, made.get_data(as_text=True)
    return int(made.get_json()["id"])


def states(contact: dict[str, Any]) -> dict[str, str]:
    return {one["network"]: one["state"] for one in contact["handles"]}


def preflight(browser: Browser, text: str) -> dict[str, Any]:
    account = browser.get("/accounts").get_json()["items"][0]
    told = browser.post("/posts/preflight", {"text": text, "variants": [{"account_id": account["id"]}]}).get_json()
    seen: dict[str, Any] = told["accounts"][0]
    return seen


def test_who_is_found_is_kept_with_whom_it_is_and_goes_out_bound_to_that(site: Site, owner: Browser) -> None:
    number = add(owner, "Inès", bluesky="@ines.test", x="ines")
    answer = owner.post(f"/contacts/{number}/check").get_json()
    assert states(answer["contact"]) == {"bluesky": "found", "x": ""}
    assert answer["unasked"] == [{"network": "x", "reason": "You see no account of this network that could ask"}]
    with site.rows() as session:
        kept = {h.network: h for h in session.scalars(select(m.ContactHandle))}
    assert (kept["bluesky"].remote_id, kept["bluesky"].checked_at) == (did_for("ines.test"), site.clock.now)
    seen = preflight(owner, "👩‍👧 @[inès]")
    assert (seen["mentions"], seen["notices"]) == (
        [{"typed": "inès", "text": "@ines.test", "handle": "ines.test"}], [],
    )  # fmt: skip
    assert seen["counts"] == [12]
    account = owner.get("/accounts").get_json()["items"][0]
    body = {"brand_id": account["brand"]["id"], "text": "👩‍👧 @[inès]", "variants": [{"account_id": account["id"]}]}
    post = owner.post("/posts", body).get_json()
    assert owner.post(f"/posts/{post['id']}/publish").status_code == 200
    with site.rows() as session:
        payload = session.scalars(select(m.Delivery)).one().payload
    assert (payload["text"], payload["options"]) == (
        "👩‍👧 @ines.test", {"mentions": {"ines.test": did_for("ines.test")}},
    )  # fmt: skip


def test_who_is_gone_goes_out_by_name_and_a_network_that_is_down_says_nothing(owner: Browser, rig: BlueskyRig) -> None:
    number = add(owner, "Nobody", bluesky="nobody.test")
    rig.network.plant(Fault("status_before", match="GET .*resolveHandle", status=503))
    answer = owner.post(f"/contacts/{number}/check").get_json()
    assert (states(answer["contact"]), [one["network"] for one in answer["unasked"]]) == ({"bluesky": ""}, ["bluesky"])
    assert preflight(owner, "@[Nobody]")["notices"] == []
    answer = owner.post(f"/contacts/{number}/check").get_json()
    assert (states(answer["contact"]), answer["unasked"]) == ({"bluesky": "gone"}, [])
    seen = preflight(owner, "@[Nobody] @nobody.test")
    assert [one["text"] for one in seen["mentions"]] == ["Nobody"]
    assert [(one["name"], one["data"].get("why")) for one in seen["notices"]] == [
        ("mention_plain", "gone"), ("mention_gone", None),
    ]  # fmt: skip
    assert seen["problems"] == []
    changed = owner.patch(f"/contacts/{number}", {"handles": {"bluesky": "ines.test"}}).get_json()
    assert states(changed) == {"bluesky": ""}


def test_only_who_keeps_the_entry_has_the_networks_asked_and_a_copy_asks_nobody(site: Site, owner: Browser) -> None:
    number = add(owner, "Inès", bluesky="ines.test")
    with site.rows() as session:
        author = make.make_staff(session)
        make.make_grant(session, author, session.scalars(select(m.Account)).one(), "author")
    assert site.browser(author).post(f"/contacts/{number}/check").status_code == 403
    assert owner.post("/contacts/999/check").status_code == 404
    with site.rows() as session:
        row = session.scalars(select(m.Instance)).first() or m.Instance(
            instance_id="a", public_url="", seen_at=make.NOW
        )
        row.unconfirmed_since = make.NOW
        session.add(row)
    refused = owner.post(f"/contacts/{number}/check")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "unconfirmed")
    with site.rows() as session:
        assert [h.state for h in session.scalars(select(m.ContactHandle))] == [""]
