"""Cursors: opaque to callers, checked when they come back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from guichet.errors import Invalid
from webapp.api.schemas.common import Page

Row = TypeVar("Row")


def after(cursor: str | None) -> int:
    """The id behind a cursor of a list ordered by id. Raises Invalid for a made-up one."""
    if not cursor:
        return 0
    try:
        value = int(base64.urlsafe_b64decode(cursor.encode() + b"=="))
    except (ValueError, binascii.Error):
        value = -1
    if not 0 <= value < 2**63:
        raise Invalid("this cursor was not given by us", {"cursor": "is none of ours"})
    return value


def cursor_of(row_id: int) -> str:
    return base64.urlsafe_b64encode(str(row_id).encode()).decode().rstrip("=")


def page_by_id(rows: Sequence[Row], limit: int, show: Callable[[Row], Any]) -> Page[Any]:
    """A page of rows that were asked for with one more than `limit`."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[show(r) for r in shown], next_cursor=cursor_of(shown[-1].id) if more else None)  # type: ignore[attr-defined]
