"""A worker that dies at one named point, and those who go on after it.

Nothing of ours is replaced: the points are seen from outside, by what Python's own audit
hooks tell of bytes about to go out (http.client.send, smtplib.send), and by the events that
SQLAlchemy tells of statements and of connections that come back. At its point the process
ends by os._exit: no handler runs, no transaction ends in order, every lock falls by itself.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import select
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, func
from sqlalchemy import select as sql_select

from channels.wire import AddressPolicy, Wire
from guichet import models as m
from guichet.clock import utc_now
from guichet.db.engine import open_engine
from guichet.delivery import operations
from guichet.policy import load_actor
from tests.chaos.judge import FINAL
from tests.workers.quick import QuickNetworks
from tests.workers.stage import runtime_on
from workers import deliver, reconcile, tend
from workers.runtime import Process, use

DIED = 86  # the exit status of who died at its point
PATIENCE = 25.0  # seconds within which everything must be settled

# Statements, as they are seen just before the database gets them.
_CLAIM = re.compile(r"UPDATE delivery SET .*fence=\(delivery\.fence \+", re.S)
_RECORD = re.compile(r"UPDATE staged SET made=")
_SETTLE = re.compile(r"UPDATE delivery SET .*\b(remote_id|next_look_at)=\w+\.\w+", re.S)
_LOOK = re.compile(r"INSERT INTO look")
_DECIDE = re.compile(r"INSERT INTO audit_entry")

BEFORE = {
    "before claim": _CLAIM,
    "container made, not recorded": _RECORD,
    "reply, not committed": _SETTLE,
    "during reconcile": _LOOK,
    "during a person's decision": _DECIDE,
}
AFTER_COMMIT = {"after claim": _CLAIM}
AFTER_THE_JOB = "committed, job not acknowledged"
ON_THE_WIRE = ("during media upload", "before send", "request half written", "sent, no reply")
POINTS = (
    "before claim", "after claim", "during media upload", "container made, not recorded", "before send",
    "request half written", "sent, no reply", "reply, not committed", "committed, job not acknowledged",
    "during reconcile", "during a person's decision",
)  # fmt: skip


@dataclass(frozen=True)
class Orders:
    """What one process is to do: die at `point`, or, where there is none, settle everything.
    With `choice` it is a person's: "cancel", or what to decide on the delivery."""

    database: str
    folder: Path
    network: str
    base_url: str
    publishes: str
    uploads: str
    point: str = ""
    read_lag: float = 0.2
    delivery_id: int = 0
    staff_id: int = 0
    choice: str = ""
    remote_id: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def run(orders: Orders) -> int:
    """Run a process with these orders to its end; its exit status."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=obey, args=(orders,), daemon=True)
    process.start()
    process.join(PATIENCE + 15)
    if process.is_alive():
        process.kill()
        process.join()
    return int(process.exitcode if process.exitcode is not None else -1)


def obey(orders: Orders) -> None:
    engine = open_engine(orders.database)
    _watch(engine, orders)
    if orders.choice:
        _decide(engine, orders)
    else:
        _work(engine, orders)
    os._exit(0)


def _work(engine: Engine, orders: Orders) -> None:
    wire = Wire(policy=AddressPolicy(("127.0.0.0/8",)), connect_timeout=2, read_timeout=2, deadline=4)
    lags = {"read_lag": timedelta(seconds=orders.read_lag), "latest_arrival": timedelta(seconds=0.2)}
    process = Process(
        runtime_on(engine, orders.folder), QuickNetworks(wire, {orders.network: orders.base_url}, **lags), "send"
    )
    use(process)
    until = time.monotonic() + PATIENCE
    while _is_open(engine):
        tend.take_over_from_the_dead(process)
        deliver.drain()
        if orders.point == AFTER_THE_JOB:  # all that it did is committed; who called it is not told
            _die()
        reconcile.look()
        if time.monotonic() > until:
            os._exit(1)
        time.sleep(0.02)


def _is_open(engine: Engine) -> bool:
    with engine.connect() as connection:
        left = sql_select(func.count()).where(m.Delivery.state.not_in(FINAL))
        return bool(connection.scalar(left))


def _decide(engine: Engine, orders: Orders) -> None:
    """What the web process does for a person."""
    runtime = runtime_on(engine, orders.folder)
    now = utc_now()
    with runtime.unit() as unit:
        actor = load_actor(unit.session, unit.session.get_one(m.Staff, orders.staff_id), now)
        delivery = unit.session.get_one(m.Delivery, orders.delivery_id)
        if orders.choice == "cancel":
            operations.cancel(unit.session, actor, delivery, now)
        else:
            operations.decide(unit.session, actor, delivery, orders.choice, now, remote_id=orders.remote_id)


# ---------------------------------------------------------------- where it dies


def _die() -> None:
    os._exit(DIED)


def _watch(engine: Engine, orders: Orders) -> None:
    if orders.point in BEFORE:
        _before_statement(engine, BEFORE[orders.point])
    elif orders.point in AFTER_COMMIT:
        _after_commit(engine, AFTER_COMMIT[orders.point])
    elif orders.point in ON_THE_WIRE:
        sys.addaudithook(_Tap(orders))


def _before_statement(engine: Engine, wanted: re.Pattern[str]) -> None:
    @event.listens_for(engine, "before_cursor_execute")
    def look(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        if wanted.search(statement):
            _die()


def _after_commit(engine: Engine, wanted: re.Pattern[str]) -> None:
    seen: set[int] = set()

    @event.listens_for(engine, "after_cursor_execute")
    def note(conn: Any, cursor: Any, statement: str, *more: Any) -> None:
        if wanted.search(statement):
            seen.add(id(conn.connection.dbapi_connection))

    @event.listens_for(engine, "checkin")
    def given_back(dbapi_connection: Any, record: Any) -> None:
        if id(dbapi_connection) in seen:
            _die()


class _Tap:
    """Hears of bytes before they go out, by Python's audit events, and dies among them."""

    def __init__(self, orders: Orders) -> None:
        self._point = orders.point
        self._wanted = re.compile(orders.uploads if orders.point == "during media upload" else orders.publishes)
        self._at_hand: set[int] = set()  # connections whose request this is

    def __call__(self, name: str, args: tuple[Any, ...]) -> None:
        if name == "http.client.send":
            self._http(*args)
        elif name == "smtplib.send":
            self._smtp(*args)

    def _http(self, connection: Any, data: Any) -> None:
        line = _request_line(data)
        if not line:
            if id(connection) in self._at_hand and isinstance(data, bytes):
                self._write(connection.sock, data)
        elif self._wanted.search(line):
            self._begin(connection)
        else:
            self._at_hand.discard(id(connection))

    def _smtp(self, connection: Any, data: Any) -> None:
        data = data if isinstance(data, bytes) else str(data).encode()
        if self._point == "before send" or data.lower().startswith(b"data\r\n"):
            self._begin(connection)
        elif id(connection) in self._at_hand and (self._point == "request half written" or data == b".\r\n"):
            self._write(connection.sock, data)

    def _begin(self, connection: Any) -> None:
        if self._point == "before send":
            _die()
        self._at_hand.add(id(connection))

    def _write(self, sock: Any, data: bytes) -> None:
        if self._point != "sent, no reply":
            sock.sendall(data[: len(data) // 2])
            _die()
        sock.sendall(data)
        select.select([sock], [], [], 10)  # the answer is here, and nobody reads it
        _die()


def _request_line(data: Any) -> str:
    """ "METHOD /path" where these bytes begin a request."""
    if not isinstance(data, bytes):
        return ""
    found = re.match(rb"([A-Z]+) (/[^ ?]*)[^ ]* HTTP/1\.1\r\n", data)
    return f"{found[1].decode()} {found[2].decode()}" if found else ""
