"""The supervisor: what dies is started again, a stop is orderly, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

# Two programs that note their starts and orderly ends; "base" is stopped last.
SCRIPT = """
import signal, sys, time
from pathlib import Path
from cli.supervisor import Program, Supervisor
folder = Path(sys.argv[1])
def note(line):
    with (folder / "notes").open("a") as f:
        f.write(line + "\\n")
def program(name):
    def main():
        import os
        signal.signal(signal.SIGTERM, lambda *_: (note(f"{name} ended"), sys.exit(0)))
        note(f"{name} {os.getpid()}")
        while True:
            time.sleep(0.05)
    return main
ready = lambda: "base" in ((folder / "notes").read_text() if (folder / "notes").exists() else "")
programs = [Program("base", program("base"), ready), Program("top", program("top"))]
raise SystemExit(Supervisor(programs, folder / "log", on_ready=lambda: note("ready")).run())
"""


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], cwd=ROOT, stdout=subprocess.DEVNULL)
    yield process
    process.kill()
    process.wait()


def notes(folder: Path) -> list[str]:
    path = folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def pids(folder: Path, name: str) -> list[int]:
    words = [line.split() for line in notes(folder)]
    return [int(w[1]) for w in words if w[0] == name and w[1].isdigit()]


def eventually(what: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


def test_a_killed_program_is_started_again(supervisor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    eventually(lambda: pids(tmp_path, "top"))
    os.kill(pids(tmp_path, "top")[0], signal.SIGKILL)
    eventually(lambda: len(pids(tmp_path, "top")) == 2)
    assert len(pids(tmp_path, "base")) == 1


def test_a_stop_is_orderly_and_leaves_nothing_behind(supervisor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    eventually(lambda: pids(tmp_path, "top") and "ready" in notes(tmp_path))
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(10) == 0
    ends = [line for line in notes(tmp_path) if line.endswith("ended")]
    assert ends == ["top ended", "base ended"]
    assert not any(is_running(p) for p in pids(tmp_path, "top") + pids(tmp_path, "base"))


@pytest.mark.skipif(sys.platform != "linux", reason="ending with the parent is Linux's prctl")
def test_children_end_with_a_killed_parent(supervisor: subprocess.Popen[bytes], tmp_path: Path) -> None:
    eventually(lambda: pids(tmp_path, "top"))
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not any(is_running(p) for p in pids(tmp_path, "top") + pids(tmp_path, "base")))
