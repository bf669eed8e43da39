"""One answer to many: drafted, looked at row by row, sent at a pace, stopped.

Each answer is planned by the very operation that sends a single one (guichet.inbox.answering), for
a time of its own: what holds a planned answer back holds these back, and a colleague reads first
what a colleague must read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit
from guichet.delivery.postponing import postpone
from guichet.delivery.states import EDITABLE
from guichet.delivery.states import State as DeliveryState
from guichet.errors import Conflict, GuichetError, Invalid, NotAllowed
from guichet.inbox import operations as inbox
from guichet.inbox import pending
from guichet.inbox.pending import Later
from guichet.models import BulkReply, BulkReplyRow, Conversation, Delivery, Message, Staff
from guichet.policy import Action, Actor, can, load_actor, require, require_somewhere
from guichet.replying import looking, rules
from guichet.replying.looking import Around

_KEPT = timedelta(days=30)  # a draft that nobody sends
_OUT_OF_REACH = timedelta(days=1)  # longer than it ever takes to call them off
# An answer in these states surely has not begun to go out.
_CAN_STOP = (*EDITABLE, DeliveryState.CLAIMED)


def draft(
    session: Session,
    actor: Actor,
    conversations: Sequence[Conversation],
    *,
    variants: Sequence[str] = ("",),
    pace: int = 10,
    then_close: bool = False,
    around: Around,
    now: datetime,
) -> BulkReply:
    """Begin an answer to these conversations, in this order. Raises Invalid for none or too many,
    and for wordings or a pace that will not do."""
    require_somewhere(actor, Action.CONVERSATION_ANSWER)
    if actor.staff_id is None:
        raise Invalid("only a person can answer")
    ids = list(dict.fromkeys(one.id for one in conversations))
    if not 1 <= len(ids) <= rules.MOST_ROWS:
        raise Invalid(
            "that is not a number of conversations to answer at once",
            {"conversation_ids": say("must be from 1 to {most}", most=rules.MOST_ROWS)},
        )
    for one in conversations:
        require(actor, Action.CONVERSATION_VIEW, one)
    bulk = BulkReply(
        staff_id=actor.staff_id, variants=rules.checked_variants(variants), pace=rules.checked_pace(pace),
        then_close=then_close, created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(bulk)
    session.flush()
    accounts = {one.id: one.account_id for one in conversations}
    dealt = rules.deal([accounts[id_] for id_ in ids], len(bulk.variants))
    for position, (id_, variant) in enumerate(zip(ids, dealt, strict=True)):
        session.add(
            BulkReplyRow(
                bulk_id=bulk.id, position=position, conversation_id=id_, account_id=accounts[id_], variant=variant
            )
        )
    session.flush()
    looking.look(session, actor, bulk, _rows(session, bulk), around, now, anew=True)
    audit.record(session, actor, "bulk_reply.draft", bulk, now, conversations=len(ids))
    return bulk


def change(
    session: Session,
    actor: Actor,
    bulk: BulkReply,
    *,
    variants: Sequence[str] | None = None,
    pace: int | None = None,
    then_close: bool | None = None,
    around: Around,
    now: datetime,
) -> BulkReply:
    """Other wordings, another pace; None leaves what is. Every row is looked at again."""
    _require_own_draft(session, actor, bulk)
    if variants is not None:
        bulk.variants = rules.checked_variants(variants)
    if pace is not None:
        bulk.pace = rules.checked_pace(pace)
    if then_close is not None:
        bulk.then_close = then_close
    rows = _rows(session, bulk)
    _deal_anew(bulk, rows)
    looking.look(session, actor, bulk, rows, around, now, anew=False)
    _changed(bulk, now)
    return bulk


def look_again(session: Session, actor: Actor, bulk: BulkReply, around: Around, now: datetime) -> BulkReply:
    """Read every conversation anew: what was written meanwhile counts as seen from here on."""
    _require_own_draft(session, actor, bulk)
    looking.look(session, actor, bulk, _rows(session, bulk), around, now, anew=True)
    _changed(bulk, now)
    return bulk


def change_row(
    session: Session,
    actor: Actor,
    bulk: BulkReply,
    row: BulkReplyRow,
    *,
    text: str | None,
    is_out: bool,
    around: Around,
    now: datetime,
) -> BulkReplyRow:
    """A wording of its own for one conversation (None: the one that it was dealt), or take it out."""
    _require_own_draft(session, actor, bulk)
    if text is not None and len(text) > rules.LONGEST:
        raise Invalid("this text is too long", {"text": say("must have at most {most} characters", most=rules.LONGEST)})
    row.text, row.is_out = text, is_out
    others = select(func.count()).where(
        BulkReplyRow.bulk_id == bulk.id, BulkReplyRow.account_id == row.account_id, BulkReplyRow.id != row.id,
        BulkReplyRow.excluded == "", BulkReplyRow.is_out.is_(False),
    )  # fmt: skip
    before = {row.account_id: session.scalar(others) or 0}
    looking.look(session, actor, bulk, [row], around, now, anew=False, before=before)
    _changed(bulk, now)
    return row


def send(
    session: Session, actor: Actor, bulk: BulkReply, *, version: int, undo_seconds: int, now: datetime
) -> BulkReply:  # fmt: skip
    """Let all rows go that nothing keeps back; none goes within `undo_seconds`. Sent twice it goes
    once. Raises Conflict `changed` where it is not what was looked at, Invalid where no row is left."""
    _require_own(actor, bulk)
    _lock(session, bulk)
    if bulk.state == "running":
        return bulk
    _require_draft(bulk)
    pending.due_at(undo_seconds, None, now)
    if bulk.version != version:
        raise Conflict("it was changed since you looked", code="changed", version=bulk.version)
    chosen = (
        update(BulkReplyRow)
        .where(BulkReplyRow.bulk_id == bulk.id, BulkReplyRow.excluded == "", BulkReplyRow.is_out.is_(False))
        .values(state="queued")
    )
    n = session.execute(chosen.execution_options(synchronize_session="fetch")).rowcount  # type: ignore[attr-defined]
    if not n:
        raise Invalid("there is nobody left to answer", {"rows": "every row is taken out or kept back"})
    bulk.state, bulk.sent_at, bulk.updated_at, bulk.undo_seconds = "running", now, now, undo_seconds
    audit.record(session, actor, "bulk_reply.send", bulk, now, rows=n, variants=len(bulk.variants), pace=bulk.pace)
    return bulk


def plan_lot(session: Session, actor: Actor, around: Around, now: datetime) -> int:
    """Plan the next lot of what was let go, each row whole or not at all. Returns how many rows were
    looked at; 0: nothing is left."""
    require(actor, Action.SYSTEM)
    first = (
        select(BulkReplyRow.bulk_id).where(BulkReplyRow.state == "queued").order_by(BulkReplyRow.bulk_id).limit(1)
    )  # fmt: skip
    bulk_id = session.scalar(first)
    if bulk_id is None:
        return 0
    bulk = session.get_one(BulkReply, bulk_id)
    _lock(session, bulk)  # one at a time plans it, and none while it is being stopped
    queued = (
        select(BulkReplyRow)
        .where(BulkReplyRow.bulk_id == bulk.id, BulkReplyRow.state == "queued")
        .order_by(BulkReplyRow.position)
        .limit(rules.LOT)
        .execution_options(populate_existing=True)
    )
    rows = session.scalars(queued).all()
    author = session.get_one(Staff, bulk.staff_id)
    try:
        writer = load_actor(session, author, now)
    except NotAllowed as refusal:
        for row in rows:
            row.state, row.reason = "refused", refusal.message
        return len(rows)
    at = _times(session, bulk, rows, now)
    conversations = looking.read_conversations(session, [row.conversation_id for row in rows])
    for row in sorted(rows, key=lambda one: one.conversation_id):  # who crosses never waits for the other
        conversation = conversations[row.conversation_id]
        try:
            with session.begin_nested():
                message = _plan(session, writer, author, bulk, row, conversation, around, at[row.id], now)
            row.state, row.message_id, row.planned_at = "planned", message.id, at[row.id]
        except GuichetError as refusal:
            row.state, row.reason = "refused", refusal.message
    session.flush()
    return len(rows)


def is_any_queued(session: Session, actor: Actor) -> bool:
    """Whether there is anything to plan or to call off."""
    require(actor, Action.SYSTEM)
    waiting = BulkReplyRow.state.in_(("queued", "stopping"))
    return session.scalar(select(BulkReplyRow.id).where(waiting).limit(1)) is not None


def stop(session: Session, actor: Actor, bulk: BulkReply, now: datetime) -> int:
    """Send nothing more of it, by its author or by whoever may answer on the accounts concerned:
    from here on nothing of it becomes due; each answer is then called off by itself, in lots
    (`settle_lot`). What has begun to go out goes, and what a person must decide stays theirs. Returns
    how many answers it keeps from going."""
    require_somewhere(actor, Action.CONVERSATION_ANSWER)
    _lock(session, bulk)
    if bulk.state != "running":
        raise Conflict("it is not on its way", code="not_possible_now", state=bulk.state)
    going = _going(session, bulk)
    stopped: list[BulkReplyRow] = []
    is_whole = True
    for row in _rows(session, bulk):
        if row.state != "queued" and row.id not in going:
            continue
        if not can(actor, Action.CONVERSATION_ANSWER, row.account_id):
            is_whole = False
            continue
        row.state = "stopped" if row.state == "queued" else "stopping"
        stopped.append(row)
    if not stopped and not is_whole:
        raise NotAllowed("you may answer on none of the accounts that are left")
    postpone(session, actor, [going[row.id] for row in stopped if row.id in going], now + _OUT_OF_REACH, now)
    bulk.stopped_by, bulk.updated_at = actor.staff_id, now
    if is_whole:
        bulk.state, bulk.stopped_at = "stopped", now
    session.flush()
    audit.record(session, actor, "bulk_reply.stop", bulk, now, stopped=len(stopped))
    return len(stopped)


def settle_lot(session: Session, actor: Actor, now: datetime) -> int:
    """Call off the next lot of what was stopped. Returns how many rows were looked at; 0: nothing is
    left."""
    require(actor, Action.SYSTEM)
    stopping = BulkReplyRow.state == "stopping"
    bulk_id = session.scalar(select(BulkReplyRow.bulk_id).where(stopping).order_by(BulkReplyRow.bulk_id).limit(1))
    if bulk_id is None:
        return 0
    bulk = session.get_one(BulkReply, bulk_id)
    _lock(session, bulk)
    wanted = select(BulkReplyRow).where(BulkReplyRow.bulk_id == bulk.id, stopping).order_by(BulkReplyRow.position)
    rows = session.scalars(wanted.limit(rules.LOT).execution_options(populate_existing=True)).all()
    stopper = _whoever_stopped(session, actor, bulk, now)
    for row in sorted(rows, key=lambda one: one.conversation_id):  # who crosses never waits for the other
        # Whoever said so had the right then; what they lost since keeps no answer going.
        able = stopper if can(stopper, Action.CONVERSATION_ANSWER, row.account_id) else actor
        row.state = "stopped" if _call_off(session, able, row, now) else "planned"
    session.flush()
    return len(rows)


def _whoever_stopped(session: Session, actor: Actor, bulk: BulkReply, now: datetime) -> Actor:
    """They had the right when they said so; who has left since is stood in for."""
    staff = session.get(Staff, bulk.stopped_by)
    return actor if staff is None or staff.disabled_at is not None else load_actor(session, staff, now)


def discard(session: Session, actor: Actor, bulk: BulkReply, now: datetime) -> None:
    """Throw a draft of one's own away."""
    _require_own_draft(session, actor, bulk)
    session.execute(delete(BulkReplyRow).where(BulkReplyRow.bulk_id == bulk.id))
    session.delete(bulk)
    audit.record(session, actor, "bulk_reply.discard", ("bulk_reply", bulk.id), now)


def forget_old_drafts(session: Session, actor: Actor, now: datetime) -> int:
    """Drafts that nobody touched for long go; what was sent stays as a record. Returns how many."""
    require(actor, Action.SYSTEM)
    old = session.scalars(
        select(BulkReply.id).where(BulkReply.state == "draft", BulkReply.updated_at < now - _KEPT).limit(100)
    ).all()
    if old:
        session.execute(delete(BulkReplyRow).where(BulkReplyRow.bulk_id.in_(old)))
        session.execute(delete(BulkReply).where(BulkReply.id.in_(old)))
    return len(old)


def _plan(
    session: Session,
    writer: Actor,
    author: Staff,
    bulk: BulkReply,
    row: BulkReplyRow,
    conversation: Conversation,
    around: Around,
    at: datetime,
    now: datetime,
) -> Message:
    facts = looking.facts_of(session, writer, author, conversation, row, now, place=0)
    found = rules.exclusion(facts)
    if found is not None:
        raise Conflict(found[1], code=found[0])
    message = inbox.reply(
        session, writer, conversation, spec=around.specs[conversation.identity.network], text=row.said,
        seen_through=row.seen_through or 0, then_close=bulk.then_close,
        later=Later(at.strftime("%Y-%m-%dT%H:%M:%S"), "UTC", at), now=now,
    )  # fmt: skip
    message.context = {**message.context, "bulk_id": bulk.id}
    return message


def _times(
    session: Session, bulk: BulkReply, rows: Sequence[BulkReplyRow], now: datetime
) -> dict[int, datetime]:  # fmt: skip
    """When each goes. What else is planned on an account by answers to many goes before."""
    by_account: dict[int, list[BulkReplyRow]] = defaultdict(list)
    for row in rows:
        by_account[row.account_id].append(row)
    first = now + timedelta(seconds=max(1, bulk.undo_seconds))
    planned: dict[int, datetime] = {}
    for account_id, its in by_account.items():
        last = session.scalar(
            select(func.max(BulkReplyRow.planned_at)).where(
                BulkReplyRow.account_id == account_id, BulkReplyRow.state == "planned", BulkReplyRow.planned_at > now
            )
        )
        for row, at in zip(its, rules.times(bulk.pace, last, first, len(its)), strict=True):
            planned[row.id] = at
    return planned


def _call_off(session: Session, actor: Actor, row: BulkReplyRow, now: datetime) -> bool:
    """False: it has begun to go out, or somebody else was faster."""
    message = session.get_one(Message, row.message_id)
    conversation = session.get_one(Conversation, message.conversation_id)  # a merge may have moved it
    try:
        with session.begin_nested():
            inbox.cancel_planned(session, actor, conversation, message.id, now, gives_back=False)
    except GuichetError:
        return False
    return True


def _going(session: Session, bulk: BulkReply) -> dict[int, Delivery]:
    """What of it is planned and surely has not begun to go out, by row."""
    wanted = (
        select(BulkReplyRow.id, Delivery)
        .join(Delivery, Delivery.message_id == BulkReplyRow.message_id)
        .where(BulkReplyRow.bulk_id == bulk.id, BulkReplyRow.state == "planned", Delivery.state.in_(_CAN_STOP))
    )
    return dict(session.execute(wanted).tuples().all())


def _deal_anew(bulk: BulkReply, rows: Sequence[BulkReplyRow]) -> None:
    """What is taken out, or has a wording of its own, uses up no variant."""
    dealt = [row for row in rows if not row.is_out and row.text is None]
    variants = rules.deal([row.account_id for row in dealt], len(bulk.variants))
    for row, variant in zip(dealt, variants, strict=True):
        row.variant = variant


def _rows(session: Session, bulk: BulkReply) -> Sequence[BulkReplyRow]:
    wanted = select(BulkReplyRow).where(BulkReplyRow.bulk_id == bulk.id).order_by(BulkReplyRow.position)
    return session.scalars(wanted).all()


def _changed(bulk: BulkReply, now: datetime) -> None:
    bulk.version += 1
    bulk.updated_at = now


def _lock(session: Session, bulk: BulkReply) -> None:
    session.flush()
    session.refresh(bulk, with_for_update=True)


def _require_own(actor: Actor, bulk: BulkReply) -> None:
    require_somewhere(actor, Action.CONVERSATION_ANSWER)
    if actor.staff_id != bulk.staff_id:
        raise NotAllowed("only who began it changes and sends it")


def _require_own_draft(session: Session, actor: Actor, bulk: BulkReply) -> None:
    _require_own(actor, bulk)
    _lock(session, bulk)
    _require_draft(bulk)


def _require_draft(bulk: BulkReply) -> None:
    if bulk.state != "draft":
        raise Conflict("it was sent already", code="not_possible_now", state=bulk.state)
