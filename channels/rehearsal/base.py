"""A rehearsal network: a real HTTP server on loopback that behaves as the network is
documented to behave, remembers what was *really* published (the ledger), lets
customers be made to write, and misbehaves on demand.

Each network subclasses `Network`, builds its routes in `routes()`, records every
publication with `publish_to_ledger`, and implements `say`. The control routes under
`/_rehearsal/` are the same for all:

    POST /_rehearsal/say      {"who", "text", "to", "in_reply_to", …}   a customer writes
    POST /_rehearsal/fault    {"effect", "match", "times", …}           see Fault
    DELETE /_rehearsal/fault                                            forget all faults
    GET  /_rehearsal/ledger   what was really published, oldest first
    GET  /_rehearsal/said     what customers were made to write, by remote id
    GET  /_rehearsal/people   who is there
"""

from __future__ import annotations

import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from channels.rehearsal.store import Doc, Store

EFFECTS = (
    "slow",  # wait `seconds`, then answer
    "drip",  # answer one byte every `seconds`
    "reset_before",  # close the connection, having done nothing
    "reset_after",  # do it, then reset the connection without an answer
    "status_before",  # answer `status`, having done nothing
    "status_after",  # do it, then answer `status`
    "garbage_after",  # do it, then answer 200 with a body that cannot be read
    "late",  # answer 500 at once, do it `seconds` later
    "lag",  # what is published stays unreadable for `seconds`
)


@dataclass
class Fault:
    """A planted fault. `match` is a regular expression on "METHOD /path"; it strikes
    `times` times (0: for ever) with `probability`."""

    effect: str
    match: str = ".*"
    times: int = 1
    probability: float = 1.0
    status: int = 500
    seconds: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
    struck: int = 0

    def __post_init__(self) -> None:
        if self.effect not in EFFECTS:
            raise ValueError(f"effect must be one of {', '.join(EFFECTS)}, not {self.effect!r}")
        re.compile(self.match)


@dataclass(frozen=True)
class LedgerEntry:
    """One thing that the network really published (or took down), at network time."""

    number: int
    at: str
    act: str  # "post", "reply", "direct", "delete", "edit"
    account: str
    remote_id: str
    text: str
    key: str = ""
    in_reply_to: str = ""
    media: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


class Network:
    """Base of the rehearsal networks."""

    name = ""
    latency = 0.0  # seconds before each API answer, for benchmarks and demos

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.faults: list[Fault] = []
        self._fault_lock = threading.Lock()
        self.app = Flask(f"rehearsal-{self.name}")
        self.app.json.sort_keys = False  # type: ignore[attr-defined]
        self.app.wsgi_app = self._with_faults(self.app.wsgi_app)  # type: ignore[method-assign]
        self._control_routes()
        self.routes(self.app)

    # -- what a network implements

    def routes(self, app: Flask) -> None:
        raise NotImplementedError

    def say(self, who: str, text: str, **how: Any) -> Doc:
        """A customer writes. `how` may hold `to` (an account handle), `in_reply_to`
        (a remote id), `direct` (bool), `edit`, `delete`. Returns the message as stored."""
        raise NotImplementedError

    def people(self) -> list[Doc]:
        """Everybody there: {"handle", "name", "kind": "company" | "customer"}."""
        return self.store.all("person")

    def followed_by(self, key: str, person: Doc, how: Mapping[str, Any]) -> Doc:
        """The person, kept by its `key`, with as many `followers` as `how` says, where it says so."""
        if "followers" not in how:
            return person
        return self.store.put("person", person[key], {**person, "followers": int(how["followers"])})

    # -- the ledger

    def publish_to_ledger(self, act: str, account: str, remote_id: str, text: str, **more: Any) -> LedgerEntry:
        """Record that something became public, in the moment that it does."""
        with self.store.lock:
            number = self.store.next_number()
            entry = LedgerEntry(number, utc_text(), act, account, remote_id, text, **more)
            self.store.put("ledger", str(number), asdict(entry))
            return entry

    def ledger(self) -> list[Doc]:
        return self.store.all("ledger")

    # -- lag before what was published can be read

    def readable(self, doc: Doc) -> bool:
        """Whether a document is visible to readers yet (`visible_at`, epoch seconds)."""
        return float(doc.get("visible_at", 0)) <= time.time()

    def visible_at(self) -> float:
        """When something published now can be read: now, or later under a `lag` fault."""
        lags = [f.seconds for f in self.faults if f.effect == "lag"]
        return time.time() + (max(lags) if lags else 0)

    # -- faults

    def plant(self, fault: Fault) -> None:
        with self._fault_lock:
            self.faults.append(fault)

    def forget_faults(self) -> None:
        with self._fault_lock:
            self.faults.clear()

    def _struck_by(self, line: str) -> Fault | None:
        with self._fault_lock:
            for fault in self.faults:
                if fault.effect == "lag" or not re.search(fault.match, line):
                    continue
                if fault.probability < 1 and random.random() > fault.probability:  # noqa: S311
                    continue
                fault.struck += 1
                if fault.times and fault.struck >= fault.times:
                    self.faults.remove(fault)
                return fault
        return None

    def _with_faults(self, inner: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        def outer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            path = environ["PATH_INFO"]
            if path.startswith("/_rehearsal/"):
                return inner(environ, start_response)
            if self.latency:
                time.sleep(self.latency)
            fault = self._struck_by(f"{environ['REQUEST_METHOD']} {path}")
            if fault is None:
                return inner(environ, start_response)
            return _misbehave(fault, inner, environ, start_response)

        return outer

    # -- control routes

    def _control_routes(self) -> None:
        app = self.app

        @app.post("/_rehearsal/say")
        def say() -> Any:
            body = dict(request.get_json(force=True))
            try:
                who, text = body.pop("who"), body.pop("text", "")
                said = self.say(who, text, **body)
                told = {"who": who, "text": text, "to": body.get("to", ""), "direct": bool(body.get("direct"))}
                self.store.put("said", str(said.get("remote_id") or said["id"]), told)
                return jsonify(said)
            except (KeyError, LookupError, TypeError, ValueError) as e:
                abort(Response(f"cannot say that: {e}", 422))

        @app.post("/_rehearsal/fault")
        def fault() -> Any:
            try:
                planted = Fault(**request.get_json(force=True))
            except (TypeError, ValueError, re.error) as e:
                abort(Response(f"not a fault: {e}", 422))
            self.plant(planted)
            return jsonify(asdict(planted)), 201

        @app.delete("/_rehearsal/fault")
        def forget() -> Any:
            self.forget_faults()
            return "", 204

        @app.get("/_rehearsal/ledger")
        def ledger() -> Any:
            return jsonify(self.ledger())

        @app.get("/_rehearsal/said")
        def said() -> Any:
            return jsonify(dict(self.store.items("said")))

        @app.get("/_rehearsal/people")
        def people() -> Any:
            return jsonify(self.people())


def _misbehave(
    fault: Fault, inner: Callable[..., Iterable[bytes]], environ: dict[str, Any], start: Callable[..., Any]
) -> Iterable[bytes]:
    if fault.effect == "slow":
        time.sleep(fault.seconds)
        return inner(environ, start)
    if fault.effect == "drip":
        return (_slowly(byte, fault.seconds) for byte in _bytes_of(inner, environ, start))
    if fault.effect == "reset_before":
        return _reset(environ)
    if fault.effect == "status_before":
        return _answer(fault, start)
    if fault.effect == "late":
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        threading.Thread(target=_do_late, args=(fault.seconds, inner, dict(environ), body), daemon=True).start()
        return _answer(fault, start)
    _run(inner, environ)  # all that is left does it first
    if fault.effect == "reset_after":
        return _reset(environ)
    if fault.effect == "garbage_after":
        start("200 OK", [("Content-Type", "text/html"), ("Content-Length", "11")])
        return [b"<html>bogus"]
    return _answer(fault, start)


def _run(inner: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
    result = inner(environ, lambda status, headers, exc_info=None: None)
    b"".join(result)
    getattr(result, "close", lambda: None)()


def _do_late(seconds: float, inner: Callable[..., Iterable[bytes]], environ: dict[str, Any], body: bytes) -> None:
    import io

    time.sleep(seconds)
    environ["wsgi.input"] = io.BytesIO(body)
    _run(inner, environ)


def _bytes_of(
    inner: Callable[..., Iterable[bytes]], environ: dict[str, Any], start: Callable[..., Any]
) -> Iterable[bytes]:
    for chunk in inner(environ, start):
        for i in range(len(chunk)):
            yield chunk[i : i + 1]


def _slowly(byte: bytes, seconds: float) -> bytes:
    time.sleep(seconds)
    return byte


def _answer(fault: Fault, start: Callable[..., Any]) -> Iterable[bytes]:
    body = b'{"error": "planted fault"}'
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **fault.headers}
    start(f"{fault.status} Fault", list(headers.items()))
    return [body]


def _reset(environ: dict[str, Any]) -> Iterable[bytes]:
    """Close with a TCP reset: SO_LINGER of zero."""
    sock: socket.socket = environ["werkzeug.socket"]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.shutdown(socket.SHUT_RD)
    sock.close()
    raise ConnectionAbortedError("planted reset")


def utc_text(when: datetime | None = None) -> str:
    """RFC 3339 with milliseconds and Z, as most networks write time."""
    return (when or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive, as real networks have

    def log(self, type: str, message: str, *args: Any) -> None:
        pass


class Server:
    """A network served on loopback, in threads of this process."""

    def __init__(self, network: Network, port: int = 0) -> None:
        self.network = network
        self._server: BaseWSGIServer = make_server(
            "127.0.0.1", port, network.app, threaded=True, request_handler=_Handler
        )
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            # It looks this often whether to stop: half a second, the default, adds up over a suite.
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.02},
            name=f"rehearsal-{network.name}",
            daemon=True,
        )

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        # The serving thread closes the listening socket after it has said that it stopped: until
        # it ends, the port may still take a connection.
        self._thread.join()
        self._server.server_close()
