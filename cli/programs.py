"""The programs that make up a running Guichet, as `guichet serve NAME` and the
supervisor start them. Imports wait until a program is chosen, so that each process
holds only what it uses; the supervisor imports first what its programs then share."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable

from guichet.config import Settings


def serve_web(settings: Settings) -> None:
    """Pages, API, webhooks, and live streams up to GUICHET_STREAMS."""
    from cli.web import serve

    serve(settings, live_only=False)


def serve_live(settings: Settings) -> None:
    """Live streams only, in a gevent process: thousands of them. gevent replaces parts of the
    standard library before anybody else has them, so this begins with a fresh interpreter."""
    os.execv(sys.executable, [sys.executable, "-m", "cli.live"])


def _worker(queue: str) -> Callable[[Settings], None]:
    def serve(settings: Settings) -> None:
        from workers.runtime import main

        main(queue)

    serve.__doc__ = f"A worker of the {queue!r} queue."
    return serve


def serve_clock(settings: Settings) -> None:
    """Finds what is due or stranded and wakes workers; numbers live events; waits for news
    where a network can tell of it (IMAP IDLE)."""
    from workers.clock import main

    main()


def serve_rehearsal(settings: Settings) -> None:
    """The rehearsal networks, on loopback."""
    from cli.rehearsal import serve

    serve(settings)


PROGRAMS: dict[str, Callable[[Settings], None]] = {
    "web": serve_web,
    "live": serve_live,
    "send": _worker("send"),
    "receive": _worker("receive"),
    "tend": _worker("tend"),
    "films": _worker("films"),
    "clock": serve_clock,
    "rehearsal": serve_rehearsal,
}

# What several programs run, or one runs at once. Not here: what waits for its first use
# (a language model with NumPy, gevent).
_SHARED = (
    "sqlalchemy.dialects.sqlite",
    "workers.runtime",
    "workers.clock",
    "workers.deliver",
    "workers.receive",
    "workers.reconcile",
    "workers.tend",
    "workers.films",
    "channels.x",
    "channels.mastodon",
    "channels.bluesky",
    "channels.email",
    "webapp",
    "gunicorn.app.base",
    "gunicorn.workers.gthread",
)


def preload() -> None:
    """Import what the programs share, in the process that forks them: what none of them
    changes is then in memory once. Opens no thread, file or connection, for a fork would
    hand it to all of them."""
    from sqlalchemy.orm import configure_mappers

    for name in _SHARED:
        importlib.import_module(name)
    configure_mappers()
    gc.collect()
    gc.freeze()  # the collector would write into every object that it looks at
