"""A client that is lighter than any server: signed deliveries of X over keep-alive
connections from one loop, prepared before the clock starts.

    python -m bench.posting PORT PATH CONNECTIONS SECONDS SERIES
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import select
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

SECRET = b"rehearsal-secret"  # the consumer secret of every rehearsal account
MOST = 30_000  # deliveries of one run


def body(series: str, number: int) -> bytes:
    """The delivery of one post that mentions the company, 1.3 kB as X writes them."""
    tweet = {
        "id_str": f"{number}",
        "text": f"@guichet where is my suitcase? It was on the flight of {series}, number {number}.",
        "user": {"id_str": f"{70_000 + number % 500}", "name": "A customer", "screen_name": f"customer{number % 500}"},
        "entities": {"user_mentions": [{"id_str": "900", "screen_name": "guichet", "indices": [0, 8]}], "urls": []},
        "timestamp_ms": f"{1_790_000_000_000 + number}",
        "lang": "en",
        "source": "x" * 800,
    }
    return json.dumps({"for_user_id": "900", "tweet_create_events": [tweet]}).encode()


def signature(data: bytes) -> str:
    return "sha256=" + base64.b64encode(hmac.new(SECRET, data, hashlib.sha256).digest()).decode()


def request(path: str, data: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Twitter-Webhooks-Signature: {signature(data)}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


@dataclass
class Line:
    """One keep-alive connection and the delivery that it waits for."""

    socket: socket.socket
    number: int = -1
    heard: bytes = b""

    def say(self, number: int, text: bytes) -> None:
        self.number, self.heard = number, b""
        self.socket.sendall(text)

    def hear(self) -> int:
        """The status once the answer is whole, else 0."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server hung up")
        self.heard += data
        head, end, rest = self.heard.partition(b"\r\n\r\n")
        if not end:
            return 0
        length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
        return int(head[9:12]) if len(rest) >= length else 0


def post(port: int, path: str, connections: int, seconds: float, series: str) -> dict[str, object]:
    """What was accepted, in which time."""
    texts = [request(path, body(series, n)) for n in range(MOST)]
    lines = {}
    poller = select.epoll()
    for _ in range(connections):
        opened = socket.create_connection(("127.0.0.1", port))
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines[opened.fileno()] = Line(opened)
        poller.register(opened.fileno(), select.EPOLLIN)
    accepted: list[int] = []
    statuses: dict[int, int] = {}
    numbers = iter(range(MOST))
    began, spent = time.perf_counter(), time.process_time()
    waiting = _say_first(lines, numbers, texts)
    while waiting:
        for fd, _ in poller.poll():
            line = lines[fd]
            status = line.hear()
            if not status:
                continue
            statuses[status] = statuses.get(status, 0) + 1
            if 200 <= status < 300:
                accepted.append(line.number)
            number = next(numbers, None) if time.perf_counter() - began < seconds else None
            if number is None:
                waiting -= 1
            else:
                line.say(number, texts[number])
    took = time.perf_counter() - began
    return {"took": took, "client_cpu": time.process_time() - spent, "accepted": accepted, "statuses": statuses}


def _say_first(lines: dict[int, Line], numbers: Iterator[int], texts: list[bytes]) -> int:
    for line in lines.values():
        number = next(numbers)
        line.say(number, texts[number])
    return len(lines)


if __name__ == "__main__":
    _, port, path, connections, seconds, series = sys.argv
    print(json.dumps(post(int(port), path, int(connections), float(seconds), series)))
