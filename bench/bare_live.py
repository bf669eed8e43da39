"""The floor of live streams: gevent, one listener for the process, and the same bytes to whoever asks.

Nobody is asked who they are, nothing is filtered, nothing is missed but lost.
"""

# ruff: noqa: E402 - what gevent replaces must not have been imported before
from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import os
from collections.abc import Callable, Iterator
from typing import Any, cast

from gevent import spawn
from gevent.event import Event
from redis import Redis

from cli.web import serve
from guichet.config import read_settings
from guichet.live import STREAM


class _Bell:
    """One listener for all streams of the process."""

    def __init__(self) -> None:
        self.rung = Event()
        self.said = b""

    def listen(self) -> None:
        redis, last = Redis.from_url(os.environ["GUICHET_REDIS_URL"]), "$"
        while True:
            for _, entries in cast(Any, redis.xread({STREAM: last}, block=1000)):
                last, said = entries[-1]
                self.said = b'event: conversation\ndata: {"id":%b,"version":1}\n\n' % said[b"n"]
                self.rung.set()
                self.rung = Event()


def _application() -> Callable[..., Any]:
    bell = _Bell()
    spawn(bell.listen)

    def streams() -> Iterator[bytes]:
        yield b"retry: 3000\n\n"
        while True:
            bell.rung.wait()
            yield bell.said

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterator[bytes]:
        start("200 OK", [("Content-Type", "text/event-stream")])
        return streams() if environ["PATH_INFO"].endswith("/events") else iter([b"ok"])

    return answer


if __name__ == "__main__":
    serve(read_settings(os.environ), live_only=True, application=_application)
