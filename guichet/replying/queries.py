"""Answers to many, as far as the reader may see the conversations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from guichet.delivery.states import State as DeliveryState
from guichet.errors import NotFound
from guichet.models import Account, BulkReply, BulkReplyRow, Delivery
from guichet.policy import Action, Actor, require_somewhere, visible
from guichet.replying import rules

_S = DeliveryState
# How a planned row goes, by the state of what is to be sent.
_GOES: Mapping[str, str] = {
    _S.AWAITING_APPROVAL: "to_approve",
    _S.SENDING: "sending", _S.UNKNOWN: "sending", _S.RECONCILING: "sending",
    _S.NEEDS_HUMAN: "needs_you", _S.PUBLISHED: "sent", _S.FAILED: "failed", _S.CANCELLED: "called_off",
}  # fmt: skip
_STANDING = (BulkReplyRow.state, BulkReplyRow.excluded, BulkReplyRow.is_out)
ROW_STATES = (
    "ready", "kept_back", "out", "queued", "waiting", "to_approve", "sending", "sent", "needs_you", "failed",
    "called_off", "refused", "stopped",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """`state`: one of ROW_STATES. `why`: what the delivery says of it."""

    row: BulkReplyRow
    state: str
    why: str = ""


@dataclass(frozen=True)
class Progress:
    """How many rows are in each of ROW_STATES; `alike`: by network, how often the same text would
    be read there."""

    states: Mapping[str, int] = field(default_factory=dict)
    alike: Mapping[str, int] = field(default_factory=dict)


def get_bulk(session: Session, actor: Actor, bulk_id: int) -> BulkReply:
    """Its author's, or on an account whose conversations the actor may answer. Raises NotFound."""
    found = session.scalar(select(BulkReply).where(BulkReply.id == bulk_id, _seen_by(actor)))
    if found is None:
        raise NotFound("there is no such answer to many")
    return found


def list_bulks(session: Session, actor: Actor, limit: int = 20) -> Sequence[BulkReply]:
    """The newest first."""
    require_somewhere(actor, Action.CONVERSATION_VIEW)
    return session.scalars(select(BulkReply).where(_seen_by(actor)).order_by(BulkReply.id.desc()).limit(limit)).all()


def get_row(session: Session, actor: Actor, bulk: BulkReply, row_id: int) -> BulkReplyRow:
    require_somewhere(actor, Action.CONVERSATION_VIEW)
    found = session.scalar(
        select(BulkReplyRow).where(
            BulkReplyRow.id == row_id, BulkReplyRow.bulk_id == bulk.id,
            visible(actor, BulkReplyRow.account_id, Action.CONVERSATION_VIEW),
        )
    )  # fmt: skip
    if found is None:
        raise NotFound("there is no such row")
    return found


def list_rows(session: Session, actor: Actor, bulk: BulkReply, *, after: int = -1, limit: int = 100) -> list[Row]:
    """In their order, behind position `after`; one more than `limit` where there are more."""
    require_somewhere(actor, Action.CONVERSATION_VIEW)
    wanted = (
        select(BulkReplyRow, Delivery.state, Delivery.reason)
        .outerjoin(Delivery, Delivery.message_id == BulkReplyRow.message_id)
        .where(BulkReplyRow.bulk_id == bulk.id, BulkReplyRow.position > after)
        .where(visible(actor, BulkReplyRow.account_id, Action.CONVERSATION_VIEW))
        .order_by(BulkReplyRow.position)
        .limit(limit + 1)
    )
    return [Row(row, state_of(row, going), row.reason or why or "") for row, going, why in session.execute(wanted)]


def read_progress(session: Session, actor: Actor, bulk: BulkReply) -> Progress:
    require_somewhere(actor, Action.CONVERSATION_VIEW)
    wanted = (
        select(*_STANDING, BulkReplyRow.said, Delivery.state, Account.network)
        .join(Account, Account.id == BulkReplyRow.account_id)
        .outerjoin(Delivery, Delivery.message_id == BulkReplyRow.message_id)
        .where(BulkReplyRow.bulk_id == bulk.id)
        .where(visible(actor, BulkReplyRow.account_id, Action.CONVERSATION_VIEW))
    )
    states: dict[str, int] = {}
    said = []
    for state, excluded, is_out, text, going, network in session.execute(wanted):
        stands = _state_of(state, excluded, is_out, going)
        states[stands] = states.get(stands, 0) + 1
        if stands not in ("kept_back", "out", "refused", "stopped") and text:
            said.append((network, text))
    return Progress(states, rules.most_alike(said))


def state_of(row: BulkReplyRow, going: str | None) -> str:
    """One of ROW_STATES. `going`: the state of what is to be sent; None: there is nothing (any more)."""
    return _state_of(row.state, row.excluded, row.is_out, going)


def _state_of(state: str, excluded: str, is_out: bool, going: str | None) -> str:
    if state == "planned":
        return _GOES.get(going, "waiting") if going is not None else "called_off"
    if state == "stopping":  # it is called off within seconds
        return "stopped"
    if state != "ready":
        return state
    return "out" if is_out else "kept_back" if excluded else "ready"


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    answered = visible(actor, BulkReplyRow.account_id, Action.CONVERSATION_ANSWER)
    concerned = exists().where(BulkReplyRow.bulk_id == BulkReply.id, answered)
    return or_(BulkReply.staff_id == actor.staff_id, concerned & (BulkReply.state != "draft"))
