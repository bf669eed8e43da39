"""What a program takes from itself before it loads what opens films: a hostile file may use no
more than this, and whoever waits for something else goes first."""

from __future__ import annotations

import os
import resource

MEGABYTE = 1024 * 1024


def bind(*, memory: int, seconds: int, largest: int) -> None:
    """At most `memory` bytes of addresses, `seconds` of a processor, files of `largest` bytes; no
    core, few files."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, largest),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(what, (most, most))


def step_back() -> None:
    """Leave the processor to everybody else: what goes out now is more urgent than a film for later."""
    os.nice(19)
