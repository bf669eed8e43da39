"""The rules of sending: deadlines, no retry, no redirect, no internal address, and an
error that says whether the request can have been accepted."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask, request

from channels.answers import accepted, json_of
from channels.errors import ChannelError, OutcomeUnknown, RateLimited, Rejected, Unavailable
from channels.rehearsal.base import Fault, Network, Server
from channels.wire import AddressPolicy, AddressRefused, Wire


class Echo(Network):
    name = "echo"

    def routes(self, app: Flask) -> None:
        @app.post("/post")
        def post() -> Any:
            entry = self.publish_to_ledger("post", "a", "1", request.get_json()["text"])
            return {"number": entry.number, "host": request.host}

        @app.route("/moved", methods=["GET", "POST"])
        def moved() -> Any:
            return "", 307, {"Location": "/post"}

        @app.get("/large")
        def large() -> Any:
            return b"x" * 300_000


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Echo()) as server:
        yield server


# A loaded machine makes a drip pause: no single pause may be what ends the call.
BETWEEN_DROPS = {"read_timeout": 0.9}


def wire_to(server: Server, **more: Any) -> Wire:
    given = {"deadline": 1.0, "read_timeout": 0.4, "connect_timeout": 0.5, **more}
    return Wire(policy=AddressPolicy((f"127.0.0.1:{server.port}",)), **given)


def test_a_call_goes_through(server: Server) -> None:
    answer = wire_to(server).session().post(f"{server.url}/post", json={"text": "hello"})
    assert json_of(accepted(answer))["number"] == 1


class _KeepAlive(BaseHTTPRequestHandler):
    """Says which connection it was asked on, and what it was told before; hands out a cookie."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"port": self.client_address[1], "cookie": self.headers.get("Cookie", "")}).encode()
        self.send_response(200)
        self.send_header("Set-Cookie", "seen=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def test_connections_outlive_the_calls_and_cookies_do_not() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _KeepAlive) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        wire, seen = Wire(policy=AddressPolicy(("127.0.0.0/8",))), []
        url = f"http://127.0.0.1:{server.server_port}/"
        for _ in range(2):
            with wire.session() as session:
                seen.append(session.get(url).json())
            seen.append(wire.call("GET", url, {}).json())
        server.daemon_threads, server.block_on_close = True, False
        server.shutdown()
    assert len({s["port"] for s in seen}) == 1
    assert {s["cookie"] for s in seen} == {""}


@pytest.mark.parametrize(
    ("fault", "error", "ledger"),
    [
        (Fault("slow", seconds=0.8), OutcomeUnknown, 1),
        (Fault("drip", seconds=0.3), OutcomeUnknown, 1),
        (Fault("reset_before"), OutcomeUnknown, 0),
        (Fault("reset_after"), OutcomeUnknown, 1),
        (Fault("status_before", status=503), OutcomeUnknown, 0),
        (Fault("status_after", status=500), OutcomeUnknown, 1),
        (Fault("garbage_after"), OutcomeUnknown, 1),
        (Fault("status_before", status=422), Rejected, 0),
        (Fault("status_before", status=429, headers={"Retry-After": "30"}), RateLimited, 0),
    ],
    ids=lambda v: v.effect + str(v.status) if isinstance(v, Fault) else None,
)
def test_what_goes_wrong_is_told_apart_and_sent_once(
    server: Server, fault: Fault, error: type[ChannelError], ledger: int
) -> None:
    server.network.plant(fault)
    with pytest.raises(error):
        json_of(accepted(wire_to(server).session().post(f"{server.url}/post", json={"text": "once"})))
    until = time.monotonic() + 2
    while len(server.network.ledger()) < ledger and time.monotonic() < until:
        time.sleep(0.02)  # the server finishes what we no longer wait for
    assert len(server.network.ledger()) == ledger


def test_a_dripping_server_is_cut_off_at_the_deadline(server: Server) -> None:
    server.network.plant(Fault("drip", seconds=0.2))
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown) as caught:
        wire_to(server, **BETWEEN_DROPS).session().post(f"{server.url}/post", json={"text": "slow"})
    assert caught.value.code == "deadline"
    assert time.monotonic() - began < 2


def test_dripping_headers_are_cut_off_too() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            for byte in b"HTTP/1.1 200 OK\r\nX-Endless: " + b"a" * 1000:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.1)

    threading.Thread(target=drip, daemon=True).start()
    wire = Wire(policy=AddressPolicy((f"127.0.0.1:{port}",)), deadline=0.8, read_timeout=0.7)
    with listener, pytest.raises(OutcomeUnknown) as caught:
        wire.session().get(f"http://127.0.0.1:{port}/")
    assert caught.value.code == "deadline"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_not_followed(server: Server, method: str) -> None:
    answer = wire_to(server).session().request(method, f"{server.url}/moved", json={"text": "twice?"})
    assert answer.status_code == 307
    assert server.network.ledger() == []
    with pytest.raises(OutcomeUnknown):
        accepted(answer)


def test_an_answer_without_end_is_refused(server: Server) -> None:
    with pytest.raises(OutcomeUnknown) as caught:
        wire_to(server, max_body=100_000).session().get(f"{server.url}/large")
    assert caught.value.code == "answer_too_large"


def test_nobody_listening_is_proof_that_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unavailable):
        Wire(policy=AddressPolicy(("127.0.0.0/8",))).session().get(f"http://127.0.0.1:{port}/")


def test_a_name_that_does_not_exist_is_proof_too() -> None:
    with pytest.raises(Unavailable):
        Wire().session().get("http://nobody.invalid/")


def test_a_server_without_tls_is_proof_too(server: Server) -> None:
    with pytest.raises(Unavailable):
        wire_to(server).session().get(f"https://127.0.0.1:{server.port}/")


INTERNAL = [
    "127.0.0.1",
    "127.8.9.10",
    "10.0.0.1",
    "172.16.5.5",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
]


@pytest.mark.parametrize("address", INTERNAL)
def test_internal_addresses_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        AddressPolicy().check(address, 80)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are_let_through(address: str) -> None:
    AddressPolicy().check(address, 443)


def test_an_allowed_port_opens_no_other(server: Server) -> None:
    policy = AddressPolicy(("127.0.0.1:8701", "10.1.0.0/16", "[::1]:8025"))
    policy.check("127.0.0.1", 8701)
    policy.check("10.1.2.3", 1)
    policy.check("::1", 8025)
    for address, port in (("127.0.0.1", 8700), ("10.2.0.1", 1), ("::1", 8026)):
        with pytest.raises(AddressRefused):
            policy.check(address, port)


@pytest.mark.parametrize(
    "url", ["http://localhost:{}/", "http://127.1:{}/", "http://2130706433:{}/", "http://0x7f.1:{}/"]
)
def test_other_spellings_of_loopback_are_refused(server: Server, url: str) -> None:
    with pytest.raises((AddressRefused, Unavailable)):
        Wire().session().get(url.format(server.port))
    assert server.network.ledger() == []


def test_a_socket_for_mail_obeys_the_same_policy(server: Server) -> None:
    with pytest.raises(AddressRefused):
        Wire().open_socket("127.0.0.1", server.port)
    wire_to(server).open_socket("127.0.0.1", server.port).close()


def test_a_rehearsal_account_is_diverted_with_its_host_kept(server: Server) -> None:
    session = wire_to(server, divert={"api.x.com": server.url}).session()
    answer = session.post("https://api.x.com/post", json={"text": "diverted"})
    assert answer.json()["host"] == "api.x.com"


def test_the_environments_proxy_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert wire_to(server).session().post(f"{server.url}/post", json={"text": "x"}).ok


def test_a_proxy_is_used_and_the_deadline_holds_through_it(server: Server) -> None:
    """The server itself plays the proxy: it is asked for an address of somebody else."""
    wire = wire_to(server, proxies={"http": server.url, "https": server.url}, **BETWEEN_DROPS)
    assert json_of(wire.session().post("http://far.invalid/post", json={"text": "a"}))["host"] == "far.invalid"
    server.network.plant(Fault("drip", seconds=0.2))
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown) as late:
        wire.session().post("http://far.invalid/post", json={"text": "b"})
    assert late.value.code == "deadline"
    assert time.monotonic() - began < 3


def test_a_proxy_is_no_way_around_the_refusal_of_internal_addresses(server: Server) -> None:
    wire = wire_to(server, proxies={"http": server.url, "https": server.url})
    for address in ("http://169.254.169.254/", "http://10.1.2.3/post", "http://127.0.0.1:9/", "http://2130706433:9/"):
        with pytest.raises(AddressRefused):
            wire.session().post(address, json={"text": "x"})
    assert server.network.ledger() == []


def test_what_stands_on_this_machine_is_asked_without_the_proxy(server: Server) -> None:
    wire = wire_to(server, proxies={"http": "http://127.0.0.1:9", "https": "http://127.0.0.1:9"})
    assert json_of(wire.session().post(f"{server.url}/post", json={"text": "here"}))["number"] == 1


def test_a_name_with_many_addresses_of_which_none_answers_costs_no_more_than_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with contextlib.ExitStack() as opened:
        deaf = opened.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for _ in range(4):  # it has no place for more, and leaves who comes now without an answer
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(deaf.getsockname())
        many = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", deaf.getsockname())] * 60
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
        wire = Wire(policy=AddressPolicy(("127.0.0.1:*",)), connect_timeout=0.5, read_timeout=1.0, deadline=1.0)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            wire.session().get("http://many.example/")
        assert time.monotonic() - began < 10.0, "sixty addresses, half a second each"
