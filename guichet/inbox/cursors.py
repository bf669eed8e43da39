"""Where a list was left: the sort key of its last row, as an opaque text."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import NamedTuple

from guichet.errors import Invalid


class Cursor(NamedTuple):
    """`phase` tells which of a list's orders goes on; `at` and `id` are its last row's key."""

    phase: str
    at: datetime
    id: int


def write(cursor: Cursor) -> str:
    plain = json.dumps([cursor.phase, cursor.at.isoformat(), cursor.id])
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


def read(text: str, *phases: str) -> Cursor:
    """Raises Invalid (field `after`) for anything that was not written here."""
    try:
        phase, at, id_ = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        cursor = Cursor(phase, datetime.fromisoformat(at), id_)
        cursor.at.astimezone(UTC)  # as it will be asked: overflows at the ends of the calendar
        if phase not in phases or type(id_) is not int or not 0 < id_ < 2**63 or cursor.at.tzinfo is None:
            raise ValueError(text)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError, UnicodeError):
        raise Invalid("this list cannot go on from there", {"after": "is no cursor of this list"}) from None
    return cursor
