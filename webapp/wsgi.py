"""What gunicorn serves: the one module that reads the environment and builds the app."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from types import FrameType

import structlog

from channels.networks import open_networks
from guichet.config import read_settings
from guichet.runtime import open_runtime
from webapp import create_app
from webapp.live import Hub

REHEARSED = ("x", "mastodon", "bluesky", "email")


def start_logging(level: str) -> None:
    """Structured lines on standard error; exceptions without the values of variables."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for name in ("urllib3", "requests_oauthlib", "oauthlib", "tweepy"):
        logging.getLogger(name).setLevel("WARNING")  # some of them print tokens at DEBUG
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def end_streams_with_the_process(hub: Hub) -> None:
    """On SIGTERM streams end at once, or the server would wait for them. The server has set
    its own handlers before it loads this module; they follow."""
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)

    def end(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=hub.close, daemon=True).start()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, end)
    signal.siginterrupt(signal.SIGTERM, False)


settings = read_settings(os.environ)
start_logging(settings.log_level)
app = create_app(
    open_runtime(settings, pool_size=max(8, settings.threads // 2)),
    open_networks(
        allow=settings.allowed_addresses(),
        rehearsal={name: settings.rehearsal_url(name) for name in REHEARSED} if settings.rehearsal_port else {},
        app_keys=settings.app_keys,
        proxy=settings.proxy,
        ca_bundle=settings.ca_bundle,
    ),
)
end_streams_with_the_process(app.extensions["guichet"]["hub"])
