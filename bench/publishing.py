"""2,000 posts over 20 accounts of a keyed network that answers after 50 ms, all due at once.

Against a bare pooled loop of the same adapter, with as many processes and threads but no
database and no promise (bench/loop.py), in turns with it; and against the obvious design: one
RQ job for each post, as many SimpleWorkers (bench/naive.py). The network is light
(bench/network.py), shares the machine with what is measured in every column alike, and its
ledger is compared with what was asked of it after each of them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import loop, naive, network
from bench.counter import THREADS, WORKERS, Counter, opened
from bench.figures import Figure, median
from bench.network import Sent
from tests.databases import postgres_url

POSTS = 2000
WARM = 200  # posts that are not counted
ROUNDS = 3


def measure() -> Iterator[Figure]:
    with network.running() as url, tempfile.TemporaryDirectory() as folder:
        connected = [loop.connect(url, n) for n in range(network.ACCOUNTS)]
        for kind, database in (("PostgreSQL", postgres_url()), ("SQLite", f"sqlite:///{folder}/bench.sqlite3")):
            with opened(database, Path(folder) / kind, url) as counter:
                accounts = counter.open_accounts("bluesky", connected)
                bare, ours = in_turns(counter, accounts, "bluesky", url)
                yield Figure("a bare pooled loop of the same adapter", middle(bare), "posts/s")
                yield Figure(f"Guichet on {kind}", middle(ours), "posts/s")
                yield Figure(f"Guichet on {kind}, of the bare loop", compare(ours, bare), "×", goal=0.6)
                obvious = naive.run(counter, url, accounts).a_second
                yield Figure(f"one RQ job for each post, on {kind}", obvious, "posts/s")
                yield Figure(f"Guichet on {kind}, of one job for each post", middle(ours) / obvious, "×", goal=30)


def in_turns(
    counter: Counter, accounts: Sequence[int], client: str, url: str, posts: int = POSTS, rounds: int = ROUNDS
) -> tuple[list[Sent], list[Sent]]:
    """The bare loop's runs and Guichet's, one after the other: other work on the machine then
    strikes both."""
    bare, ours = [], []
    with counter.at_work():
        counter.send(url, accounts, WARM)  # the start of programs is not what is measured
        for _ in range(rounds):
            bare.append(loop.run(client, url, posts, WORKERS, THREADS))
            ours.append(counter.send(url, accounts, posts))
    return bare, ours


def middle(runs: Sequence[Sent]) -> float:
    """Posts a second, the median of the runs."""
    return median([run.a_second for run in runs])


def compare(ours: Sequence[Sent], bare: Sequence[Sent]) -> float:
    """Our posts a second of the bare loop's, the median of the rounds."""
    return median([o.a_second / b.a_second for o, b in zip(ours, bare, strict=True)])
