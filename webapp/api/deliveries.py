"""Deliveries: what goes out, how it stands, and what a person decides about it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from guichet import jobs
from guichet.delivery import deciding, operations
from guichet.errors import NotFound
from guichet.models import Account, Attempt
from guichet.models import Delivery as DeliveryRow
from guichet.policy import Action, require, visible
from guichet.publishing.amending import amend
from guichet.publishing.cancelling import cancel_one
from guichet.publishing.handing_over import adopt
from guichet.receiving import operations as receiving
from webapp.api.briefs import Names
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import IdPath, Page
from webapp.api.schemas.publishing import (
    AttemptOut,
    DeliveriesDecide,
    DeliveriesDecided,
    Delivery,
    DeliveryAmend,
    DeliveryDecide,
    DeliveryDecided,
    DeliveryDetail,
    DeliveryQuery,
)
from webapp.asking import Asked, Room

room = Room("deliveries")


@room.get("/deliveries", Page[Delivery])
def list_deliveries(asked: Asked, query: DeliveryQuery) -> Page[Delivery]:
    """What goes out or went out, newest first."""
    wanted = select(DeliveryRow).where(visible(asked.actor, DeliveryRow.account_id))
    start = after(query.cursor)
    if start:
        wanted = wanted.where(DeliveryRow.id < start)
    if query.state:
        wanted = wanted.where(DeliveryRow.state.in_(query.state))
    if query.account_id:
        wanted = wanted.where(DeliveryRow.account_id.in_(query.account_id))
    if query.post_id:
        wanted = wanted.where(DeliveryRow.post_id == query.post_id)
    if query.conversation_id:
        wanted = wanted.where(DeliveryRow.conversation_id == query.conversation_id)
    rows = asked.session.scalars(wanted.order_by(DeliveryRow.id.desc()).limit(query.limit + 1)).all()
    names = Names(asked.session).load(accounts=[r.account_id for r in rows])
    return page_by_id(rows, query.limit, lambda row: show_delivery(row, names))


@room.get("/deliveries/<int:id>", DeliveryDetail)
def get_delivery(asked: Asked, path: IdPath) -> DeliveryDetail:
    """One delivery with every attempt and its evidence."""
    return show_detail(find(asked, path.id), Names(asked.session))


@room.post("/deliveries/<int:id>/resolve", DeliveryDetail, scope="publish")
def resolve_delivery(asked: Asked, path: IdPath, body: DeliveryDecide) -> DeliveryDetail:
    """Decide about one that needs a person: link it, send it again, drop it."""
    row = find(asked, path.id)
    operations.decide(
        asked.session, asked.actor, row, body.choice, asked.now, remote_id=body.remote_id, url=body.url,
        reason=body.reason,
    )  # fmt: skip
    return _settled(asked, row)


@room.post("/deliveries/resolve", DeliveriesDecided, scope="publish", own_units=True)
def resolve_deliveries(asked: Asked, body: DeliveriesDecide) -> DeliveriesDecided:
    """Decide the same about several that need a person, each as it was seen: what is another by
    now, or not one's to decide, stays as it is and says why; the others are done."""
    seen = [deciding.Seen(one.id, one.generation, one.remote_id, one.url) for one in body.deliveries]
    deciding.require_settleable(asked.actor, body.choice, seen)
    items = [_decide_one(asked, body, one) for one in seen]
    return DeliveriesDecided(done=sum(one.done for one in items), items=items)


def _decide_one(asked: Asked, body: DeliveriesDecide, one: deciding.Seen) -> DeliveryDecided:
    with asked.runtime.unit() as unit:
        found = deciding.decide_one(unit.session, asked.actor, body.choice, one, asked.now, body.reason)
        if found.delivery is not None and found.delivery.message_id is not None:
            receiving.follow_delivery(unit.session, asked.actor, found.delivery, asked.now)
        unit.enqueue(jobs.DRAIN)
    refused = found.refused
    return DeliveryDecided(
        delivery_id=one.delivery_id, done=refused is None, code=refused.code if refused else None,
        reason=refused.message if refused else "",
    )  # fmt: skip


@room.post("/deliveries/<int:id>/retry", DeliveryDetail, scope="publish")
def retry_delivery(asked: Asked, path: IdPath) -> DeliveryDetail:
    """Send one that failed once more."""
    row = find(asked, path.id)
    operations.retry(asked.session, asked.actor, row, asked.now)
    return _settled(asked, row)


@room.post("/deliveries/<int:id>/cancel", DeliveryDetail, scope="publish")
def cancel_delivery(asked: Asked, path: IdPath) -> DeliveryDetail:
    """Do not send it; if it may be out already, it is taken down when found."""
    row = find(asked, path.id)
    cancel_one(asked.session, asked.actor, row, asked.now)
    return _settled(asked, row)


@room.post("/deliveries/<int:id>/take-over", DeliveryDetail, scope="publish")
def take_over_delivery(asked: Asked, path: IdPath) -> DeliveryDetail:
    """Let it go out in one's own right: whoever planned it has left or lost theirs."""
    row = find(asked, path.id)
    adopt(asked.session, asked.actor, row, asked.now)
    return _settled(asked, row)


@room.post("/deliveries/<int:id>/take-down", DeliveryDetail, scope="publish")
def take_down_delivery(asked: Asked, path: IdPath) -> DeliveryDetail:
    """Delete at the network what was published; the answer is the deletion's own delivery."""
    row = find(asked, path.id)
    account = asked.session.get_one(Account, row.account_id)
    return _settled(asked, operations.take_down(asked.session, asked.actor, row, account, asked.now))


@room.post("/deliveries/<int:id>/amend", DeliveryDetail, scope="publish")
def amend_delivery(asked: Asked, path: IdPath, body: DeliveryAmend) -> DeliveryDetail:
    """Change at the network what was published; the answer is the change's own delivery."""
    row = find(asked, path.id)
    account = asked.session.get_one(Account, row.account_id)
    return _settled(
        asked, amend(asked.session, asked.actor, row, account, body.text, asked.spec(account.network), asked.now)
    )


def find(asked: Asked, delivery_id: int) -> DeliveryRow:
    """Raises NotFound, also for one of an account that the actor may not see."""
    row = asked.session.get(DeliveryRow, delivery_id, options=[selectinload(DeliveryRow.attempts)])
    if row is None:
        raise NotFound("there is no such delivery, or it is not yours to see")
    require(asked.actor, Action.ACCOUNT_VIEW, row)
    return row


def _settled(asked: Asked, row: DeliveryRow) -> DeliveryDetail:
    asked.session.flush()
    if row.message_id is not None:
        receiving.follow_delivery(asked.session, asked.actor, row, asked.now)
    asked.unit.enqueue(jobs.DRAIN)
    return show_detail(row, Names(asked.session))


def show_delivery(row: DeliveryRow, names: Names) -> Delivery:
    return Delivery(**_facts(row, names))


def show_detail(row: DeliveryRow, names: Names) -> DeliveryDetail:
    return DeliveryDetail(**_facts(row, names), attempts=show_attempts(row.attempts))


def show_attempts(rows: Sequence[Attempt]) -> list[AttemptOut]:
    return [AttemptOut(**{name: getattr(a, name) for name in AttemptOut.model_fields}) for a in rows]


def _facts(row: DeliveryRow, names: Names) -> dict[str, object]:
    return {
        "id": row.id,
        "kind": row.kind,
        "item": row.item,
        "state": row.state,
        "account": names.account(row.account_id),
        "post_id": row.post_id,
        "conversation_id": row.conversation_id,
        "text": str(row.payload.get("text", "")),
        "due_at": row.due_at,
        "sent_at": row.accepted_at,
        "late_by_seconds": row.lateness_ms / 1000 if row.lateness_ms is not None else None,
        "remote_url": row.remote_url or None,
        "reason_code": row.reason_code or None,
        "reason": row.reason or None,
        "generation": row.generation,
        "withdraw": row.withdraw,
        "not_linked": [str(handle) for handle in row.remote_context.get("unlinked", ())],
    }
