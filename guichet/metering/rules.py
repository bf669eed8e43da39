"""Decisions about limits and money. Pure: values and `now` in, values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from channels.metering import Window, cost_of

LONGEST_WINDOW = timedelta(hours=26)  # a day and some; what lies further off is nonsense from outside
ANSWERS_SHARE = 20  # one part in so many is kept for answers to customers
MOST_QUOTA = 10**9  # more is nonsense from outside
MICROS = 1_000_000
WARN_AT = (80, 100)  # per cent of the monthly limit
MONEY = "money"  # the window that a monthly limit of spending is


def owner_of_account(account_id: int) -> str:
    return f"account:{account_id}"


def owner_of_money(account_id: int) -> str:
    """Its monthly limit. By name the last of all, for locks are taken in the order of names."""
    return f"money:{account_id}"


def owner_of_app(network: str, base_url: str, is_rehearsal: bool) -> str:
    """Our application at one server of one network."""
    return f"app:{'rehearsal' if is_rehearsal else 'real'}:{network}:{base_url}"[:300]


# ---------------------------------------------------------------- windows


@dataclass(frozen=True)
class Heard:
    """A window as it was heard, ready to be kept."""

    owner: str
    name: str
    quota: int
    remaining: int
    seconds: int
    costs: Mapping[str, int]
    reset_at: datetime
    seen_at: datetime


def is_plausible(window: Window, now: datetime) -> bool:
    """Whether what an answer said can be meant: a limit that is one, an end that is near.
    An answer must not be able to silence an account for years."""
    return (
        0 < window.limit <= MOST_QUOTA
        and 0 <= window.remaining <= window.limit
        and now < window.reset_at <= now + LONGEST_WINDOW
    )


def newer(old: Heard | None, new: Heard) -> Heard:
    """Which of two is kept: of the same window the lower one, for answers come in any order
    and a window only empties; else the one that ends later."""
    if old is None or new.reset_at != old.reset_at:
        return new if old is None or new.reset_at > old.reset_at else old
    return new if new.remaining <= old.remaining else old


@dataclass
class Bucket:
    """A window as the claim uses it. `left` is what nobody has taken; `in_hand` what is
    claimed or under way and not yet answered for; `reserve` is kept for those who may have
    it: answers to customers and, of an application's window, accounts below their share."""

    left: int
    quota: int
    costs: Mapping[str, Any]
    is_money: bool = False
    in_hand: int = 0
    reserve: int = 0
    share: int | None = None  # of one account, where several share it
    used: Counter[int] = field(default_factory=Counter)  # by account, in this window

    def has_room(self, account_id: int, kind: str, is_answer: bool) -> bool:
        """Whether one more of a kind may be claimed."""
        if self.is_money and is_answer:
            return True
        cost = cost_of(self.costs, kind)
        if cost == 0:
            return True
        free = self.left - self.in_hand
        if self.is_money:
            # What the last one costs is not known before it is sent: one at a time near the end.
            return free >= cost or (self.left > 0 and self.in_hand == 0)
        if is_answer:
            return free >= cost
        is_modest = self.share is not None and self.used[account_id] < self.share
        return free >= cost + (self.reserve // 2 if is_modest else self.reserve)

    def take(self, account_id: int, kind: str) -> None:
        cost = cost_of(self.costs, kind)
        self.in_hand += cost
        self.used[account_id] += cost


def reserve_of(quota: int, accounts: int = 1) -> int:
    """How much of a window posts leave to answers and, where it is shared, to accounts that
    have had less than their share of it."""
    if quota < ANSWERS_SHARE // 2:
        return 0
    return max(1, quota // ANSWERS_SHARE, min(accounts - 1, quota // 4))


# ---------------------------------------------------------------- before it is scheduled


def may_wait(needed: int, left: int, ends_at: datetime, due_at: datetime) -> bool:
    """Whether so many posts due then are more than a window that ends then has left."""
    return needed > left and due_at < ends_at


def money_warning(spent: int, limit: int | None, cost: int) -> Literal["limit_reached", "limit_passed"] | None:
    """Whether the month's limit is reached already, or is passed with what this costs."""
    if limit is None:
        return None
    if spent >= limit:
        return "limit_reached"
    return "limit_passed" if spent + cost > limit else None


# ---------------------------------------------------------------- money


def month_of(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m")


def next_month(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


def micros_of(amount: float) -> int:
    return round(amount * MICROS)


def level_of(spent: int, limit: int | None) -> int:
    """Of how much of the limit there is to be warned: 0, 80 or 100 per cent."""
    if limit is None:
        return 0
    return max((level for level in WARN_AT if spent * 100 >= limit * level), default=0)
