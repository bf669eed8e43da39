"""What went out, and how late. Lateness is counted from the due time to the start of the
send that was accepted; percentiles are exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from guichet.delivery.states import OPPOSITES
from guichet.models import Delivery
from guichet.policy import Action, Actor, visible


@dataclass
class Published:
    """Deliveries of one account (None: of all) that were due in a period."""

    account_id: int | None
    published: int = 0
    failed: int = 0
    needs_human: int = 0
    lateness: list[int] = field(default_factory=list, repr=False)  # milliseconds

    @property
    def late_p50_ms(self) -> int | None:
        ordered = sorted(self.lateness)
        return ordered[(len(ordered) - 1) // 2] if ordered else None

    @property
    def late_max_ms(self) -> int | None:
        return max(self.lateness, default=None)


def published(
    session: Session, actor: Actor, *, since: datetime, until: datetime, account_ids: Sequence[int] = ()
) -> list[Published]:
    """By account, those due from `since` until before `until` that the actor may see."""
    rows = select(Delivery.account_id, Delivery.state, Delivery.lateness_ms).where(
        visible(actor, Delivery.account_id, Action.STATS_VIEW),
        Delivery.due_at >= since,
        Delivery.due_at < until,
        Delivery.state.in_(("published", "failed", "needs_human")),
        Delivery.kind.not_in(OPPOSITES),  # a like says nothing
    )
    if account_ids:
        rows = rows.where(Delivery.account_id.in_(account_ids))
    found: dict[int, Published] = {}
    for account_id, state, lateness in session.execute(rows):
        one = found.setdefault(account_id, Published(account_id))
        setattr(one, state, getattr(one, state) + 1)
        if lateness is not None and state == "published":
            one.lateness.append(lateness)
    return [found[account_id] for account_id in sorted(found)]


def total_of(rows: Sequence[Published]) -> Published:
    """All accounts together."""
    total = Published(None)
    for row in rows:
        total.published += row.published
        total.failed += row.failed
        total.needs_human += row.needs_human
        total.lateness += row.lateness
    return total
