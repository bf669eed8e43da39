"""Files: media to send and attachments received. Names are random; what a file was
called, or claims to be, never decides where it lies or how it is served."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

_KEY = re.compile(r"[0-9a-f]{2}/[0-9a-f]{38}")


def is_key(text: str) -> bool:
    """Whether it could be the key of a file."""
    return _KEY.fullmatch(text) is not None


def new_key() -> str:
    """A key that nothing is kept under yet."""
    name = secrets.token_hex(20)
    return f"{name[:2]}/{name[2:]}"


@dataclass(frozen=True)
class FileStore:
    """A folder. Writes are atomic and synced before the key is given out."""

    root: Path

    def put(self, data: bytes) -> str:
        """Store bytes; returns the key."""
        key = new_key()
        self.keep(key, data)
        return key

    def keep(self, key: str, data: bytes) -> None:
        """Store bytes under a key that was given out before, as a restore does. Raises
        ValueError for what is none."""
        if not is_key(key):
            raise ValueError("this is no key of a file")
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        with partial.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        partial.rename(path)

    def get(self, key: str) -> bytes:
        """Raises FileNotFoundError, also for a key that never came from here."""
        if not is_key(key):
            raise FileNotFoundError(key)
        return (self.root / key).read_bytes()

    def delete(self, key: str) -> None:
        if is_key(key):
            (self.root / key).unlink(missing_ok=True)
