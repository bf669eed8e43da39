"""Where processes come from: one that has imported everything and forks. Programs that are
killed every second must start fast, or the proof would be about importing Python.

Each order is a line of JSON on standard input, `{"kind", "log"}`; each answer the process id.
What the programs say goes through a pipe to its file, so that a disk that is full for them
does not silence them.

    python -m tests.chaos.nursery
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import BinaryIO

from cli import programs
from tests.chaos import program


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
