"""What a Mastodon instance counts. Its headers tell of one limit only, the tightest for that
kind of call, so a window is named for the kind of call that told of it.
Source: docs.joinmastodon.org/api/rate-limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from channels.answers import retry_at
from channels.metering import EVERY_KIND, Exchange, Quota, Window, number_in

_SOURCE, _AS_OF = "docs.joinmastodon.org/api/rate-limits", date(2026, 11, 22)
_POSTS = {"post": 1, "thread_item": 1, "first_comment": 1, "reply": 1, "direct": 1}

QUOTAS = (
    Quota("calls", 300, 300, {EVERY_KIND: 1}, "calls", _SOURCE, _AS_OF),
    Quota("posts", 300, 10_800, _POSTS, "posts", "headers of the instance", _AS_OF),
    Quota("deletes", 30, 1800, {"delete": 1}, "deletions", _SOURCE, _AS_OF),
)


def windows_in(exchange: Exchange, now: datetime) -> Sequence[Window]:
    """What an answer says of the limit that its call is under."""
    limit, remaining = (number_in(exchange.headers, f"X-RateLimit-{part}") for part in ("Limit", "Remaining"))
    reset_at = retry_at({k: v for k, v in exchange.headers.items() if k.lower() == "x-ratelimit-reset"}, now)
    name = _name_of(exchange)
    if not name or limit is None or remaining is None or reset_at is None:
        return []
    return [Window(name, limit, remaining, reset_at)]


def _name_of(exchange: Exchange) -> str:
    if exchange.path.startswith("/api/v1/statuses") and not exchange.path.endswith("favourite"):
        return {"POST": "posts", "DELETE": "deletes"}.get(exchange.method, "calls")
    return "" if exchange.path.endswith("/media") else "calls"
