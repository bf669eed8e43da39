"""What a brake holds, told as groups of what is alike: on one account, posts or answers, and
about equally late. One choice then does for hundreds, and still for nothing that nobody saw:
a group is bounded by the times that were shown, so what comes due meanwhile is none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, and_, not_, or_, select, true
from sqlalchemy.orm import Session

from guichet.delivery.states import State
from guichet.models import Account, Brake, Delivery, Post
from guichet.policy import Actor, visible

Lateness = Literal["hour", "day", "longer"]
# How late, and how a group of that lateness is called.
_LATENESS: tuple[tuple[timedelta, Lateness], ...] = ((timedelta(hours=1), "hour"), (timedelta(days=1), "day"))


@dataclass(frozen=True)
class Choice:
    """What becomes of one held delivery: send, reschedule (to `due_at`) or drop."""

    what: str
    due_at: datetime | None = None


@dataclass(frozen=True)
class Group:
    """`count` deliveries that are alike. `lateness`: hour (up to one), day (up to one), longer."""

    account_id: int
    is_answer: bool
    lateness: Lateness
    first_due_at: datetime
    last_due_at: datetime
    count: int


@dataclass(frozen=True)
class GroupChoice:
    """A choice for all held on an account that was due from `since` to `until`, both included.
    A new time is that of what was due at `since`; the others keep their distance to it."""

    account_id: int
    is_answer: bool
    since: datetime
    until: datetime
    choice: Choice

    def find_for(self, delivery: Delivery) -> Choice | None:
        """What it says about this delivery; None where it is none of the group."""
        mine = (delivery.account_id, delivery.is_answer) == (self.account_id, self.is_answer)
        if not mine or not self.since <= delivery.due_at <= self.until:
            return None
        if self.choice.due_at is None:
            return self.choice
        return Choice(self.choice.what, self.choice.due_at + (delivery.due_at - self.since))


def groups_under(session: Session, actor: Actor, brake: Brake, now: datetime) -> list[Group]:
    """All that lifting this brake would set free on accounts that the actor sees, by account,
    the latest first."""
    held = select(Delivery.account_id, Delivery.is_answer, Delivery.due_at).where(
        Delivery.state == State.HELD,
        covered_by(brake),
        not_(held_elsewhere(brake)),
        visible(actor, Delivery.account_id),
    )
    return grouped([(row.account_id, row.is_answer, row.due_at) for row in session.execute(held)], now)


def grouped(held: Iterable[tuple[int, bool, datetime]], now: datetime) -> list[Group]:
    """The groups of (account, is it an answer, when it was due)."""
    found: dict[tuple[int, bool, Lateness], list[datetime]] = {}
    for account_id, is_answer, due_at in held:
        found.setdefault((account_id, is_answer, lateness_of(now - due_at)), []).append(due_at)
    groups = [Group(*key, min(times), max(times), len(times)) for key, times in found.items()]
    return sorted(groups, key=lambda g: (g.account_id, g.is_answer, g.first_due_at))


def lateness_of(late: timedelta) -> Lateness:
    """How late that is."""
    return next((name for most, name in _LATENESS if late <= most), "longer")


def find_choice(groups: Sequence[GroupChoice], delivery: Delivery) -> Choice | None:
    """What the first group that it belongs to says."""
    return next((choice for group in groups if (choice := group.find_for(delivery)) is not None), None)


def covered_by(brake: Brake) -> ColumnElement[bool]:
    """Deliveries within the brake's scope."""
    if brake.scope == "account":
        return Delivery.account_id == brake.scope_id
    if brake.scope == "brand":
        return Delivery.account_id.in_(select(Account.id).where(Account.brand_id == brake.scope_id))
    return true()


def held_elsewhere(but: Brake) -> ColumnElement[bool]:
    """Deliveries that another brake than this one holds all the same."""
    brand = select(Account.brand_id).where(Account.id == Delivery.account_id).scalar_subquery()
    stops = or_(and_(Delivery.is_answer, Brake.stops_answers), and_(not_(Delivery.is_answer), Brake.stops_posts))
    covers = or_(
        Brake.scope == "all",
        and_(Brake.scope == "brand", Brake.scope_id == brand),
        and_(Brake.scope == "account", Brake.scope_id == Delivery.account_id),
    )
    marked = select(Post.id).where(Post.id == Delivery.post_id, Post.goes_on).exists()
    others = select(Brake.id).where(
        Brake.lifted_at.is_(None), Brake.id != but.id, stops, covers, or_(not_(Brake.spares), not_(marked))
    )
    return others.exists()
