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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from bench.figures import percentile
from tests.architecture.source import ROOT

LATENCY = 0.05  # seconds
ACCOUNTS = 20
_CID = "bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7soitae"


def handle(n: int) -> str:
    return f"bench{n}.test"


# ---------------------------------------------------------------- what is published


class Ledger:
    """What was really published: when each text was (epoch seconds), every time that it was."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], str] = {}
        self.times: dict[str, list[float]] = {}

    def put(self, author: str, key: str, text: str) -> bool:
        """Publish under a key; the same again changes nothing. False: another stands there."""
        stands = self._by_key.get((author, key))
        if stands is None:
            self._by_key[author, key] = text
            self.publish(text)
        return stands in (None, text)

    def publish(self, text: str) -> int:
        """Publish without a key, and number it."""
        self.times.setdefault(text, []).append(time.time())
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
        return 200, ledger.times
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


@dataclass(frozen=True)
class Sent:
    """One run: when it might begin and when the network accepted each post, in that order
    (epoch seconds), and the processor time that the senders took."""

    began: float
    accepted: Sequence[float]
    cpu: float = 0.0
    database_cpu: float = 0.0

    @property
    def seconds(self) -> float:
        """Until the last one was accepted."""
        return self.accepted[-1] - self.began

    @property
    def a_second(self) -> float:
        return len(self.accepted) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Of each post."""
        return 1000 * self.cpu / len(self.accepted)

    def late(self, share: float) -> float:
        """The seconds after which `share` (0 to 1) of them were accepted."""
        return percentile(self.accepted, share) - self.began


def published(url: str, prefix: str, wanted: int) -> list[float]:
    """When the network accepted each post (epoch seconds, in order). Raises RuntimeError unless
    it published `wanted` texts that begin with `prefix`, each of them once."""
    ledger = requests.get(f"{url}/ledger", timeout=60).json()
    times = [at for text, at in ledger.items() if text.startswith(prefix)]
    twice = sum(len(at) > 1 for at in times)
    if len(times) != wanted or twice:
        raise RuntimeError(f"{prefix}: {wanted} wanted, {len(times)} published, {twice} of them twice")
    return sorted(at for (at,) in times)


if __name__ == "__main__":
    asyncio.run(_serve())
