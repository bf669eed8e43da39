"""Walking X's pages, which come newest first, back to where we were.

X counts pages, not positions, so a walk is done whole before anything of it is
handed on: the oldest must be stored first, or a crash between two pages would leave
a hole behind a cursor that has already moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from channels.contract import JSON
from channels.errors import Malformed
from channels.x.client import page_of
from channels.x.shapes import Includes


@dataclass
class Walk:
    """What a walk found, newest first. `is_complete`: it reached what it looked for
    rather than the end of what X hands out."""

    items: list[tuple[JSON, Includes]] = field(default_factory=list)
    is_complete: bool = False


def walk(fetch: Callable[[str | None], requests.Response], *, down_to: int, most: int) -> Walk:
    """Read pages until an id at or below `down_to`, or the last page, or `most` items.

    `fetch` takes a pagination token. A last page counts as complete unless `most`
    items were had: X's timelines end there without a word.
    """
    found, token, seen = Walk(), None, set[str]()
    while True:
        page = page_of(fetch(token))
        includes = Includes(_object(page.get("includes")))
        for item in page.get("data", []):
            number = str(item.get("id", "")) if isinstance(item, dict) else ""
            if not number.isdigit():
                raise Malformed("an item of X's page has no id")
            if int(number) <= down_to:
                found.is_complete = True
                return found
            if number not in seen:
                seen.add(number)
                found.items.append((item, includes))
        token = _object(page.get("meta")).get("next_token")
        if not token:
            found.is_complete = len(found.items) < most
            return found
        if len(found.items) >= most:
            return found


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
