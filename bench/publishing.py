"""2,000 posts over 20 accounts of a keyed network that answers after 50 ms, all due at once.

Against a bare pooled loop of the same adapter, with as many processes and threads but no
database and no promise (bench/loop.py), and against the obvious design: one RQ job for each
post, as many SimpleWorkers (bench/naive.py). The network is light (bench/network.py), shares
the machine with what is measured in every column alike, and its ledger is compared with what
was asked of it after each of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import loop, naive, network
from bench.counter import THREADS, WORKERS, opened
from bench.figures import Figure
from tests.databases import postgres_url

POSTS = 2000


def measure() -> Iterator[Figure]:
    with network.running() as url, tempfile.TemporaryDirectory() as folder:
        connected = [loop.connect(url, n) for n in range(network.ACCOUNTS)]
        bare = loop.posts_a_second("bluesky", url, POSTS, WORKERS, THREADS)
        yield Figure("a bare pooled loop of the same adapter", bare, "posts/s")
        for kind, database in (("PostgreSQL", postgres_url()), ("SQLite", f"sqlite:///{folder}/bench.sqlite3")):
            with opened(database, Path(folder) / kind, url) as counter:
                accounts = counter.open_accounts("bluesky", connected)
                ours = counter.posts_a_second(url, accounts, POSTS)
                yield Figure(f"Guichet on {kind}", ours, "posts/s")
                yield Figure(f"Guichet on {kind}, of the bare loop", ours / bare, "×", goal=0.6)
                obvious = naive.posts_a_second(counter, url, accounts)
                yield Figure(f"one RQ job for each post, on {kind}", obvious, "posts/s")
                yield Figure(f"Guichet on {kind}, of one job for each post", ours / obvious, "×", goal=30)
