"""Setting queues up. Who publishes on all of a queue's accounts decides about it; what it plans
goes out in the right of those who wrote its posts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.errors import Conflict, Invalid, NotFound
from guichet.evergreen.reading import PLANNED, stock_of
from guichet.evergreen.rules import ORDERINGS
from guichet.models import Account, Brand, EvergreenAccount, EvergreenQueue, EvergreenUse, Post
from guichet.policy import Action, Actor, require
from guichet.publishing.allowed import is_editable
from guichet.publishing.chains import open_deliveries_of
from guichet.publishing.openings import WeekSlot, good_week
from guichet.publishing.operations import cancel
from guichet.publishing.tags import fold

LONGEST_NAME = 60
MOST_REST, MOST_AHEAD = 366, 60  # days
_ANEW = frozenset({"account_ids", "label", "week"})  # a change of these plans everything anew


@dataclass(frozen=True)
class Setting:
    """How a queue is set. `week`: its own slots, instead of those of the accounts with `label`."""

    name: str
    account_ids: tuple[int, ...]
    label: str = ""
    week: tuple[WeekSlot, ...] = ()
    ordering: str = "listed"
    rest_days: int = 30
    horizon_days: int = 7
    is_paused: bool = False


def setting_of(queue: EvergreenQueue) -> Setting:
    """How it is set now."""
    week = tuple(WeekSlot(int(s["weekday"]), str(s["at"])) for s in queue.week)
    return Setting(
        queue.name, tuple(sorted(a.account_id for a in queue.accounts)), queue.label, week, queue.ordering,
        queue.rest_days, queue.horizon_days, queue.is_paused,
    )  # fmt: skip


def create_queue(session: Session, actor: Actor, brand: Brand, wanted: Setting, now: datetime) -> EvergreenQueue:
    """A new queue of a brand. Raises Invalid by field, Conflict `exists`, NotFound."""
    _require_deciding(actor, wanted.account_ids)
    queue = EvergreenQueue(brand_id=brand.id, name="", folded="", created_at=now)
    _set(session, queue, wanted)
    session.add(queue)
    session.flush()
    audit.record(session, actor, "evergreen.add", queue, now, accounts=list(wanted.account_ids))
    tell(session, queue, now)
    return queue


def change_queue(
    session: Session, actor: Actor, queue: EvergreenQueue, wanted: Setting, now: datetime
) -> Mapping[str, Any]:
    """Set it so; returns what is otherwise now. Where it fills other slots, and where it is
    paused, what it planned and has not begun is called off; what was changed or moved by
    itself stays. Raises as `create_queue`."""
    before = setting_of(queue)
    _require_deciding(actor, {*before.account_ids, *wanted.account_ids})
    was, is_ = asdict(before), asdict(wanted)
    changed = {name: value for name, value in is_.items() if value != was[name]}
    if not changed:
        return {}
    _set(session, queue, wanted)
    if changed.keys() & _ANEW or wanted.is_paused:
        withdraw(session, actor, stock_of(session, actor, queue).ids, now)
    if "is_paused" in changed:
        queue.filled_until = None  # what passes while it rests is not missed
    queue.looked_at = None
    session.flush()
    audit.record(session, actor, "evergreen.change", queue, now, fields=sorted(changed))
    tell(session, queue, now)
    return changed


def remove_queue(session: Session, actor: Actor, queue: EvergreenQueue, now: datetime) -> None:
    """End it, and call off what it planned. What went out stays, and is known to be of it."""
    _require_deciding(actor, [a.account_id for a in queue.accounts])
    withdraw(session, actor, stock_of(session, actor, queue).ids, now)
    queue.removed_at = now
    session.flush()
    audit.record(session, actor, "evergreen.remove", queue, now)
    tell(session, queue, now)


def withdraw(
    session: Session, actor: Actor, item_ids: Collection[int], now: datetime,
    stays: Callable[[Post], bool] | None = None,
) -> None:  # fmt: skip
    """Call off what is planned of these items, has not begun and was not changed or moved by
    itself (`stays` spares others); its slots are free again."""
    wanted = select(Post).where(
        Post.evergreen_id.in_(item_ids), Post.wording_id.is_not(None), Post.state.in_(PLANNED),
        Post.is_exception.is_(False), Post.due_at > now,
    )  # fmt: skip
    planned = [p for p in session.scalars(wanted.order_by(Post.id)) if stays is None or not stays(p)]
    posts = [p for p in planned if is_editable(p, open_deliveries_of(session, p))]
    for post in posts:
        cancel(session, actor, post, now)
    session.execute(delete(EvergreenUse).where(EvergreenUse.post_id.in_([p.id for p in posts])))


def require_deciding(actor: Actor, queue: EvergreenQueue) -> None:
    """Raises NotAllowed for who does not publish on all of the queue's accounts."""
    _require_deciding(actor, [a.account_id for a in queue.accounts])


def tell(session: Session, queue: EvergreenQueue, now: datetime) -> None:
    """Say that a queue changed, to those who see one of its accounts."""
    for account in queue.accounts:
        live.tell(session, "evergreen", now, account_id=account.account_id, id=queue.id)


def _require_deciding(actor: Actor, account_ids: Iterable[int]) -> None:
    for account_id in account_ids:
        require(actor, Action.POST_PUBLISH, account_id)


def _set(session: Session, queue: EvergreenQueue, wanted: Setting) -> None:
    name, wrong = " ".join(wanted.name.split()), _wrong(wanted)
    if wrong:
        raise Invalid("a queue cannot be set so", wrong)
    _require_own(session, queue.brand_id, wanted.account_ids)
    same = select(EvergreenQueue.id).where(
        EvergreenQueue.brand_id == queue.brand_id, EvergreenQueue.folded == fold(name),
        EvergreenQueue.removed_at.is_(None), EvergreenQueue.id != (queue.id or 0),
    )  # fmt: skip
    if session.scalars(same).first() is not None:
        raise Conflict(say("there is a queue “{name}” already", name=name), code="exists")
    queue.name, queue.folded, queue.label = name, fold(name), " ".join(wanted.label.split())
    queue.week = [{"weekday": s.weekday, "at": s.at} for s in good_week(wanted.week)]
    queue.ordering, queue.rest_days, queue.horizon_days = wanted.ordering, wanted.rest_days, wanted.horizon_days
    queue.is_paused = wanted.is_paused
    here = {a.account_id: a for a in queue.accounts}
    queue.accounts = [here.get(i) or EvergreenAccount(account_id=i) for i in sorted(set(wanted.account_ids))]


def _wrong(wanted: Setting) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 0 < len(" ".join(wanted.name.split())) <= LONGEST_NAME:
        wrong["name"] = say("must have 1 to {most} characters", most=LONGEST_NAME)
    if not wanted.account_ids:
        wrong["account_ids"] = say("name no account")
    if wanted.ordering not in ORDERINGS:
        wrong["ordering"] = say("must be one of {choices}", choices=", ".join(ORDERINGS))
    if not 0 <= wanted.rest_days <= MOST_REST:
        wrong["rest_days"] = say("must be from {least} to {most} days", least=0, most=MOST_REST)
    if not 1 <= wanted.horizon_days <= MOST_AHEAD:
        wrong["horizon_days"] = say("must be from {least} to {most} days", least=1, most=MOST_AHEAD)
    if wanted.week and wanted.label.strip():
        wrong["label"] = say("goes with the accounts’ slots, not with slots of its own")
    return wrong


def _require_own(session: Session, brand_id: int, account_ids: Sequence[int]) -> None:
    found = session.execute(select(Account.id, Account.brand_id).where(Account.id.in_(account_ids)))
    brands = dict(found.tuples().all())
    for account_id in account_ids:
        if account_id not in brands:
            raise NotFound("there is no such account, or it is not yours to see")
        if brands[account_id] != brand_id:
            raise Invalid("a queue is of one brand", {"account_ids": "name an account of another brand"})
