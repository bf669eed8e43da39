"""Live events to browsers and programs, as server-sent events (WHATWG HTML §9.2).

The database is the truth: a stream reads its events by number, with the rights its person
has in that moment, so it can be resumed on any process (Last-Event-ID) and narrows or ends
within seconds of a right or a session ending. One subscriber per process hears of new
numbers through a Redis stream; without Redis it asks the database each second.
"""

from __future__ import annotations

import _socket  # what gevent's sockets are not
import json
import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from flask import Flask, Response, current_app, request
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from channels.sentences import say
from guichet import live
from guichet.models import LiveEvent
from guichet.runtime import Runtime
from guichet.staff.entry import note_present
from webapp.api.schemas.system import EventsQuery
from webapp.asking import Asked, Room
from webapp.auth import Key, key_of, person_behind
from webapp.errors import problem

log = structlog.get_logger(__name__)
room = Room("events")

RECHECK = 2.0  # seconds between looks at the session and the rights
SPACING = 0.25  # seconds between two batches: four a second
PING = 15.0
PRESENT = 60.0  # seconds between notes that somebody is here
POLL = 1.0  # seconds, without Redis
_BATCH = 200
_Heard = list[tuple[bytes, list[tuple[str, Any]]]]  # what XREAD answers, which redis-py leaves untyped


def add_to(app: Flask, runtime: Runtime) -> None:
    app.extensions["guichet"]["hub"] = Hub(runtime)


@dataclass
class Hub:
    """What the streams of one process share: the newest number, and how many there are."""

    runtime: Runtime
    newest: int = 0
    is_closing: bool = False
    _open: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _parent: int = 0  # the process that serves us

    def enter(self) -> bool:
        """Take a place; False where every place is taken."""
        with self._changed:
            if self.is_closing or self._open >= self.runtime.settings.streams:
                return False
            self._open += 1
            if self._thread is None:
                self._parent = os.getppid()
                self._thread = threading.Thread(target=self._listen, name="live-events", daemon=True)
                self._thread.start()
            return True

    def leave(self) -> None:
        with self._changed:
            self._open -= 1

    def close(self) -> None:
        """End every stream: the process is going. For signal handlers, so without a lock, which
        could be the interrupted one's own; streams look at least every second."""
        self.is_closing = True

    def wait_beyond(self, number: int, seconds: float) -> None:
        """Return when there is something newer than `number`, at the latest after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closing or self.newest > number, seconds)

    def _listen(self) -> None:
        last = "$"
        while self._is_wanted():
            try:
                found = cast(_Heard, self.runtime.redis.xread({live.STREAM: last}, block=int(POLL * 1000), count=100))
                for _, entries in found:
                    last = entries[-1][0]
                if not found:
                    continue
            except RedisError:
                time.sleep(POLL)
            self._read_newest()

    def _is_wanted(self) -> bool:
        """False, and the thread ends, when nobody listens any more. Where the server was killed
        nobody else tells its worker, and a stream that goes on would hold its place for ever."""
        if os.getppid() != self._parent:
            self.close()
        with self._changed:
            if self._open and not self.is_closing:
                return True
            self._thread = None
            return False

    def _read_newest(self) -> None:
        try:
            with self.runtime.reading() as session:
                newest = live.newest_number(session)
        except SQLAlchemyError as e:
            log.warning("live_cannot_read", error=type(e).__name__)
            return
        with self._changed:
            self.newest = newest
            self._changed.notify_all()


EVENTS = {"description": "A stream of events", "content": {"text/event-stream": {}}}


@room.get("/events", EVENTS, own_units=True)
def stream_events(asked: Asked, query: EventsQuery) -> Response:
    """What changes, as it changes. Each event's data names ids; read them again to see. The
    event `resync` means: read everything again."""
    hub: Hub = current_app.extensions["guichet"]["hub"]
    key = key_of(hub.runtime, request)
    if key is None or not hub.enter():
        refused = problem(503, "too_many_streams", say("every stream is taken: poll, and try again later"))
        refused.headers["Retry-After"] = "15"
        return refused
    last = request.headers.get("Last-Event-ID", "")
    given = int(last) if last.isdecimal() and len(last) < 16 else query.after
    connection = request.environ.get("gunicorn.socket")
    stream = Stream(hub, key, given, resync=bool(last) and not last.isdecimal(), connection=connection)
    response = Response(stream.run(), mimetype="text/event-stream")
    response.call_on_close(stream.end)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Stream:
    """One open stream."""

    def __init__(self, hub: Hub, key: Key, after: int | None, *, resync: bool, connection: object = None) -> None:
        self._hub = hub
        self._connection = connection
        self._key = key
        self._number = after
        self._resync = resync
        self._ended = threading.Lock()
        self._said = self._present = time.monotonic()
        self._looked = self._said - RECHECK  # what was missed is read at once

    def end(self) -> None:
        """Give the place back, once."""
        if self._ended.acquire(blocking=False):
            self._hub.leave()

    def run(self) -> Iterator[str]:
        """The stream's text, until it is closed, its person may no longer see anything, or
        the process goes."""
        try:
            yield "retry: 3000\n\n" + self._begin()
            while not self._hub.is_closing and not self._is_left():
                self._hub.wait_beyond(self._number or 0, min(RECHECK, POLL))
                text = self._next()
                if text is None:
                    yield "event: signed_out\ndata: {}\n\n"
                    return
                if text:
                    self._said = time.monotonic()
                    yield text
                    time.sleep(SPACING)
        except SQLAlchemyError as e:
            log.warning("live_stream_broke", error=type(e).__name__)
        finally:
            self.end()

    def _begin(self) -> str:
        with self._hub.runtime.reading() as session:
            newest, oldest = live.newest_number(session), live.oldest_number(session)
        start = self._number
        known = start is None or (oldest - 1 <= start <= newest)
        if start is None or not known:
            self._number = newest
        return "" if known and not self._resync else _message("resync", {}, self._number or 0)

    def _next(self) -> str | None:
        """What is to be said now; "" for nothing, None when it is over."""
        moment = time.monotonic()
        number = self._number or 0
        if self._hub.newest <= number and moment - self._looked < RECHECK:
            return self._ping(moment)
        self._looked = moment
        now = self._hub.runtime.now()
        with self._hub.runtime.reading() as session:
            person = person_behind(session, self._key, now)
            if person is None:
                return None
            newest = live.newest_number(session)
            if newest < number:  # another database than before: a backup was put back
                self._number = newest
                return _message("resync", {}, newest)
            events = live.read_after(session, person.actor, number, _BATCH)
        last = events[-1].number or 0 if events else 0
        self._number = last if len(events) == _BATCH else max(newest, last)
        if person.session_id is not None and moment - self._present > PRESENT:
            self._present = moment
            with self._hub.runtime.unit() as unit:
                note_present(unit.session, person.actor, now)
        return _batch(events, self._number or 0) or self._ping(moment)

    def _is_left(self) -> bool:
        """Whether the listener has hung up. Writing would show it only at the second ping, and a
        page that is loaded again and again would take every place of a process with few of them."""
        if not isinstance(self._connection, _socket.socket):  # gevent's, which has places enough
            return False
        try:
            return self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def _ping(self, moment: float) -> str:
        if moment - self._said < PING:
            return ""
        return "event: ping\ndata: {}\n\n"


def _batch(events: Sequence[LiveEvent], number: int) -> str:
    """One message for each thing that changed: the last word about it. Only the last
    message carries the number, so that a break in between repeats rather than loses."""
    latest: dict[tuple[str, object], LiveEvent] = {}
    for event in events:
        about = (event.kind, event.data.get("id", event.id))
        latest.pop(about, None)
        latest[about] = event
    messages = [_message(e.kind, {**e.data, "account_id": e.account_id}) for e in latest.values()]
    if messages:
        messages[-1] = messages[-1][:-1] + f"id: {number}\n\n"
    return "".join(messages)


def _message(kind: str, data: dict[str, object], number: int | None = None) -> str:
    head = f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n"
    return head + (f"id: {number}\n\n" if number is not None else "\n")
