"""What people, and the rooms above, do with deliveries. Nothing here talks to a network.

Each operation locks its row first: a worker that holds it is either beaten (what it
claimed is handed back, its start then finds another fence) or it has already started,
and then nothing is taken back silently: `withdraw` says that it must not stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.delivery.closing import close_post_of
from guichet.delivery.payload import awaits_film, freeze, payload_hash
from guichet.delivery.repeating import reopen
from guichet.delivery.states import EDITABLE, IDEMPOTENT, IN_DOUBT, KINDS, AttemptState, State, require_step, sources_of
from guichet.errors import Conflict, Invalid
from guichet.models import Account, Attempt, Decision, Delivery, Post
from guichet.policy import Action, Actor, require
from guichet.wording import in_words

CHOICES = ("link", "resend", "drop")


def create(
    session: Session,
    actor: Actor,
    *,
    account: Account,
    kind: str,
    payload: Mapping[str, Any],
    due_at: datetime,
    now: datetime,
    post_id: int | None = None,
    variant_id: int | None = None,
    item: int = 0,
    conversation_id: int | None = None,
    message_id: int | None = None,
    predecessor: Delivery | None = None,
    is_answer: bool = False,
    late_limit: int | None = None,
    target_remote_id: str | None = None,
    content_hash: str = "",
    awaits_approval: bool = False,
) -> Delivery:
    """Put one thing to send into the queue. `late_limit` in seconds after `due_at`: later
    than that a person is asked instead. With a `predecessor` it waits until that is out."""
    if kind not in KINDS:
        raise ValueError(f"there is no delivery of kind {kind!r}")
    if kind in IDEMPOTENT and not target_remote_id:
        raise ValueError(f"a delivery of kind {kind!r} needs the id of what it changes")
    delivery = Delivery(
        kind=kind, state=_first_state(predecessor, awaits_approval, due_at <= now),
        account_id=account.id, actor_id=actor.staff_id, post_id=post_id, variant_id=variant_id, item=item,
        conversation_id=conversation_id, message_id=message_id,
        predecessor_id=predecessor.id if predecessor else None, is_answer=is_answer,
        payload=dict(payload), payload_hash=payload_hash(payload), content_hash=content_hash,
        awaits_film=awaits_film(payload), target_remote_id=target_remote_id, created_at=now, updated_at=now,
        due_at=due_at, not_before=due_at, deadline_at=_deadline(due_at, late_limit),
    )  # fmt: skip
    require(actor, _right_to_plan(delivery), delivery)
    session.add(delivery)
    session.flush()
    audit.record(session, actor, "delivery.create", delivery, now, kind=kind, account_id=account.id)
    _tell(session, delivery, now)
    return delivery


def _first_state(predecessor: Delivery | None, awaits_approval: bool, is_due: bool) -> State:
    if awaits_approval:
        return State.AWAITING_APPROVAL
    if predecessor is not None:
        return State.BLOCKED  # also where that is published: filling in the receipt lets it go
    return State.DUE if is_due else State.SCHEDULED


def _deadline(due_at: datetime, late_limit: int | None) -> datetime | None:
    return None if late_limit is None else due_at + timedelta(seconds=late_limit)


# ---------------------------------------------------------------- before it goes out


def cancel(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Do not send it, nor what follows it. What may already be out is marked `withdraw`:
    proved absent it ends as cancelled, found it is deleted; what a person has to look for
    stays with them. Raises Conflict when it is published (take it down instead)."""
    require(actor, _right_to_plan(delivery), delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    if delivery.state in IN_DOUBT or (delivery.state == State.NEEDS_HUMAN and _open_attempt(session, delivery)):
        delivery.withdraw, delivery.updated_at = True, now
    elif delivery.state == State.PUBLISHED:
        raise Conflict("it is already published: it can only be taken down", code="published", current="published")
    else:
        _move(session, delivery, State.CANCELLED, now)
    audit.record(session, actor, "delivery.cancel", delivery, now)
    for follower in _blocked_behind(session, delivery):
        cancel(session, actor, follower, now)
    close_post_of(session, delivery, now)


def call_off(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Cancel what surely has not begun to go out. Raises Conflict `too_late` for anything else,
    of which nothing is changed then."""
    require(actor, _right_to_plan(delivery), delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    is_stopped = delivery.state == State.NEEDS_HUMAN and not _open_attempt(session, delivery)
    if delivery.state not in (*EDITABLE, State.CLAIMED) and not is_stopped:
        raise _too_late(delivery)
    cancel(session, actor, delivery, now)


def hold_back(session: Session, actor: Actor, delivery: Delivery, code: str, reason: str, now: datetime) -> bool:
    """Let a person decide about what has not begun to go out, for `reason`. False: it has."""
    require(actor, _right_to_plan(delivery), delivery)
    _lock(session, delivery)
    if delivery.state not in (*EDITABLE, State.CLAIMED):
        return False
    _doubt_if_repeating(session, delivery, now)
    if delivery.state in IN_DOUBT:
        return False
    _move(session, delivery, State.NEEDS_HUMAN, now)
    delivery.reason_code, delivery.reason = code, reason
    audit.record(session, actor, "delivery.hold_back", delivery, now, code=code)
    return True


def hasten(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Send what waits for its time, or for a person, now and in the right of who says so.
    Raises Conflict `too_late` for what has begun to go out."""
    require(actor, _right_over(delivery), delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    is_stopped = delivery.state == State.NEEDS_HUMAN and not _open_attempt(session, delivery)
    if is_stopped:
        _send_again(session, actor, delivery, now)
    elif delivery.state in (State.SCHEDULED, State.HELD):
        release(session, actor, delivery, now)
    elif delivery.state != State.DUE:
        raise _too_late(delivery)
    delivery.actor_id = actor.staff_id


def approve(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Let a delivery go that was approved; the start still compares the hashes."""
    require(actor, Action.ANSWER_APPROVE if delivery.is_answer else Action.POST_APPROVE, delivery)
    _lock(session, delivery)
    if delivery.state == State.AWAITING_APPROVAL:
        _move(session, delivery, State.SCHEDULED if delivery.predecessor_id is None else State.BLOCKED, now)


def withhold(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Back to waiting for approval: it was taken away, or the content is another now."""
    require(actor, Action.POST_WRITE, delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    if delivery.state in sources_of(State.AWAITING_APPROVAL):
        _move(session, delivery, State.AWAITING_APPROVAL, now)


def replace_content(
    session: Session, actor: Actor, delivery: Delivery, payload: Mapping[str, Any], content_hash: str, now: datetime
) -> None:
    """Send this instead. Raises Conflict from sending on."""
    require(actor, _right_to_plan(delivery), delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    if delivery.state == State.CLAIMED:
        _move(session, delivery, State.DUE, now)
    if delivery.state not in EDITABLE:
        raise Conflict(
            say("it is {state} and cannot be changed any more", state=in_words(delivery.state)),
            code="too_late",
            current=delivery.state,
        )
    delivery.payload, delivery.payload_hash = dict(payload), payload_hash(payload)
    delivery.awaits_film = awaits_film(payload)
    delivery.content_hash, delivery.updated_at = content_hash, now
    _tell(session, delivery, now)


def reschedule(
    session: Session, actor: Actor, delivery: Delivery, due_at: datetime, now: datetime, late_limit: int | None = None
) -> None:
    """Move its time. What is blocked or awaits approval stays so."""
    require(actor, _right_to_plan(delivery), delivery)
    _lock(session, delivery)
    _doubt_if_repeating(session, delivery, now)
    if delivery.state == State.CLAIMED:
        _move(session, delivery, State.DUE, now)
    if delivery.state in (State.DUE, State.HELD, State.NEEDS_HUMAN):
        if delivery.state == State.NEEDS_HUMAN and _open_attempt(session, delivery):
            raise Conflict("it may already be published: decide that first", code="in_doubt", current=delivery.state)
        if delivery.state == State.NEEDS_HUMAN:
            delivery.tries = 0
        _move(session, delivery, State.SCHEDULED, now)
    elif delivery.state not in EDITABLE:
        raise Conflict(
            say("it is {state} and cannot be moved", state=in_words(delivery.state)),
            code="too_late",
            current=delivery.state,
        )
    delivery.due_at, delivery.not_before = due_at, _after_embargo(session, delivery, due_at)
    delivery.deadline_at = _deadline(due_at, late_limit)
    delivery.updated_at = now
    _tell(session, delivery, now)


def limit_lateness(session: Session, actor: Actor, delivery: Delivery, late_limit: int, now: datetime) -> None:
    """Ask a person when it is later than this, in seconds. What is under way, or was let go
    by a person whatever the hour, keeps what it has."""
    require(actor, Action.POST_WRITE, delivery)
    _lock(session, delivery)
    if delivery.state in EDITABLE and delivery.deadline_at is not None:
        delivery.deadline_at, delivery.updated_at = _deadline(delivery.due_at, late_limit), now


def release(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Send what a brake held, or what waits for its time, now."""
    require(actor, _right_over(delivery), delivery)
    _lock(session, delivery)
    _move(session, delivery, State.DUE, now)
    delivery.not_before, delivery.deadline_at = _after_embargo(session, delivery, now), None
    audit.record(session, actor, "delivery.release", delivery, now)


# ---------------------------------------------------------------- when a person is asked


def decide(
    session: Session,
    actor: Actor,
    delivery: Delivery,
    choice: str,
    now: datetime,
    remote_id: str = "",
    url: str = "",
    reason: str = "",
) -> None:
    """What a person chose for a delivery that needed one: `link` (it is there: this is it),
    `resend` (a new generation, in the right of who decides) or `drop`."""
    require(actor, _right_over(delivery), delivery)
    if choice not in CHOICES:
        raise Invalid("choose one of link, resend, drop", {"choice": say("not “{choice}”", choice=choice)})
    if actor.staff_id is None:
        raise ValueError("only a person decides")
    _lock(session, delivery)
    if delivery.state != State.NEEDS_HUMAN:
        raise Conflict(
            say("it is {state} now", state=in_words(delivery.state)), code="already_decided", current=delivery.state
        )
    if choice == "link":
        _link(session, delivery, remote_id.strip(), url.strip(), now)
        if delivery.withdraw:  # it was not to be out: what a person found is taken down like what we found
            take_down(session, actor, delivery, session.get_one(Account, delivery.account_id), now)
    elif choice == "resend":
        _send_again(session, actor, delivery, now)
    else:
        _move(session, delivery, State.CANCELLED, now)
        for follower in _blocked_behind(session, delivery):
            cancel(session, actor, follower, now)
    close_post_of(session, delivery, now)
    session.add(Decision(delivery_id=delivery.id, staff_id=actor.staff_id, choice=choice, reason=reason, at=now))
    audit.record(session, actor, "delivery.decide", delivery, now, choice=choice)


def retry(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    """Send what the network refused once more, as a new generation."""
    require(actor, _right_over(delivery), delivery)
    _lock(session, delivery)
    if delivery.state != State.FAILED:
        raise Conflict(
            say("it is {state}: only what failed is retried", state=in_words(delivery.state)),
            code="wrong_state",
            current=delivery.state,
        )
    _send_again(session, actor, delivery, now)
    audit.record(session, actor, "delivery.retry", delivery, now, generation=delivery.generation)


def take_down(session: Session, actor: Actor, delivery: Delivery, account: Account, now: datetime) -> Delivery:
    """Delete at the network what was published: a delivery of its own, which may be asked
    for twice without harm."""
    require(actor, _right_over(delivery), delivery)
    if delivery.state != State.PUBLISHED or not delivery.remote_id:
        raise Conflict(
            say("it is {state}: there is nothing to take down", state=in_words(delivery.state)), current=delivery.state
        )
    payload = freeze(text="", surface=delivery.payload["surface"], options={"context": delivery.remote_context})
    return create(
        session, actor, account=account, kind="delete", payload=payload, due_at=now, now=now,
        post_id=delivery.post_id, variant_id=delivery.variant_id, item=delivery.item,
        conversation_id=delivery.conversation_id, is_answer=delivery.is_answer,
        target_remote_id=delivery.remote_id,
    )  # fmt: skip


def _link(session: Session, delivery: Delivery, remote_id: str, url: str, now: datetime) -> None:
    if not remote_id:
        raise Invalid("say which one it is", {"remote_id": "is missing"})
    if url and not url.startswith(("https://", "http://")):
        raise Invalid("that is no address of a page", {"url": "must begin with https://"})
    taken = session.scalar(
        select(Delivery.id).where(
            Delivery.account_id == delivery.account_id, Delivery.remote_id == remote_id, Delivery.kind == delivery.kind
        )
    )
    if taken is not None:
        raise Conflict("that one belongs to another delivery", code="remote_id_taken", current=taken)
    attempt = _open_attempt(session, delivery)
    if attempt is not None:
        attempt.state, attempt.ended_at = AttemptState.ACCEPTED, attempt.ended_at or now
    delivery.remote_id, delivery.remote_url = remote_id, url
    delivery.accepted_at = attempt.started_at if attempt else now
    _move(session, delivery, State.PUBLISHED, now)


def _send_again(session: Session, actor: Actor, delivery: Delivery, now: datetime) -> None:
    attempt = _open_attempt(session, delivery)
    if attempt is not None:
        attempt.state = AttemptState.ABSENT
    _move(session, delivery, State.DUE, now)
    delivery.generation += 1
    delivery.tries = 0
    delivery.withdraw = False
    delivery.actor_id = actor.staff_id
    delivery.not_before, delivery.deadline_at = _after_embargo(session, delivery, now), None


# ---------------------------------------------------------------- shared


def _right_to_plan(delivery: Delivery) -> Action:
    return Action.CONVERSATION_REPLY if delivery.is_answer else Action.POST_WRITE


def _too_late(delivery: Delivery) -> Conflict:
    return Conflict(
        say("it is {state}: too late for that", state=in_words(delivery.state)), code="too_late", current=delivery.state
    )


def _right_over(delivery: Delivery) -> Action:
    return Action.CONVERSATION_ANSWER if delivery.is_answer else Action.POST_PUBLISH


def _after_embargo(session: Session, delivery: Delivery, at: datetime) -> datetime:
    """The moment, or when its post's embargo ends, if that is later."""
    until = session.scalar(select(Post.embargo_at).where(Post.id == delivery.post_id))
    return at if until is None else max(at, until)


def _lock(session: Session, delivery: Delivery) -> None:
    session.flush()  # a refresh would forget what is not written yet
    session.refresh(delivery, with_for_update=True)


def _doubt_if_repeating(session: Session, delivery: Delivery, now: datetime) -> None:
    """What is about to be repeated under its key may be out: nothing is decided over it first."""
    if reopen(session.connection(), [delivery.id], now):
        session.refresh(delivery)


def _move(session: Session, delivery: Delivery, state: State, now: datetime) -> None:
    require_step(delivery.state, state)
    delivery.state, delivery.updated_at = state, now
    delivery.worker_id, delivery.claimed_at = None, None
    delivery.reason_code = delivery.reason = ""
    delivery.next_look_at = None
    _tell(session, delivery, now)


def _open_attempt(session: Session, delivery: Delivery) -> Attempt | None:
    return session.scalars(
        select(Attempt).where(
            Attempt.delivery_id == delivery.id, Attempt.state.in_((AttemptState.IN_FLIGHT, AttemptState.UNKNOWN))
        )
    ).first()


def _blocked_behind(session: Session, delivery: Delivery) -> list[Delivery]:
    behind = select(Delivery).where(
        Delivery.predecessor_id == delivery.id, Delivery.state.in_((State.BLOCKED, State.AWAITING_APPROVAL))
    )
    return list(session.scalars(behind))


def _tell(session: Session, delivery: Delivery, now: datetime) -> None:
    live.tell(
        session, "delivery", now, account_id=delivery.account_id, id=delivery.id, state=str(delivery.state),
        post_id=delivery.post_id, conversation_id=delivery.conversation_id,
    )  # fmt: skip
