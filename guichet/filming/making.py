"""Making a film for a network, in a program of its own (`encoder.py`) that is bound in memory and
time, steps back behind everything else, and is ended when nobody wants its film any more. Nothing
of FFmpeg is loaded here, and what it wrote is gone with its folder."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from channels.sentences import say
from guichet.delivery.film_bounds import FilmPlan
from guichet.filming.encoder import MADE, Order
from guichet.filming.running import KINDS, begun

WATCH_EVERY = 2.0  # seconds between two answers to how far it is
_SPARE = 64 * 1024 * 1024  # bytes of the disk that stay free


@dataclass(frozen=True)
class MadeFilm:
    """What was made: `film` as it stands in a rendition."""

    sha256: str
    size: int
    width: int
    height: int
    film: Mapping[str, Any]
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Means:
    """What the program may use: megabytes of addresses, seconds by the clock, threads."""

    memory_mb: int
    seconds: int
    threads: int = 1


class Unmade(Exception):
    """Why there is no film. `is_final`: another try would end alike; `is_ours`: it was no fault
    of the film's."""

    def __init__(self, reason: str, *, is_final: bool = False, is_ours: bool = False) -> None:
        super().__init__(str(reason))
        self.reason, self.is_final, self.is_ours = reason, is_final, is_ours


class Unwanted(Exception):
    """Nobody wants it any more, or the worker ends."""


_WORDS = {
    "no_pictures": say("this film holds no pictures"),
    "too_many_bytes": say("it cannot be made small enough"),
    "cut_short": say("a part of it cannot be read: it would end too early"),
    "memory": say("making it takes more memory than is allowed"),
    "damaged": say("it is damaged: not all of it can be read"),
}
_DISK_FULL = say("there is no room on the disk")


def make_film(
    data: bytes, mime: str, plan: FilmPlan, seconds: float, folder: Path, means: Means, watch: Callable[[float], bool]
) -> MadeFilm:
    """Make it in `folder`, which is gone afterwards. `watch` is told every few seconds which part
    of 1 is done, and says whether to go on. Raises Unmade, Unwanted."""
    order = Order(
        KINDS[mime], plan.width, plan.height, plan.rate, plan.video_bits, plan.audio_bits, plan.max_bytes, seconds,
        means.memory_mb, means.seconds, means.threads,
    )  # fmt: skip
    try:
        folder.mkdir(parents=True)
        if shutil.disk_usage(folder).free < len(data) + 2 * plan.expected_bytes + _SPARE:
            raise Unmade(_DISK_FULL, is_ours=True)
        (folder / "given").write_bytes(data)
        found = _run(order, folder, means.seconds, watch)
        made = (folder / MADE).read_bytes()
    except OSError as e:
        if e.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Unmade(_DISK_FULL, is_ours=True) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    width, height = found.pop("width"), found.pop("height")
    return MadeFilm(hashlib.sha256(made).hexdigest(), len(made), width, height, found, made)


def _run(order: Order, folder: Path, seconds: int, watch: Callable[[float], bool]) -> dict[str, Any]:
    with begun("guichet.filming.encoder", [json.dumps(asdict(order))], folder) as process:
        try:
            found = _follow(process, time.monotonic() + seconds, watch)
        finally:
            process.kill()
    if "made" in found:
        made: dict[str, Any] = found["made"]
        return made
    if found.get("unfit") == "disk_full":
        raise Unmade(_DISK_FULL, is_ours=True)
    if "unfit" in found:
        raise Unmade(_WORDS.get(found["unfit"], _WORDS["damaged"]), is_final=True)
    if process.returncode == -signal.SIGXCPU:
        raise _too_long(seconds)
    raise Unmade(say("the program that makes it was ended ({code})", code=str(process.returncode)))


def _follow(process: subprocess.Popen[bytes], until: float, watch: Callable[[float], bool]) -> dict[str, Any]:
    """What it said last. Raises Unmade, Unwanted; then it is to be ended."""
    assert process.stdout is not None
    out, part, rest = process.stdout.fileno(), 0.0, b""
    said: dict[str, Any] = {}
    os.set_blocking(out, False)
    began = asked = time.monotonic()
    with selectors.DefaultSelector() as ear:
        ear.register(out, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now > until:
                raise _too_long(int(until - began))
            if now - asked >= WATCH_EVERY:
                asked = now
                if not watch(part):
                    raise Unwanted
            if not ear.select(0.5):
                continue
            heard = os.read(out, 65536)
            if not heard:
                process.wait()
                return said
            *lines, rest = (rest + heard).split(b"\n")
            for line in filter(None, lines):
                said = json.loads(line)
                part = said.get("part", part)


def _too_long(seconds: int) -> Unmade:
    return Unmade(say("making it takes longer than {minutes} minutes", minutes=max(1, seconds // 60)), is_final=True)
