"""What people do at the counter, through the API that the pages use."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from cli.demo.browser import Browser
from tests.journeys.stack import Stack

T = TypeVar("T")
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
