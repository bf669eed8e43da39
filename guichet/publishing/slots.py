"""An account's week of slots, and which of its moments are still free.

Changing the week moves nothing that is scheduled: a post keeps the time it was given.
Free is a moment at which no post stands on the account, wherever its time came from;
drafts stand nowhere yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.errors import Invalid
from guichet.models import Account, Post, PostTarget, Slot
from guichet.policy import Action, Actor, require, visible
from guichet.publishing.openings import Opening, WeekSlot, good_week, openings_of

LONGEST_LOOK = timedelta(days=62)
STANDING = ("awaiting_approval", "scheduled", "done")  # a post in these states takes its moment


def set_slots(session: Session, actor: Actor, account: Account, week: Sequence[WeekSlot], now: datetime) -> None:
    """Make these the account's slots, in place of all it had. Raises Invalid."""
    require(actor, Action.ACCOUNT_MANAGE, account)
    wanted = good_week(week)
    session.execute(delete(Slot).where(Slot.account_id == account.id))
    session.add_all(Slot(account_id=account.id, weekday=s.weekday, at=s.at, label=s.label) for s in wanted)
    session.flush()
    audit.record(session, actor, "account.slots", account, now, slots=len(wanted))
    live.tell(session, "account", now, account_id=account.id, id=account.id, state=account.state)


def weeks_of(session: Session, actor: Actor, account_ids: Iterable[int]) -> dict[int, list[WeekSlot]]:
    """The slots of the accounts that the actor sees, in the order of the week."""
    rows = session.scalars(
        select(Slot)
        .where(Slot.account_id.in_(list(account_ids)), visible(actor, Slot.account_id))
        .order_by(Slot.account_id, Slot.weekday, Slot.at)
    )
    found: dict[int, list[WeekSlot]] = {}
    for row in rows:
        found.setdefault(row.account_id, []).append(WeekSlot(row.weekday, row.at, row.label))
    return found


def openings(
    session: Session, actor: Actor, accounts: Sequence[Account], since: datetime, until: datetime
) -> list[Opening]:
    """Every moment of these accounts' slots from `since` up to `until`, earliest first, with
    the post that stands there. Raises Invalid for more than two months at once."""
    if until - since > LONGEST_LOOK:
        raise Invalid("ask for two months at most", {"until": "is too far from since"})
    weeks = weeks_of(session, actor, [a.id for a in accounts])
    found = [
        opening
        for account in accounts
        for opening in openings_of(account.id, weeks.get(account.id, ()), account.time_zone, since, until)
    ]
    taken = taken_of(session, actor, found)
    return [
        replace(o, post_id=taken.get((o.account_id, o.at))) for o in sorted(found, key=lambda o: (o.at, o.account_id))
    ]


def free_openings(
    session: Session, actor: Actor, accounts: Sequence[Account], since: datetime, until: datetime
) -> Mapping[int, list[Opening]]:
    """What is free of them, by account, earliest first."""
    free: dict[int, list[Opening]] = {a.id: [] for a in accounts}
    for opening in openings(session, actor, accounts, since, until):
        if opening.post_id is None:
            free[opening.account_id].append(opening)
    return free


def taken_of(session: Session, actor: Actor, found: Sequence[Opening]) -> dict[tuple[int, datetime], int]:
    """The post that stands at each of these moments, by account and moment; whatever its time came from."""
    if not found:
        return {}
    moments = [o.at for o in found]
    rows = session.execute(
        select(PostTarget.account_id, Post.due_at, Post.id)
        .join(Post, Post.id == PostTarget.post_id)
        .where(
            PostTarget.account_id.in_({o.account_id for o in found}),
            visible(actor, PostTarget.account_id),
            Post.due_at.between(min(moments), max(moments)),
            Post.state.in_(STANDING),
        )
    )
    return {(account_id, due_at): post_id for account_id, due_at, post_id in rows if due_at is not None}
