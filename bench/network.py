"""A keyed rehearsal network with 20 company accounts that answers after 50 ms, in a process
of its own: `python -m bench.network` prints its address and serves until its input ends."""

from __future__ import annotations

import sys

from channels.rehearsal.base import Server
from channels.rehearsal.bluesky import BlueskyNetwork

ACCOUNTS = 20
LATENCY = 0.05  # seconds
PASSWORD = "bench"


def handle(n: int) -> str:
    return f"bench{n}.test"


def main() -> None:
    network = BlueskyNetwork()
    network.writes.clear()  # its own limits are not what is measured
    network.sign_ins.clear()
    for n in range(ACCOUNTS):
        network.seed_company(handle(n), f"Bench {n}", PASSWORD)
    network.latency = LATENCY
    with Server(network) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
