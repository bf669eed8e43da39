"""What a server of the AT Protocol counts: points for writing, by the hour and by the day.
An answer tells of the window that is tightest; its policy says which that is.
Source: docs.bsky.app/docs/advanced-guides/rate-limits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

from channels.metering import LATEST, Exchange, Quota, Window, number_in

_SOURCE, _AS_OF = "docs.bsky.app/docs/advanced-guides/rate-limits", date(2026, 11, 22)
# We write with putRecord, which costs 2 where createRecord would cost 3.
_POINTS = {"post": 2, "thread_item": 2, "first_comment": 2, "reply": 2, "delete": 1}
_POINTS |= {"like": 2, "unlike": 1, "hide": 2, "unhide": 2}

QUOTAS = (
    Quota("points_hour", 5_000, 3_600, _POINTS, "points", _SOURCE, _AS_OF),
    Quota("points_day", 35_000, 86_400, _POINTS, "points", _SOURCE, _AS_OF),
)
_NAMES = {quota.seconds: quota.name for quota in QUOTAS}
_POLICY = re.compile(r"([0-9]{1,9});w=([0-9]{1,7})")


def windows_in(exchange: Exchange, now: datetime) -> Sequence[Window]:
    """What the answer to a write says of the points that are left."""
    if exchange.method != "POST" or not exchange.path.startswith("/xrpc/com.atproto.repo."):
        return []
    policy = _POLICY.fullmatch(exchange.headers.get("RateLimit-Policy", ""))
    remaining, reset = (number_in(exchange.headers, f"RateLimit-{part}") for part in ("Remaining", "Reset"))
    if policy is None or remaining is None or reset is None or reset >= LATEST:
        return []
    name = _NAMES.get(int(policy[2]))
    if name is None:
        return []
    return [Window(name, int(policy[1]), remaining, datetime.fromtimestamp(reset, UTC))]
