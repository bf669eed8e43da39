"""What the live streams of one process share: the newest events, and who listens.

One thread hears of new numbers through a Redis stream (without Redis it asks the database
each second), reads the events once for everybody, and reads the rights of all who listen
again together, so that a stream costs what writing to it costs.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from guichet import live
from guichet.models import LiveEvent
from guichet.policy import SYSTEM, Actor, visible_accounts
from guichet.runtime import Runtime
from guichet.staff.behind import actors_behind
from guichet.staff.entry import note_many_present
from guichet.staff.rules import hash_secret
from webapp.auth import Key

log = structlog.get_logger(__name__)

RECHECK = 2.0  # seconds between looks at the sessions and the rights
POLL = 1.0  # seconds, without Redis
PRESENT = 60.0  # seconds between notes that those who listen are here
_KEPT = 500  # events; who is further behind reads the database
_CHANGED_RIGHTS = frozenset({"rights", "signed_out"})
_Heard = list[tuple[bytes, list[tuple[bytes, Any]]]]  # what XREAD answers, which redis-py leaves untyped


@dataclass(frozen=True)
class News:
    """One event as every stream tells it, without its number. `about`: two with the same are
    about the same thing, and the later says all."""

    number: int
    about: tuple[str, object]
    text: str
    account_id: int | None
    staff_id: int | None
    kind: str


def news_of(event: LiveEvent) -> News:
    """An event that has its number."""
    about = (event.kind, event.data.get("id", event.id))
    text = message(event.kind, {**event.data, "account_id": event.account_id})
    return News(event.number or 0, about, text, event.account_id, event.staff_id, event.kind)


def message(kind: str, data: dict[str, object], number: int | None = None) -> str:
    """One server-sent event."""
    head = f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n"
    return head + (f"id: {number}\n\n" if number is not None else "\n")


@dataclass(frozen=True)
class Held:
    """The newest events, numbers above `base` to `newest`. `turns` counts how often numbers
    went back: another database than before, when a backup was put back."""

    base: int
    newest: int
    turns: int = 0
    recent: tuple[News, ...] = ()

    def after(self, number: int) -> Sequence[News]:
        """What is newer than `number`, which is not below `base`."""
        first = len(self.recent)
        while first and self.recent[first - 1].number > number:
            first -= 1
        return self.recent[first:]


class Listener:
    """Somebody at a stream, with what they may hear now. `actor` None: nothing any more."""

    def __init__(self, key: Key) -> None:
        self.secret_hash = hash_secret(key.secret)
        self.is_person = key.kind == "session"
        self.be(None)

    def be(self, actor: Actor | None, seen: frozenset[int] | None = frozenset()) -> None:
        """From now on; `seen`: the accounts that the actor sees."""
        self.actor, self._seen = actor, seen

    def hears(self, news: News) -> bool:
        actor = self.actor
        return actor is not None and live.is_for(actor, self._seen, account_id=news.account_id, staff_id=news.staff_id)


@dataclass
class Hub:
    """The streams of one process. `places`: how many it holds."""

    runtime: Runtime
    places: int
    is_closing: bool = False
    held: Held | None = None  # None while nobody listens
    _listeners: set[Listener] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _bell: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _parent: int = 0  # the process that serves us
    _checked: float = 0.0
    _noted: float = 0.0

    def enter(self, key: Key) -> Listener | None:
        """Take a place; None where every place is taken. Raises SQLAlchemyError."""
        with self._lock:
            if self.is_closing or len(self._listeners) >= self.places:
                return None
            listener = Listener(key)
            self._listeners.add(listener)
        try:
            self._read_rights([listener])
            with self._lock:
                if self._thread is None:
                    self._begin()
        except SQLAlchemyError:
            self.leave(listener)
            raise
        return listener

    def leave(self, listener: Listener) -> None:
        with self._lock:
            self._listeners.discard(listener)

    def close(self) -> None:
        """End every stream: the process is going. For signal handlers, so without a lock, which
        could be the interrupted one's own; the thread looks every second and lets all know."""
        self.is_closing = True

    def wait_beyond(self, number: int, seconds: float) -> None:
        """Return when there is something newer than `number`, at the latest after `seconds`."""
        bell, held = self._bell, self.held  # in this order: what comes now rings this bell
        if not self.is_closing and (held is None or held.newest <= number):
            bell.wait(seconds)

    def _begin(self) -> None:
        with self.runtime.reading() as session:
            newest = live.newest_number(session)
        self.held = Held(newest, newest, self.held.turns if self.held else 0)
        self._parent = os.getppid()
        self._checked = self._noted = time.monotonic()
        self._thread = threading.Thread(target=self._listen, name="live-events", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        last = b""
        while self._is_wanted():
            try:
                last = self._hear(last)
            except RedisError:
                last = b""
                time.sleep(POLL)
            try:
                self._tell()
            except SQLAlchemyError as e:
                log.warning("live_cannot_read", error=type(e).__name__)
                time.sleep(POLL)

    def _hear(self, last: bytes) -> bytes:
        """Wait for the bell; the id of its last ring. Where it was not heard it may have been
        wiped, and count from anew."""
        redis = self.runtime.redis
        found = cast(_Heard, redis.xread({live.STREAM: last}, block=int(POLL * 1000), count=1000)) if last else []
        if found:
            return found[0][1][-1][0]
        rung = cast("list[tuple[bytes, Any]]", redis.xrevrange(live.STREAM, count=1))
        return rung[0][0] if rung else b"0-0"

    def _is_wanted(self) -> bool:
        """False, and the thread ends, when nobody listens any more. Where the server was killed
        nobody else tells its worker, and a stream that goes on would hold its place for ever."""
        if os.getppid() != self._parent:
            self.close()
        with self._lock:
            if self._listeners and not self.is_closing:
                return True
            self._thread = None
        self._ring()
        return False

    def _tell(self) -> None:
        """Read what is new, and let everybody know; nobody by rights that are older than twice
        `RECHECK`. Rights that changed are read before what changed with them is told."""
        if time.monotonic() - self._checked > 2 * RECHECK:
            self._check()
        while self._read_news():
            pass
        if time.monotonic() - self._checked > RECHECK:
            self._check()
        if time.monotonic() - self._noted > PRESENT:
            self._note_present()

    def _read_news(self) -> bool:
        """True where there may be more."""
        held = self.held or Held(0, 0)
        with self.runtime.reading() as session:
            events = live.read_all_after(session, SYSTEM, held.newest, _KEPT)
            newest = events[-1].number or 0 if events else live.newest_number(session)
        if newest < held.newest:
            self.held = Held(newest, newest, held.turns + 1)
        elif events:
            news = [news_of(event) for event in events]
            if changed := {one.staff_id for one in news if one.kind in _CHANGED_RIGHTS}:
                self._read_rights([one for one in self._all() if one.actor and one.actor.staff_id in changed])
            together = (*held.recent, *news)
            kept = together[-_KEPT:]
            base = held.base if kept == together else together[-_KEPT - 1].number
            self.held = Held(base, newest, held.turns, kept)
        else:
            return False
        self._ring()
        return len(events) == _KEPT

    def _ring(self) -> None:
        bell, self._bell = self._bell, threading.Event()
        bell.set()

    def _all(self) -> list[Listener]:
        with self._lock:
            return list(self._listeners)

    def _check(self) -> None:
        self._read_rights(self._all())
        self._checked = time.monotonic()

    def _read_rights(self, listeners: Collection[Listener]) -> None:
        people = {one.secret_hash for one in listeners if one.is_person}
        programs = {one.secret_hash for one in listeners if not one.is_person}
        with self.runtime.reading() as session:
            actors = actors_behind(session, self.runtime.now(), sessions=people, tokens=programs)
        same: dict[frozenset[int] | None, frozenset[int] | None] = {}  # many see the same
        were = sum(one.actor is not None for one in listeners)
        for one in listeners:
            actor = actors.get(one.secret_hash)
            seen = visible_accounts(actor) if actor else frozenset()
            one.be(actor, same.setdefault(seen, seen))
        if sum(one.actor is not None for one in listeners) < were:
            self._ring()

    def _note_present(self) -> None:
        here = {one.actor.staff_id for one in self._all() if one.is_person and one.actor and one.actor.staff_id}
        with self.runtime.unit() as unit:
            note_many_present(unit.session, SYSTEM, here, self.runtime.now())
        self._noted = time.monotonic()
