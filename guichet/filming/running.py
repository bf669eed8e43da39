"""Opening a film, in a program of its own (`program.py`) that is bound in memory, time and files.
Nothing of FFmpeg is loaded here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from channels.contract import Film
from guichet.errors import Invalid

SECONDS = 90  # that a film may take to be opened, whatever the processor does meanwhile
# Demuxers by what the first bytes say; nothing else is ever asked to read a file.
KINDS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}


@dataclass(frozen=True)
class FilmRead:
    """A film as it is kept, and one picture of it (JPEG)."""

    data: bytes = field(repr=False)
    poster: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    film: Film


def read_film(data: bytes, mime: str, largest: int) -> FilmRead:
    """The film without what rode along, and what it is. Raises Invalid for what is damaged, holds
    no pictures, or takes more memory or time than a film of its size may."""
    with tempfile.TemporaryDirectory(prefix="guichet-film-") as name:
        folder = Path(name)
        (folder / "given").write_bytes(data)
        try:
            found = _run(("given", KINDS[mime], ".", str(largest)), folder)
        except subprocess.TimeoutExpired:
            raise _damaged() from None
        if found.get("unfit") == "no_pictures":
            raise Invalid("this film holds no pictures", {"file": "is a film without pictures"})
        if found.get("unfit") == "too_large":
            raise Invalid("the pictures of this film are too large", {"file": "is a film of too many pixels"})
        if "unfit" in found:
            raise _damaged()
        kept, poster = (folder / "film").read_bytes(), (folder / "poster.jpg").read_bytes()
    film = Film(found["seconds"], found["video"], found["audio"], found["rate"], found["pixels"])
    return FilmRead(kept, poster, found["mime"], found["width"], found["height"], film)


def begun(module: str, words: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """One of these programs, begun in `folder`. Nothing of our environment goes along: no secret
    is where a decoder was broken into."""
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *words], cwd=folder, env={"PYTHONPATH": root}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _run(words: Sequence[str], folder: Path) -> dict[str, Any]:
    """What it printed last; a program that was killed said nothing. Raises TimeoutExpired."""
    with begun("guichet.filming.program", words, folder) as process:
        try:
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    lines = said.splitlines()
    if process.returncode != 0 or not lines:
        return {"unfit": "damaged"}
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _damaged() -> Invalid:
    return Invalid("this film cannot be read", {"file": "is a damaged film"})
