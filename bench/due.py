"""10,000 posts over 20 accounts of a keyed network that answers after 50 ms, due in the same minute.

The same installation, network and bare loop as in `publishing`, five times as many posts: how
late they are when everybody has chosen the full hour, and what a post costs. The processor
time of Guichet is that of the clock and both workers, from two seconds before all are due; the
database's is told by itself. One RQ job for each post would take minutes: a sample of them
is sent. The ledger is compared with what was asked: each text once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import loop, naive, network
from bench.counter import opened
from bench.figures import Figure
from bench.network import Sent
from bench.publishing import in_turns
from tests.databases import postgres_url

POSTS = 10_000


def measure() -> Iterator[Figure]:
    with network.running() as url, tempfile.TemporaryDirectory() as folder:
        connected = [loop.connect(url, n) for n in range(network.ACCOUNTS)]
        for kind, database in (("PostgreSQL", postgres_url()), ("SQLite", f"sqlite:///{folder}/bench.sqlite3")):
            with opened(database, Path(folder) / kind, url) as counter:
                accounts = counter.open_accounts("bluesky", connected)
                (bare,), (ours,) = in_turns(counter, accounts, "bluesky", url, POSTS, rounds=1)
                obvious = naive.run(counter, url, accounts)
            yield from _figures(f"over {kind}", ours, bare, obvious)


def _figures(over: str, ours: Sent, bare: Sent, obvious: Sent) -> Iterator[Figure]:
    yield Figure(f"until all are sent, {over}", ours.seconds, "s", goal=10, at_least=False)
    yield Figure("until a bare pooled loop has sent as many", bare.seconds, "s")
    yield Figure(f"lateness {over}, p50", ours.late(0.50), "s")
    yield Figure(f"lateness {over}, p95", ours.late(0.95), "s", goal=8, at_least=False)
    yield Figure(f"of the bare loop, {over}", ours.a_second / bare.a_second, "×", goal=0.6)
    yield Figure(f"of one RQ job for each post, {over}", ours.a_second / obvious.a_second, "×", goal=30)
    yield Figure("processor time of a post in the bare loop", bare.cpu_ms, "ms")
    yield Figure(f"processor time of a post {over}", ours.cpu_ms, "ms")
    ratio = ours.cpu_ms / bare.cpu_ms
    yield Figure(f"the same, of the bare loop's, {over}", ratio, "×", goal=2, at_least=False)
    if ours.database_cpu:
        yield Figure("with the database's own processor time", ratio * (1 + ours.database_cpu / ours.cpu), "×")
