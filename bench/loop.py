"""The floor: threads that only send, through the same client, with no queue, no database
and no promise. `python -m bench.loop` is one process of it and reads what to do as JSON.

Each thread keeps one account and one connection, and all threads share out the posts. There
are as many processes and threads as Guichet's workers have, so that what remains between
the two is what Guichet does besides sending.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any

import requests
import tweepy
from requests.adapters import HTTPAdapter

from bench.network import ACCOUNTS, Sent, handle, published
from channels.contract import Connected, Connection, Draft
from channels.networks import open_networks
from tests.architecture.source import ROOT

Send = Callable[[str], object]


def run(client: str, url: str, posts: int, processes: int, threads: int) -> Sent:
    """`client`: "bluesky" (our adapter) or "tweepy" (tweepy.Client as it comes)."""
    prefix = f"loop {client} {time.time_ns()}"
    task = {"client": client, "url": url, "posts": posts // processes, "threads": threads // processes}
    command = [sys.executable, "-m", "bench.loop"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(processes)]
    for n, process in enumerate(running):
        print(json.dumps({**task, "prefix": f"{prefix} {n}"}), file=process.stdin, flush=True)
    for process in running:
        process.stdout.readline()  # type: ignore[union-attr]  # it is ready
    began = time.time()
    for process in running:
        print("go", file=process.stdin, flush=True)
    cpu = sum(float(process.communicate()[0]) for process in running)
    return Sent(began, published(url, prefix, posts), cpu)


def connect(url: str, n: int) -> Connected:
    """The company's account number `n` of the light Bluesky."""
    networks = open_networks(allow=("127.0.0.0/8",))
    form = {"address": url, "identifier": handle(n), "password": "bench"}
    return networks.connector("bluesky", False).sign_in(form)


# ---------------------------------------------------------------- one process of it


def main() -> None:
    task = json.loads(sys.stdin.readline())
    open_sender = {"bluesky": _adapter, "tweepy": _tweepy}[task["client"]]
    senders = [open_sender(task["url"], n % ACCOUNTS) for n in range(task["threads"])]
    for n, send in enumerate(senders):
        send(f"warm {task['prefix']} {n}")
    todo: SimpleQueue[str] = SimpleQueue()
    for n in range(task["posts"]):
        todo.put(f"{task['prefix']} {n}")
    threads = [threading.Thread(target=_send_all, args=(send, todo)) for send in senders]
    print("ready", flush=True)
    sys.stdin.readline()
    spent = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.process_time() - spent)


def _send_all(send: Send, todo: SimpleQueue[str]) -> None:
    while True:
        try:
            send(todo.get_nowait())
        except Empty:
            return


def _adapter(url: str, n: int) -> Send:
    connected = connect(url, n)
    account = Connection("bluesky", connected.remote_id, connected.handle, url, connected.secrets, connected.settings)
    publisher = open_networks(allow=("127.0.0.0/8",)).publisher(account, False)
    assert publisher is not None

    def send(text: str) -> object:
        draft = Draft(text=text)
        return publisher.send(draft, publisher.prepare(draft), publisher.new_key(datetime.now(UTC)))

    return send


class _Diverted(HTTPAdapter):
    """To the light network, whatever address tweepy has built in."""

    def __init__(self, url: str) -> None:
        self._url = url
        super().__init__()

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        request.url = self._url + request.path_url
        return super().send(request, *args, **kwargs)


def _tweepy(url: str, n: int) -> Send:
    client = tweepy.Client(None, "key", "secret", f"token-{n}", "secret")
    client.session.trust_env = False
    client.session.mount("https://", _Diverted(url))
    return lambda text: client.create_tweet(text=text)


if __name__ == "__main__":
    main()
