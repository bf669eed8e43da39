"""Getting a file from an address that somebody typed: a picture that a table of posts names.

Only over the wire, so that it reaches no internal address, follows no redirect, ends within a
deadline and is bounded. Refused: what is not HTTP, and any answer but 200.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

import requests

from channels.errors import Rejected
from channels.sentences import say
from channels.wire import Wire

_DEADLINE = 30.0  # seconds


@dataclass(frozen=True)
class Fetched:
    """A file and the name that its address gives it."""

    data: bytes = field(repr=False)
    name: str


def fetch(wire: Wire, url: str) -> Fetched:
    """The file at `url`. Raises ChannelError, whose sentence says why it cannot be had."""
    bounded = replace(wire, deadline=_DEADLINE)
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            raise Rejected("that is not a usable address", code="bad_address")
        answer = bounded.call("GET", url, {"Accept": "image/*, video/*, application/pdf"})
    except (requests.RequestException, ValueError):
        raise Rejected("that is not a usable address", code="bad_address") from None
    if answer.status_code != 200:
        raise Rejected(say("no file: the address answers {status}", status=str(answer.status_code)), code="no_file")
    return Fetched(answer.content, unquote(parts.path.rsplit("/", 1)[-1])[:200] or "file")
