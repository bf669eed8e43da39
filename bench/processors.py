"""What processor time programs took, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

_TICK = os.sysconf("SC_CLK_TCK")


def spent(pids: Iterable[int]) -> float:
    """Seconds of these processes, in the kernel too, and of their children that have ended."""
    return sum(_ticks(pid) for pid in pids) / _TICK


def spent_by_server(engine: Engine) -> float:
    """Seconds of a PostgreSQL server on this machine, all of its processes; 0 on another."""
    with engine.connect() as connection:
        backend: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        try:
            server = _parent(backend)
        except FileNotFoundError:
            return 0.0
        children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return spent([server, *map(int, children)])


def _fields(pid: int) -> list[str]:
    """What follows the name (proc(5)): the state is the first."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _parent(pid: int) -> int:
    return int(_fields(pid)[1])


def _ticks(pid: int) -> int:
    return sum(map(int, _fields(pid)[11:15]))
