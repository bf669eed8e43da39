"""A whole Guichet for journeys: `guichet run` in a folder of its own, on free ports."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from guichet.config import REHEARSAL_PORTS, Settings, read_settings
from tests.architecture.source import ROOT

START_SECONDS = 120


@dataclass
class Stack:
    """A running installation. `sign_ins` maps an address to its password."""

    url: str
    folder: Path
    rehearsal_port: int
    process: subprocess.Popen[str]
    sign_ins: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """For `guichet` commands against this installation."""
        return {
            **_clean_environment(),
            "GUICHET_DATA_DIR": str(self.folder),
            "GUICHET_REHEARSAL_PORT": str(self.rehearsal_port),
            "GUICHET_PORT": self.url.rsplit(":", 1)[1],
        }

    def settings(self) -> Settings:
        """What its programs run with."""
        keys = (self.folder / "secret-keys").read_text().strip()
        ours = {k: v for k, v in self.environment().items() if k.startswith("GUICHET_")}
        return read_settings({**ours, "GUICHET_SECRET_KEYS": keys})

    def command(self, *words: str) -> Any:
        """Run a `guichet` command with --json; its document."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", "--json", *words],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def pids(self) -> dict[str, int]:
        """The programs' process ids by name, from the children of the supervisor."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                words = status.read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(words[1]) == self.process.pid:
                pid = int(status.parent.name)
                found[_log_name(pid)] = pid
        return found


def _log_name(pid: int) -> str:
    """A program is known by the log that it writes."""
    return Path(os.readlink(f"/proc/{pid}/fd/1")).stem


def _clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")}


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports that are free now. Processes that look at the same time
    begin far from each other: what one has found is not taken yet."""
    for base in range(20000 + os.getpid() * 64 % 12000, 60000, count):
        probes = []
        try:
            for port in range(base, base + count):
                probe = socket.socket()
                probes.append(probe)
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        else:
            return base
        finally:
            for probe in probes:
                probe.close()
    raise RuntimeError("no free ports")


@contextmanager
def running(folder: Path, *options: str, **settings: str) -> Iterator[Stack]:
    """Start `guichet run OPTIONS` and wait until it is ready; stop it with Ctrl-C."""
    port = free_ports(2 + len(REHEARSAL_PORTS) + 3)
    environment = {
        **_clean_environment(),
        "GUICHET_DATA_DIR": str(folder),
        "GUICHET_PORT": str(port),
        "GUICHET_REHEARSAL_PORT": str(port + 2),
        **settings,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "run", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said: list[str] = []
    threading.Thread(target=lambda: said.extend(iter(process.stdout.readline, "")), daemon=True).start()
    stack = Stack(f"http://localhost:{port}", folder, port + 2, process)
    try:
        _await_ready(stack, said)
        sign_ins = folder / "demo-sign-ins.json"
        stack.sign_ins = json.loads(sign_ins.read_text()) if sign_ins.exists() else {}
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise AssertionError("it did not stop: " + "".join(said)) from None


def _await_ready(stack: Stack, said: list[str]) -> None:
    until = time.monotonic() + START_SECONDS
    while not any("is ready" in line for line in said):
        assert stack.process.poll() is None, "it ended: " + "".join(said)
        assert time.monotonic() < until, "it did not become ready: " + "".join(said)
        time.sleep(0.1)
    assert requests.get(f"{stack.url}/healthz", timeout=5).status_code == 200
