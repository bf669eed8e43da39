"""X through tweepy: our engine beside a bare loop of tweepy.Client, 2,000 posts over 20 accounts.

X has no idempotency key, so this is reported side by side, without a goal. Both sign each
request (OAuth 1.0a) and keep their connections; the bare loop is tweepy as it comes, with no
database and no promise, in as many processes and threads (bench/loop.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import network
from bench.counter import opened
from bench.figures import Figure
from bench.publishing import compare, in_turns, middle
from channels.contract import Connected
from tests.databases import postgres_url


def measure() -> Iterator[Figure]:
    with network.running() as url, tempfile.TemporaryDirectory() as folder:
        with opened(postgres_url(), Path(folder) / "counter", url) as counter:
            accounts = counter.open_accounts("x", [_connected(n) for n in range(network.ACCOUNTS)])
            bare, ours = in_turns(counter, accounts, "tweepy", url)
        yield Figure("a bare loop of tweepy.Client", middle(bare), "posts/s")
        yield Figure("X through Guichet on PostgreSQL", middle(ours), "posts/s")
        yield Figure("X through Guichet, of the bare loop", compare(ours, bare), "×")


def _connected(n: int) -> Connected:
    secrets = {"token": f"token-{n}", "token_secret": "secret"}
    return Connected(remote_id=str(1000 + n), handle=f"bench{n}", name=f"Bench {n}", base_url="", secrets=secrets)
