"""Time zones change: whoever asks is told which rules are installed now."""

from __future__ import annotations

import zoneinfo
from contextlib import suppress
from importlib import metadata
from pathlib import Path


def zones_installed() -> tuple[str, ...]:
    """Something that differs when the rules of the world's time zones were replaced, as a
    package of the system or of Python."""
    found = [f"{path} {path.stat().st_mtime_ns}" for path in map(Path, zoneinfo.TZPATH) if path.is_dir()]
    with suppress(metadata.PackageNotFoundError):  # the system's are enough
        found.append(metadata.version("tzdata"))
    return tuple(found)
