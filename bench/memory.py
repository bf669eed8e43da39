"""Memory of the whole idle stack: PSS of web, workers, clock and Valkey, without database and rehearsal.

PSS (proportional set size) shares out what processes have in common, so the sum is what
the stack really takes.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.databases import fresh
from bench.figures import Figure
from tests.journeys.stack import running

SETTLE_SECONDS = 20


def measure() -> Iterator[Figure]:
    for kind in ("SQLite", "PostgreSQL"):
        with (
            tempfile.TemporaryDirectory() as folder,
            fresh(kind, Path(folder)) as database,
            running(Path(folder), GUICHET_REHEARSAL_PORT="", GUICHET_DATABASE_URL=database) as stack,
        ):
            time.sleep(SETTLE_SECONDS)
            yield from _held(kind, {"supervisor": stack.process.pid, **stack.pids()})


def _held(kind: str, programs: dict[str, int]) -> Iterator[Figure]:
    total = 0.0
    for name, pid in sorted(programs.items()):
        held = sum(pss(p) for p in family(pid, others=set(programs.values()) - {pid}))
        total += held
        yield Figure(f"{name}, over {kind}", held, "MB")
    yield Figure(f"the whole idle stack, over {kind}", total, "MB", goal=300, at_least=False)


def family(pid: int, others: set[int]) -> list[int]:
    """A process and its descendants, but for those that are counted by themselves."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if int(child) not in others:
            found += family(int(child), others)
    return found


def pss(pid: int) -> float:
    """Megabytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
