"""The front door of receiving: what is done about messages beyond understanding them (digest.py).

As everywhere: `session, actor, …, now` (aware UTC), the right is asked for first, nothing is
committed and no network called. Raises NotFound, NotAllowed, Invalid, Conflict (guichet.errors).
"""

from __future__ import annotations

from guichet.receiving.following import follow_delivery, follow_settled
from guichet.receiving.layouts import forget_pictures
from guichet.receiving.pacing import end_rush, forget_old_paces
from guichet.receiving.withdrawals import catch_up

__all__ = [
    "catch_up",
    "end_rush",
    "follow_delivery",
    "follow_settled",
    "forget_old_paces",
    "forget_pictures",
]
