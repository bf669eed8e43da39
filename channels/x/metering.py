"""What X counts and charges.

Limits come with each answer: for the route (x-rate-limit-*), for the user's day and for the
application's day (x-user-limit-24hour-*, x-app-limit-24hour-*). Prices are those of pay-per-use:
a write by the request, a read by each resource given back. X counts a resource once a day
(UTC) however often it is fetched; here it is counted each time, so that the figure is never
too low. What comes along by expansion is not counted: X does not say that it charges for it.
Sources: docs.x.com/x-api/fundamentals/rate-limits, docs.x.com/x-api/getting-started/pricing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from channels.metering import LATEST, Exchange, Quota, Tariff, Window, number_in
from channels.urls import find_urls

_AS_OF = date(2026, 11, 22)
_LIMITS = "docs.x.com/x-api/fundamentals/rate-limits"
_POSTS = {"post": 1, "thread_item": 1, "first_comment": 1, "reply": 1}

QUOTAS = (
    Quota("posts", 100, 900, _POSTS, "posts", _LIMITS, _AS_OF),
    Quota("app_day", 10_000, 86_400, _POSTS, "posts", _LIMITS, _AS_OF, of_app=True),
    Quota("direct", 15, 900, {"direct": 1}, "messages", _LIMITS, _AS_OF),
    Quota("deletes", 50, 900, {"delete": 1}, "deletions", _LIMITS, _AS_OF),
    Quota("likes", 50, 900, {"like": 1}, "likes", _LIMITS, _AS_OF),
    Quota("hidden", 50, 900, {"hide": 1, "unhide": 1}, "hidden", _LIMITS, _AS_OF),
)
_ROUTES = (
    ("POST", re.compile(r"/2/tweets"), "posts"),
    ("DELETE", re.compile(r"/2/tweets/\d+"), "deletes"),
    ("POST", re.compile(r"/2/users/\d+/likes"), "likes"),
    ("PUT", re.compile(r"/2/tweets/\d+/hidden"), "hidden"),
    ("POST", re.compile(r"/2/dm_conversations/.+/messages"), "direct"),
)


def windows_in(exchange: Exchange, now: datetime) -> Sequence[Window]:
    """What an answer of X says of its limits."""
    found = []
    for method, path, name in _ROUTES:
        if exchange.method == method and path.fullmatch(exchange.path):
            found.append(_window(exchange.headers, name, "x-rate-limit-{}"))
            if name == "posts":
                found.append(_window(exchange.headers, "app_day", "x-app-limit-24hour-{}"))
    return [window for window in found if window is not None]


def _window(headers: Mapping[str, str], name: str, header: str) -> Window | None:
    limit, remaining, reset = (number_in(headers, header.format(part)) for part in ("limit", "remaining", "reset"))
    if limit is None or remaining is None or reset is None or reset >= LATEST:
        return None
    return Window(name, limit, remaining, datetime.fromtimestamp(reset, UTC))


# ---------------------------------------------------------------- prices

PRICES = {
    "post": 0.015,
    "post_with_url": 0.20,
    "direct": 0.015,
    "deletion": 0.010,
    "like": 0.015,
    "hiding": 0.005,
    "alt_text": 0.005,
    "own_read": 0.001,
    "read": 0.005,
    "direct_read": 0.010,
    "user_read": 0.010,
}


def item_of(text: str, is_direct: bool) -> str:
    """What sending this text is charged as."""
    if is_direct:
        return "direct"
    return "post_with_url" if find_urls(text) else "post"


def items_in(exchange: Exchange, own_id: str) -> dict[str, int]:
    """What X charges for an exchange: items by how many. A write whose answer was lost may
    have been done: it is counted."""
    path = exchange.path
    if exchange.method == "GET":
        return _read(path, exchange, own_id)
    if not exchange.may_have_acted:
        return {}
    if exchange.method == "DELETE":
        return {"deletion": 1}
    if path == "/2/tweets":
        return {item_of(str(_object(exchange.sent).get("text") or ""), False): 1}
    if path.startswith("/2/dm_conversations/"):
        return {"direct": 1}
    if path.endswith("/likes"):
        return {"like": 1}
    if path.endswith("/hidden"):
        return {"hiding": 1}
    return {"alt_text": 1} if path == "/2/media/metadata" else {}


def _read(path: str, exchange: Exchange, own_id: str) -> dict[str, int]:
    if not 200 <= exchange.status < 300:
        return {}
    item = _item_read(path, own_id)
    if not item:
        return {}
    data = _object(exchange.answer).get("data")
    count = len(data) if isinstance(data, list) else int(isinstance(data, dict))
    return {item: count} if count else {}


def _item_read(path: str, own_id: str) -> str:
    if path == f"/2/users/{own_id}/tweets":
        return "own_read"
    if path.startswith("/2/dm_"):
        return "direct_read"
    if path.endswith(("/mentions", "/tweets", "/search/recent")) or path.startswith("/2/tweets"):
        return "read"
    return "user_read" if path.startswith("/2/users/") else ""


def _object(body: bytes | str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


TARIFF = Tariff(
    currency="USD",
    prices=PRICES,
    source="docs.x.com/x-api/getting-started/pricing",
    as_of=_AS_OF,
    item_of=item_of,
    items_in=items_in,
    dispensable=frozenset({"own", "quotes"}),
    own_read="own_read",
)
