"""What we do at the network with a customer's message: like it, hide it, and take that back.

Each is a delivery of its own, under the same promises as an answer: it is asked for once however
often somebody presses, waits for a brake, and may be repeated without harm. What the message
shows follows from what the network accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select
from sqlalchemy.orm import Session, aliased

from channels.contract import ChannelSpec, Surface, Target
from channels.sentences import say
from guichet import audit, live
from guichet.delivery import operations as delivering
from guichet.delivery.payload import freeze
from guichet.delivery.states import EDITABLE, FINAL, OPPOSITES
from guichet.delivery.states import State as DeliveryState
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import handling
from guichet.inbox.changes import Change, changing
from guichet.models import Account, Conversation, Delivery, Identity, Message
from guichet.policy import Action, Actor, can, require

# What is asked for, by what shows it: like and unlike are two sides of one thing.
SIDES = {"like": ("like", "unlike"), "hide": ("hide", "unhide")}
_SIDE = {kind: side for side, kinds in SIDES.items() for kind in kinds}
_PUBLIC = frozenset({"mention", "reply", "quote"})
_SWEEP, _BATCH = timedelta(days=2), 500


@dataclass(frozen=True)
class Standing:
    """How one side stands. `state`: none, pending (asked for and not settled), done, refused."""

    state: str
    reason: Any = ""


def right_to(side: str) -> Action:
    """Who answers may like; what everybody stops seeing is decided by who may publish."""
    return Action.CONVERSATION_ANSWER if side == "like" else Action.POST_PUBLISH


def offered(spec: ChannelSpec, actor: Actor, conversation: Conversation) -> list[str]:
    """The sides that the network knows and the actor may use here."""
    knows = {"like": spec.can_like, "hide": spec.can_hide}
    public = conversation.surface == Surface.PUBLIC
    if not public or actor.is_reviewed:
        return []
    return [side for side in SIDES if knows[side] and can(actor, right_to(side), conversation)]


def act(
    session: Session,
    actor: Actor,
    conversation: Conversation,
    message_id: int,
    kind: str,
    spec: ChannelSpec,
    now: datetime,
    *,
    rule_id: int | None = None,
) -> Message:
    """Ask the network for `kind` (like, unlike, hide, unhide). What stands so already, or is
    on its way, is not asked for again; the opposite that has not gone out yet is called off.
    `rule_id`: it is a rule's act. Raises NotFound, Invalid where the network cannot, Conflict while
    the opposite is going out."""
    side = _SIDE[kind]
    require(actor, right_to(side), conversation)
    if actor.is_reviewed:
        raise NotAllowed("a colleague must approve what you do on the outside: ask one to do this")
    message = session.get(Message, message_id)
    if message is None or message.conversation_id != conversation.id:
        raise NotFound("there is no such message, or it is not yours to see")
    _require_possible(message, side, spec)
    with changing(session, actor, conversation, now, "message"):
        session.refresh(message)
        newest = _newest(session, message, side)
        if newest is not None and newest.state not in FINAL:
            if newest.kind == kind:
                return message
            if newest.state not in (*EDITABLE, DeliveryState.CLAIMED, DeliveryState.NEEDS_HUMAN):
                raise Conflict(
                    "the network has not answered what was asked before: wait a moment", code="too_late",
                    current=newest.state,
                )  # fmt: skip
            delivering.call_off(session, actor, newest, now)
        is_done = (message.liked_at if side == "like" else message.hidden_at) is not None
        if is_done is not (kind == side):
            _ask(session, actor, conversation, message, kind, now)
        by = {} if rule_id is None else {"rule_id": rule_id}
        audit.record(session, actor, f"message.{kind}", message, now, **by)
        live.tell(
            session, "message", now, account_id=message.account_id, id=message.id, conversation_id=conversation.id
        )  # fmt: skip
    return message


def can_hide(message: Message, spec: ChannelSpec) -> bool:
    """Whether the network lets us hide this message."""
    try:
        _require_possible(message, "hide", spec)
    except Invalid:
        return False
    return True


def _require_possible(message: Message, side: str, spec: ChannelSpec) -> None:
    is_known = spec.can_like if side == "like" else spec.can_hide
    if message.direction != "in" or message.kind not in _PUBLIC or message.deleted_at or not message.remote_id:
        raise Invalid("this can be done with what a customer wrote in public", code="cannot_act")
    if not is_known:
        raise Invalid(say("{title} does not let us do this", title=spec.title), code="cannot_act")
    if side == "hide" and message.kind != "reply":
        raise Invalid("only what answers a post of ours can be hidden", code="cannot_act")


def _ask(
    session: Session, actor: Actor, conversation: Conversation, message: Message, kind: str, now: datetime
) -> None:
    identity = session.get_one(Identity, message.identity_id)
    home = session.get_one(Conversation, message.came_to_id or conversation.id)
    target = Target(
        message.remote_id or "", identity.remote_id, identity.handle, home.thread_root, Surface.PUBLIC, message.context
    )
    delivering.create(
        session, actor, account=session.get_one(Account, message.account_id), kind=kind,
        payload=freeze(text="", surface=Surface.PUBLIC, reply_to=target), due_at=now, now=now,
        conversation_id=conversation.id, is_answer=kind in SIDES["like"], target_remote_id=message.remote_id,
    )  # fmt: skip


def _newest(session: Session, message: Message, side: str, *states: DeliveryState) -> Delivery | None:
    return session.scalars(
        select(Delivery)
        .where(Delivery.account_id == message.account_id, Delivery.target_remote_id == message.remote_id)
        .where(Delivery.conversation_id == message.conversation_id, Delivery.kind.in_(SIDES[side]))
        .where(Delivery.state.in_(states or tuple(DeliveryState)))
        .order_by(Delivery.id.desc())
        .limit(1)
    ).one_or_none()


def standing_of(session: Session, messages: Sequence[Message]) -> dict[int, dict[str, Standing]]:
    """How each of these messages stands, by its id and by side; in one query."""
    ours = {m.remote_id: m for m in messages if m.direction == "in" and m.remote_id}
    found = {
        m.id: {"like": Standing("done" if m.liked_at else "none"), "hide": Standing("done" if m.hidden_at else "none")}
        for m in messages
    }
    if not ours:
        return found
    rows = session.scalars(
        select(Delivery)
        .where(Delivery.conversation_id.in_({m.conversation_id for m in ours.values()}))
        .where(Delivery.kind.in_(_SIDE), Delivery.target_remote_id.in_(ours))
        .order_by(Delivery.id)
    )
    for delivery in rows:
        message = ours[delivery.target_remote_id or ""]
        side = _SIDE[delivery.kind]
        plain = Standing("done" if (message.liked_at if side == "like" else message.hidden_at) else "none")
        if delivery.state in (DeliveryState.FAILED, DeliveryState.NEEDS_HUMAN):
            found[message.id][side] = Standing("refused", delivery.reason)
        elif delivery.state in (DeliveryState.PUBLISHED, DeliveryState.CANCELLED):
            found[message.id][side] = plain
        else:
            found[message.id][side] = Standing("pending")
    return found


# ---------------------------------------------------------------- what became of it


def follow_act(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Let the message show what the network accepted or refused. Harmless when repeated; the newest
    word about a message counts."""
    message = session.scalars(
        select(Message).where(
            Message.account_id == delivery.account_id, Message.remote_id == delivery.target_remote_id,
            Message.direction == "in",
        )
    ).one_or_none()  # fmt: skip
    if message is None:
        return
    conversation = session.get_one(Conversation, message.conversation_id)
    with changing(session, actor, conversation, now, "message") as change:
        session.refresh(message)
        accepted = _newest(session, message, _SIDE[delivery.kind], DeliveryState.PUBLISHED)
        if accepted is not None and accepted.id == delivery.id:
            _show(change, message, delivery.kind)
        live.tell(
            session, "message", now, account_id=message.account_id, id=message.id, conversation_id=conversation.id
        )  # fmt: skip


def _show(change: Change, message: Message, kind: str) -> None:
    if kind in SIDES["like"]:
        message.liked_at = change.now if kind == "like" else None
        return
    if (message.hidden_at is not None) is (kind == "hide"):
        return
    message.hidden_at = change.now if kind == "hide" else None
    change.event("hidden" if kind == "hide" else "unhidden", message_id=message.id)
    change.session.flush()
    if kind == "unhide":
        handling.shown_again(change)
    elif not _is_anything_left(change.session, message):
        handling.put_out_of_sight(change)


def _is_anything_left(session: Session, message: Message) -> bool:
    """Whether the customer waits for more than what is hidden."""
    left = select(Message.id).where(
        Message.conversation_id == message.conversation_id, Message.direction == "in",
        Message.wait_id == message.wait_id, Message.hidden_at.is_(None), Message.deleted_at.is_(None),
    )  # fmt: skip
    return message.wait_id is None or session.scalars(left.limit(1)).one_or_none() is not None


def follow_acts(session: Session, actor: Actor, now: datetime) -> int:
    """Follow what settled lately and was missed (whoever settled it was killed); returns how many."""
    same = and_(Message.account_id == Delivery.account_id, Message.remote_id == Delivery.target_remote_id)
    missing = or_(
        and_(Delivery.kind == "like", Message.liked_at.is_(None)),
        and_(Delivery.kind == "unlike", Message.liked_at.is_not(None)),
        and_(Delivery.kind == "hide", Message.hidden_at.is_(None)),
        and_(Delivery.kind == "unhide", Message.hidden_at.is_not(None)),
    )
    later = aliased(Delivery)
    is_last = ~exists().where(
        later.account_id == Delivery.account_id, later.target_remote_id == Delivery.target_remote_id,
        later.conversation_id == Delivery.conversation_id, later.id > Delivery.id,
        later.state == DeliveryState.PUBLISHED, _side_of(later.kind) == _side_of(Delivery.kind),
    )  # fmt: skip
    missed = session.scalars(
        select(Delivery)
        .join(Message, same)
        .where(Delivery.kind.in_(OPPOSITES), Delivery.state == DeliveryState.PUBLISHED)
        .where(Delivery.updated_at > now - _SWEEP, missing, is_last)
        .order_by(Delivery.id)
        .limit(_BATCH)
    ).all()
    for delivery in missed:
        follow_act(session, actor, delivery, now)
    return len(missed)


def _side_of(kind: Any) -> ColumnElement[str]:
    return case((kind.in_(SIDES["like"]), "like"), else_="hide")
