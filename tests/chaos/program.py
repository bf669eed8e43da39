"""One process of the harness: the web server, a worker or the clock, as in production, but
with networks whose lags are seconds, so that doubts end while somebody watches, and with a
wall clock that the harness can move.

What is shortened keeps its proportions: a worker that was frozen gives up a send sooner than
the network could still take it in.
"""

from __future__ import annotations

import json
import os
import signal
from datetime import timedelta
from pathlib import Path

from channels.wire import AddressPolicy, Wire
from guichet.config import Settings, read_settings
from guichet.delivery import doubts, rules
from guichet.logs import start_logging
from guichet.receiving import ingest
from guichet.runtime import open_runtime
from tests.chaos import clocks
from tests.chaos.behaviours import LAG
from tests.workers.quick import QuickNetworks
from workers import clock, receive, runtime

READ_LAG = timedelta(seconds=0.5)
LATEST_ARRIVAL = timedelta(seconds=5)
KINDS = ("web", "send", "receive", "tend", "clock")


def main(kind: str) -> None:
    """Be a process of this kind until asked to stop. `CHAOS_NETWORKS`: {name: base url};
    `CHAOS_CLOCK`: the file that says how far off the clock is."""
    receive.LEASE = timedelta(seconds=6)  # of a poll whose worker was killed
    ingest.BEGUN_FOR = timedelta(seconds=4)  # of what it had begun to understand
    doubts.LOOK_LEASE = timedelta(seconds=4)  # some are frozen for longer
    rules.LOOK_BACKOFFS = (timedelta(seconds=2),)
    rules.MOST_FAILED_LOOKS = 60
    settings = read_settings({k: v for k, v in os.environ.items() if not k.startswith("CHAOS_")})
    start_logging("INFO")
    if kind == "web":
        serve_web(settings)
        return
    clocks.follow(Path(os.environ["CHAOS_CLOCK"]))
    process = runtime.open_process(settings, kind, networks())
    if kind != "clock":
        runtime.import_jobs(kind)
    print("ready", flush=True)
    if kind == "clock":
        signal.signal(signal.SIGTERM, lambda *_: process.stopping.set())
        clock.run(process)
    else:
        runtime.work(process)


def networks() -> QuickNetworks:
    wire = Wire(policy=AddressPolicy(("127.0.0.0/8",)), connect_timeout=2, read_timeout=3, deadline=4)
    urls = json.loads(os.environ["CHAOS_NETWORKS"])
    late = {"drill-laggard": timedelta(seconds=LAG + 0.5)}
    return QuickNetworks(wire, urls, read_lag=READ_LAG, latest_arrival=LATEST_ARRIVAL, read_lags=late)


def serve_web(settings: Settings) -> None:
    from cli.web import serve
    from webapp import create_app

    def application() -> object:
        """Made in gunicorn's own child, whose clock then follows."""
        clocks.follow(Path(os.environ["CHAOS_CLOCK"]))
        print("ready", flush=True)
        return create_app(open_runtime(settings), networks())

    serve(settings, live_only=False, application=application)
