"""What processes say about themselves: one structured line each, on standard error.

Exceptions are written without the values of variables, and the chatter of libraries that
print tokens at DEBUG is kept to warnings, whatever the level.
"""

from __future__ import annotations

import logging
import sys

import structlog

_TALKATIVE = ("rq", "rq.worker", "urllib3", "requests_oauthlib", "oauthlib", "tweepy")


def start_logging(level: str) -> None:
    """Set up logging for this process. `level` as in GUICHET_LOG_LEVEL."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel("WARNING")
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
