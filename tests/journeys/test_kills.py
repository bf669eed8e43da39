"""Every program is killed, and Valkey wiped, while 200 posts go out: the public sees each
once, none is lost, none is stuck. The rehearsal networks' ledgers are the judge."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress

import pytest
import requests

from cli.demo import cast
from cli.demo.browser import Browser
from cli.demo.filling import connect
from cli.output import Failed
from tests.journeys.office import accounts, eventually, ledger, sign_in
from tests.journeys.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(400)]

POSTS = 34  # on six accounts: 204 publications
VICTIMS = ("send", "web", "valkey", "tend", "clock", "receive", "send", "valkey", "web", "send")
SETTLED = {"published", "needs_human"}


def test_every_program_may_be_killed_while_posts_go_out(stack: Stack) -> None:
    browser = sign_in(stack, "jonas@aurore.example")
    brand = next(b["id"] for b in browser.get("/brands")["items"] if b["name"] == cast.AURORE)
    for network, handle, _ in cast.SPARE[:3]:
        connect(browser, network, handle, brand)
    targets = [
        a["id"] for (network, _), a in accounts(browser).items() if a["brand"]["id"] == brand and network != "email"
    ]
    texts = {f"Departure {n} of today leaves on time." for n in range(POSTS)}
    seed = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 10**6)
    print(f"CHAOS_SEED={seed}")
    rng = random.Random(seed)

    ids = [_publish(browser, brand, text, targets) for text in sorted(texts)]
    for victim in VICTIMS:
        time.sleep(rng.uniform(0.3, 1.2))
        _kill(stack, victim)
    states = eventually(lambda: s if set(s := _states(browser, ids)) <= SETTLED else None, seconds=240)

    published = Counter(
        (network, entry["account"], entry["text"])
        for network in ("x", "mastodon", "bluesky")
        for entry in ledger(stack, network)
        if entry["text"] in texts
    )
    assert [k for k, n in published.items() if n > 1] == [], "posted twice"
    assert states["published"] + states["needs_human"] == POSTS * len(targets)
    # Only what no look at the network can settle may be left to a person.
    assert states["needs_human"] <= len(VICTIMS), states
    assert len(published) >= states["published"]


def _publish(browser: Browser, brand: int, text: str, targets: list[int]) -> int:
    post = browser.post("/posts", {"brand_id": brand, "text": text, "variants": [{"account_id": t} for t in targets]})
    browser.post(f"/posts/{post['id']}/publish")
    return int(post["id"])


def _kill(stack: Stack, victim: str) -> None:
    pid = stack.pids().get(victim)
    if pid is None:
        return  # it is being started again from the last kill
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if victim == "valkey":
        shutil.rmtree(stack.folder / "valkey" / "appendonlydir", ignore_errors=True)


def _states(browser: Browser, ids: list[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for id_ in ids:
        try:
            post = browser.get(f"/posts/{id_}")
        except (requests.ConnectionError, Failed):
            return Counter({"web is away": 1})
        found.update(d["state"] for d in post["deliveries"])
    return found
