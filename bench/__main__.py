"""`make bench`: every benchmark, or those named: `python -m bench lists memory`.

Each prints what it measured, against a floor measured in the same run, and the goal it is
held to. Machines are noisy: ratios count, absolute figures do not.
"""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType

NAMES = (
    "publishing",
    "due",
    "x",
    "webhook",
    "understanding",
    "opening",
    "live",
    "lists",
    "search",
    "calendar",
    "memory",
    "times",
)


def main(names: list[str]) -> int:
    signal.signal(signal.SIGTERM, _stop)
    missed = []
    for name in names or NAMES:
        if name not in NAMES:
            sys.exit(f"there is no benchmark {name!r}; there are: {', '.join(NAMES)}")
        module = importlib.import_module(f"bench.{name}")
        print(f"\n## {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        for figure in module.measure():
            print(figure.line(), flush=True)
            if figure.is_missed:
                missed.append(figure.name)
    print(f"\ngoals missed: {', '.join(missed) or 'none'}")
    return 0


def _stop(number: int, frame: FrameType | None) -> None:
    """Asked to stop, a benchmark ends what it started."""
    sys.exit(128 + number)


raise SystemExit(main(sys.argv[1:]))
