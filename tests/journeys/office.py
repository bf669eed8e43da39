"""What people do at the counter, through the API that the pages use."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import requests

from cli.demo.browser import Browser
from tests.journeys.stack import Stack

T = TypeVar("T")
Poster = Callable[..., dict[str, Any]]
PARIS = ZoneInfo("Europe/Paris")
OURS = {"x": "auroreair", "mastodon": "auroreair@mastodon.rehearsal", "bluesky": "auroreair.test"}
REHEARSAL_OFFSET = {"x": 1, "mastodon": 2, "bluesky": 3, "email": 4}


def sign_in(stack: Stack, email: str) -> Browser:
    browser = Browser(stack.url)
    browser.sign_in(email, stack.sign_ins[email])
    return browser


def eventually(what: Callable[[], T], seconds: float = 60) -> T:
    """The first true value of `what`; fails with its last value."""
    until = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < until, f"it did not happen in {seconds} s: {value!r}"
        time.sleep(0.25)
    return value


def control(stack: Stack, network: str, what: str) -> str:
    return f"http://127.0.0.1:{stack.rehearsal_port + REHEARSAL_OFFSET[network]}/_rehearsal/{what}"


def say(stack: Stack, network: str, who: str, text: str, **how: Any) -> dict[str, Any]:
    """A customer writes."""
    answer = requests.post(control(stack, network, "say"), json={"who": who, "text": text, **how}, timeout=10)
    assert answer.ok, answer.text
    said: dict[str, Any] = answer.json()
    return said


def ledger(stack: Stack, network: str) -> list[dict[str, Any]]:
    """What the network really published."""
    found: list[dict[str, Any]] = requests.get(control(stack, network, "ledger"), timeout=10).json()
    return found


def accounts(browser: Browser) -> dict[tuple[str, str], dict[str, Any]]:
    """Connected accounts by network and local handle."""
    found = browser.get("/accounts", limit=200)["items"]
    return {(a["network"], a["handle"].lstrip("@").split("@")[0]): a for a in found}


def poster(office: Browser) -> Poster:
    """Schedules a post of Aurore Air: what most journeys are not about."""
    known = accounts(office)

    def make(text: str, at: datetime, *networks: str) -> dict[str, Any]:
        chosen = [known[network, OURS[network].split("@")[0]] for network in networks]
        variants = [{"account_id": account["id"]} for account in chosen]
        made = office.post("/posts", {"brand_id": chosen[0]["brand"]["id"], "text": text, "variants": variants})
        when = {"wall_time": f"{at.astimezone(PARIS):%Y-%m-%dT%H:%M}", "time_zone": "Europe/Paris"}
        scheduled: dict[str, Any] = office.post(f"/posts/{made['id']}/schedule", when)
        return scheduled

    return make


def published(stack: Stack, network: str, *texts: str) -> list[dict[str, Any]]:
    """What a network published of these texts, in its order."""
    return [e for e in ledger(stack, network) if e["text"] in texts and e["act"] in ("post", "reply")]
