"""Where processes come from: one that has imported everything and forks. Programs that are
killed every second must start fast, or the proof would be about importing Python.

Each order is a line of JSON on standard input, `{"kind", "log"}`; each answer the process id.
What the programs say goes through a pipe to its file, so that a disk that is full for them
does not silence them.

When its orders end without its being killed, whoever gave them is dead: it ends all that was
started for the same data folder, the database's server too, so that a campaign that is killed
leaves nothing behind.

    python -m tests.chaos.nursery
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

from cli import programs
from tests.chaos import program, stores


def main() -> None:
    programs.preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    pens: dict[str, BinaryIO] = {}
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if order["log"] not in pens:
            pens[order["log"]] = _open_pen(order["log"])
        child = os.fork()
        if child == 0:
            _be(order["kind"], pens[order["log"]])
        print(child, flush=True)
    end_what_runs_for(os.environ["GUICHET_DATA_DIR"])
    if os.environ["CHAOS_CLUSTER"]:
        stores.end_cluster(Path(os.environ["CHAOS_CLUSTER"]))


def end_what_runs_for(folder: str) -> None:
    """Until nothing is there but this process: what is being forked is not seen at once."""
    while found := [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _is_for(folder, pid)]:
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        stores.await_gone(found)


def _is_for(folder: str, pid: int) -> bool:
    """By its environment; Valkey writes its title over that, and names the folder there."""
    if pid == os.getpid() or not stores.is_there(pid):
        return False
    try:
        environment, title = [(Path("/proc") / str(pid) / name).read_bytes() for name in ("environ", "cmdline")]
    except OSError:
        return False
    is_started_for_it = f"GUICHET_DATA_DIR={folder}".encode() in environment.split(b"\0")
    return is_started_for_it or f"unixsocket:{folder}/".encode() in title


def _open_pen(path: str) -> BinaryIO:
    with open(path, "ab") as file:
        writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file, start_new_session=True)
    assert writer.stdin is not None
    return writer.stdin


def _be(kind: str, pen: BinaryIO) -> None:
    """Never returns."""
    status = 1
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(pen.fileno(), 1)
        os.dup2(pen.fileno(), 2)
        program.main(kind)
        status = 0
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    main()
