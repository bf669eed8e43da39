"""Keeping what a transaction has read. A session forgets rows that nobody refers to any more, and
asks for the same account or customer again with each of many items."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.orm import Session

_ENTRANCES = ("loaded_as_persistent", "pending_to_persistent")


@contextmanager
def kept(session: Session) -> Iterator[None]:
    """Within the block whatever the session has read or written is at hand by its key. For short
    transactions over a bounded number of rows."""
    rows: list[object] = []

    def keep(_session: Session, row: object) -> None:
        rows.append(row)

    for entrance in _ENTRANCES:
        event.listen(session, entrance, keep)
    try:
        yield
    finally:
        for entrance in _ENTRANCES:
            event.remove(session, entrance, keep)
