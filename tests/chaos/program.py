"""One process of the harness: a worker or the clock, as in production, but with networks
whose lags are seconds, so that doubts end while somebody watches.

    python -m tests.chaos.program send|receive|tend|clock      (CHAOS_NETWORKS: {name: base url})
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import timedelta

from channels.wire import AddressPolicy, Wire
from guichet.config import read_settings
from guichet.logs import start_logging
from tests.workers.quick import QuickNetworks
from workers import clock, receive, runtime


def main(kind: str) -> None:
    urls = json.loads(os.environ["CHAOS_NETWORKS"])
    wire = Wire(policy=AddressPolicy(("127.0.0.0/8",)), connect_timeout=2, read_timeout=3, deadline=5)
    networks = QuickNetworks(wire, urls, read_lag=timedelta(seconds=0.5), latest_arrival=timedelta(seconds=3))
    receive.LEASE = timedelta(seconds=3)  # of a poll whose worker was killed
    settings = read_settings(os.environ)
    start_logging("INFO")
    process = runtime.open_process(settings, kind, networks)
    if kind != "clock":
        runtime.import_jobs(kind)
    print("ready", flush=True)
    if kind == "clock":
        signal.signal(signal.SIGTERM, lambda *_: process.stopping.set())
        clock.run(process)
    else:
        runtime.work(process)


if __name__ == "__main__":
    main(sys.argv[1])
