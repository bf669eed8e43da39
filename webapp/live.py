"""Live events to browsers and programs, as server-sent events (WHATWG HTML §9.2).

The database is the truth: a stream tells events by number, with the rights its person has in
that moment, so it can be resumed on any process (Last-Event-ID) and narrows or ends within
seconds of a right or a session ending. What all streams of a process need is read once, by
its hub (webapp.live_hub).
"""

from __future__ import annotations

import _socket  # what gevent's sockets are not
import socket
import time
from collections.abc import Iterator, Sequence

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from channels.sentences import say
from guichet import live
from guichet.runtime import Runtime
from webapp.api.schemas.system import EventsQuery
from webapp.asking import Asked, Room
from webapp.auth import key_of
from webapp.errors import problem
from webapp.live_hub import POLL, Held, Hub, Listener, News, message, news_of

log = structlog.get_logger(__name__)
room = Room("events")

SPACING = 0.25  # seconds between two batches: four a second
PING = 15.0
_BATCH = 200


def add_to(app: Flask, runtime: Runtime) -> None:
    app.extensions["guichet"]["hub"] = Hub(runtime, runtime.settings.streams)


EVENTS = {"description": "A stream of events", "content": {"text/event-stream": {}}}


@room.get("/events", EVENTS, own_units=True)
def stream_events(asked: Asked, query: EventsQuery) -> Response:
    """What changes, as it changes. Each event's data names ids; read them again to see. The
    event `resync` means: read everything again."""
    hub: Hub = current_app.extensions["guichet"]["hub"]
    key = key_of(hub.runtime, request)
    listener = hub.enter(key) if key else None
    if listener is None:
        refused = problem(503, "too_many_streams", say("every stream is taken: poll, and try again later"))
        refused.headers["Retry-After"] = "15"
        return refused
    last = request.headers.get("Last-Event-ID", "")
    given = int(last) if last.isdecimal() and len(last) < 16 else query.after
    connection = request.environ.get("gunicorn.socket")
    stream = Stream(hub, listener, given, resync=bool(last) and not last.isdecimal(), connection=connection)
    response = Response(stream.run(), mimetype="text/event-stream", direct_passthrough=True)
    response.call_on_close(stream.end)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """One open stream."""

    def __init__(
        self, hub: Hub, listener: Listener, after: int | None, *, resync: bool, connection: object = None
    ) -> None:
        self._hub, self._listener = hub, listener
        # Whether somebody has hung up is asked of a socket that a thread waits for. gevent has places enough.
        self._connection = connection if isinstance(connection, _socket.socket) else None
        self._patience = POLL if self._connection else PING
        self._asked, self._resync = after, resync
        self._number = 0
        self._turns = 0
        self._said = time.monotonic()

    def end(self) -> None:
        """Give the place back."""
        self._hub.leave(self._listener)

    def run(self) -> Iterator[bytes]:
        """The stream's text, until it is closed, its person may no longer see anything, or
        the process goes."""
        try:
            yield b"retry: 3000\n\n" + self._begin().encode()
            while not self._hub.is_closing and not self._is_left():
                text = self._next()
                if text is None:
                    yield b"event: signed_out\ndata: {}\n\n"
                    return
                if text:
                    self._said = time.monotonic()
                    yield text.encode()
                    time.sleep(SPACING)
                self._hub.wait_beyond(self._number, min(self._patience, self._until_ping()))
        except SQLAlchemyError as e:
            log.warning("live_stream_broke", error=type(e).__name__)
        finally:
            self.end()

    def _begin(self) -> str:
        held = self._hub.held or Held(0, 0)
        self._turns = held.turns
        if self._asked is None:
            self._number = held.newest
            return message("resync", {}, held.newest) if self._resync else ""
        with self._hub.runtime.reading() as session:
            newest, oldest = live.newest_number(session), live.oldest_number(session)
        is_known = oldest - 1 <= self._asked <= newest
        self._number = self._asked if is_known else newest
        return "" if is_known and not self._resync else message("resync", {}, self._number)

    def _next(self) -> str | None:
        """What is to be said now; "" for nothing, None when it is over."""
        if self._listener.actor is None:
            return None
        held = self._hub.held or Held(0, 0)
        if held.turns != self._turns:
            self._turns, self._number = held.turns, held.newest
            return message("resync", {}, held.newest)
        if self._number < held.base:
            news = self._catch_up()
        else:
            news = [one for one in held.after(self._number) if self._listener.hears(one)]
            self._number = max(held.newest, self._number)
        return _batch(news, self._number) or self._ping()

    def _catch_up(self) -> Sequence[News]:
        """What the hub no longer holds, from the database."""
        actor = self._listener.actor
        if actor is None:
            return ()
        with self._hub.runtime.reading() as session:
            newest = live.newest_number(session)
            events = live.read_after(session, actor, self._number, _BATCH)
        last = events[-1].number or 0 if events else 0
        self._number = last if len(events) == _BATCH else max(newest, last)
        return [news_of(event) for event in events]

    def _is_left(self) -> bool:
        """Whether the listener has hung up. Writing would show it only at the second ping, and a
        page that is loaded again and again would take every place of a process with few of them."""
        if self._connection is None:
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _ping(self) -> str:
        return "" if self._until_ping() else "event: ping\ndata: {}\n\n"

    def _until_ping(self) -> float:
        return max(0.0, self._said + PING - time.monotonic())


def _batch(news: Sequence[News], number: int) -> str:
    """One message for each thing that changed: the last word about it. Only the last
    message carries the number, so that a break in between repeats rather than loses."""
    latest: dict[tuple[str, object], News] = {}
    for one in news:
        latest.pop(one.about, None)
        latest[one.about] = one
    if not latest:
        return ""
    return "".join(one.text for one in latest.values())[:-1] + f"id: {number}\n\n"
