"""A light network for the benchmarks: `python -m bench.network` prints its address and
serves until its input ends.

The rehearsal servers do all that a network does and are exhausted long before we are, so
they cannot say how fast we are. This one speaks just enough of two networks for their real
adapters to sign in and post (Bluesky, which is keyed; X, which is not), answers each post
after 50 ms, and costs so little that the client is the bottleneck. It keeps a ledger by key,
so that a fast run still has to prove that nothing went out twice and nothing was lost.
It refuses what the measured code never sends: any other route is a 404.
"""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests

from tests.architecture.source import ROOT

LATENCY = 0.05  # seconds
ACCOUNTS = 20
_CID = "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"


def handle(n: int) -> str:
    return f"bench{n}.test"


# ---------------------------------------------------------------- what is published


class Ledger:
    """What was really published: how often each text was, and when the last one."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], str] = {}
        self.times: dict[str, int] = {}
        self.last_at = 0.0

    def put(self, author: str, key: str, text: str) -> bool:
        """Publish under a key; the same again changes nothing. False: another stands there."""
        stands = self._by_key.get((author, key))
        if stands is None:
            self._by_key[author, key] = text
            self.publish(text)
        return stands in (None, text)

    def publish(self, text: str) -> int:
        """Publish without a key, and number it."""
        self.times[text] = self.times.get(text, 0) + 1
        self.last_at = time.time()
        return len(self.times)


def _bluesky_sign_in(body: dict[str, Any]) -> tuple[int, Any]:
    name = body["identifier"].partition(".")[0]
    claims = base64.urlsafe_b64encode(b'{"scope": "com.atproto.appPass"}').decode().rstrip("=")
    token = f"e30.{claims}.{name}"
    did = f"did:plc:{name.ljust(24, 'a')}"
    return 200, {"did": did, "handle": body["identifier"], "accessJwt": token, "refreshJwt": token}


def _bluesky_post(ledger: Ledger, body: dict[str, Any]) -> tuple[int, Any]:
    did, key = body["repo"], body["rkey"]
    if not ledger.put(did, key, body["record"]["text"]):
        return 400, {"error": "InvalidSwap", "message": "another record stands there"}
    return 200, {"uri": f"at://{did}/{body['collection']}/{key}", "cid": _CID}


def _x_post(ledger: Ledger, body: dict[str, Any]) -> tuple[int, Any]:
    number = str(1_700_000_000_000_000_000 + ledger.publish(body["text"]))
    return 201, {"data": {"id": number, "text": body["text"], "edit_history_tweet_ids": [number]}}


def _answer(ledger: Ledger, route: str, body: bytes) -> tuple[int, Any]:
    if route == "POST /xrpc/com.atproto.repo.putRecord":
        return _bluesky_post(ledger, json.loads(body))
    if route == "POST /2/tweets":
        return _x_post(ledger, json.loads(body))
    if route == "POST /xrpc/com.atproto.server.createSession":
        return _bluesky_sign_in(json.loads(body))
    if route == "GET /ledger":
        return 200, {"times": ledger.times, "last_at": ledger.last_at}
    return 404, {"error": "NotFound", "message": route}


# ---------------------------------------------------------------- serving


class _Caller(asyncio.Protocol):
    """HTTP/1.1 with keep-alive: one request after the other, bodies by Content-Length."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._received = ledger, b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, ended, rest = self._received.partition(b"\r\n\r\n")
        _, has_body, length = head.lower().partition(b"content-length:")
        size = int(length.split(b"\r\n", 1)[0]) if has_body else 0
        if not ended or len(rest) < size:
            return
        self._received = rest[size:]
        method, path, _ = head.split(b" ", 2)
        self._loop.call_later(LATENCY, self._reply, f"{method.decode()} {path.decode()}", rest[:size])

    def _reply(self, route: str, body: bytes) -> None:
        status, told = _answer(self._ledger, route, body)
        content = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        self._transport.write(head.encode() + content)


async def _serve() -> None:
    loop, ledger = asyncio.get_running_loop(), Ledger()
    server = await loop.create_server(lambda: _Caller(ledger), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


# ---------------------------------------------------------------- for the benchmarks


@contextmanager
def running() -> Iterator[str]:
    """The network in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.network"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process.stdout.readline().strip()  # type: ignore[union-attr]
    finally:
        process.communicate()  # which ends its input


def published(url: str, prefix: str, wanted: int) -> float:
    """When the network accepted the last post (epoch seconds). Raises RuntimeError unless
    it published `wanted` texts that begin with `prefix`, each of them once."""
    ledger = requests.get(f"{url}/ledger", timeout=10).json()
    times = [n for text, n in ledger["times"].items() if text.startswith(prefix)]
    if len(times) != wanted or set(times) != {1}:
        twice = sum(n > 1 for n in times)
        raise RuntimeError(f"{prefix}: {wanted} wanted, {len(times)} published, {twice} of them twice")
    return float(ledger["last_at"])


if __name__ == "__main__":
    asyncio.run(_serve())
