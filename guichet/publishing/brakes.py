"""The brake: one switch with a scope. What comes due while it is on is held by the starting
UPDATE itself; lifting demands a choice for everything that was held, so that nothing goes
out late without somebody having said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, instance, live
from guichet.delivery import engine
from guichet.delivery import operations as delivering
from guichet.delivery.states import State
from guichet.errors import Conflict, Invalid, NotFound
from guichet.models import Account, Attempt, Brake, Brand, Delivery, Post
from guichet.policy import Action, Actor, require, visible, visible_accounts
from guichet.publishing.held import Choice, Group, GroupChoice, covered_by, find_choice, groups_under, held_elsewhere
from guichet.publishing.rules import FOLD_RULES, zone_of

SCOPES = ("all", "brand", "account")
_WIDTH = {scope: n for n, scope in enumerate(SCOPES)}


def pull(
    session: Session,
    actor: Actor,
    *,
    scope: str = "all",
    scope_id: int | None = None,
    posts: bool = True,
    answers: bool = False,
    spares: bool = False,
    reason: str = "",
    now: datetime,
) -> Brake:
    """Stop sending, from the commit of this on. Pulled again it only changes what it stops;
    what it holds already stays held. `spares`: posts that are marked to go on do; else, and
    on an instance that nobody confirmed, it stops them too.
    On everything, or a brand, for administrators; on an account for who publishes there."""
    _require_right(session, actor, scope, scope_id)
    if not posts and not answers:
        raise Invalid("a brake stops something", {"posts": "choose posts, answers or both"})
    if scope == "all":
        instance.require_all_stopped(session, posts, answers)
    brake = _find_on(session, scope, scope_id)
    if brake is None:
        brake = Brake(scope=scope, scope_id=scope_id, pulled_at=now, pulled_by=actor.staff_id)
        session.add(brake)
    brake.stops_posts, brake.stops_answers, brake.spares, brake.reason = posts, answers, spares, reason
    session.flush()
    audit.record(session, actor, "brake.pull", brake, now, scope=scope, scope_id=scope_id)
    live.tell(session, "brake", now, on=True)
    return brake


def lift(
    session: Session,
    actor: Actor,
    *,
    scope: str = "all",
    scope_id: int | None = None,
    choices: Mapping[int, Choice] = {},
    groups: Sequence[GroupChoice] = (),
    otherwise: str | None = None,
    now: datetime,
) -> Brake:
    """Let go again. Every delivery that this brake alone holds needs a choice: its own in
    `choices`, that of the first of the `groups` it belongs to, or `otherwise` ("send" or
    "drop") for all others.

    Raises Conflict `not_on`, and `choose` (`current` lists the ids that lack a choice).
    """
    _require_right(session, actor, scope, scope_id)
    brake = _find_on(session, scope, scope_id)
    if brake is None:
        raise Conflict("this brake is not on", code="not_on")
    if scope == "all" and instance.awaits_confirmation(session):
        _let_instance_act(session, actor, now)
    brake.lifted_at, brake.lifted_by = now, actor.staff_id
    session.flush()
    freed = _held_under(session, brake)
    decided = {d.id: choices.get(d.id) or find_choice(groups, d) or _all_others(otherwise) for d in freed}
    missing = [i for i, choice in decided.items() if choice is None]
    if missing:
        raise Conflict(
            "say for every held delivery whether it is sent, moved or dropped", code="choose",
            current={"deliveries": missing},
        )  # fmt: skip
    for delivery in freed:
        if (choice := decided[delivery.id]) is not None:
            _carry_out(session, actor, delivery, choice, now)
    session.flush()
    _move_posts(session, {d.post_id for d in freed if d.post_id is not None and d.state == State.SCHEDULED}, now)
    audit.record(session, actor, "brake.lift", brake, now, scope=scope, scope_id=scope_id, held=len(freed))
    live.tell(session, "brake", now, on=False)
    return brake


def _all_others(what: str | None) -> Choice | None:
    return None if what is None else Choice(what)


def _let_instance_act(session: Session, actor: Actor, now: datetime) -> None:
    """The instance was restored or copied: what was on its way is settled first (by the
    workers, who look for it at the network), and all that is due is held, so that it is
    among the choices. Raises Conflict `in_flight`."""
    on_its_way = (State.CLAIMED, State.SENDING)
    flying = session.scalars(select(Delivery.id).where(Delivery.state.in_(on_its_way)).order_by(Delivery.id)).all()
    if flying:
        raise Conflict(
            "what was on its way is still being looked for: try again in a minute", code="in_flight",
            current={"deliveries": list(flying)},
        )  # fmt: skip
    engine.hold_what_is_due(session.connection(), now)
    session.expire_all()
    instance.confirm(session, actor, now)


def _carry_out(session: Session, actor: Actor, delivery: Delivery, choice: Choice, now: datetime) -> None:
    if choice.what == "send":
        delivering.release(session, actor, delivery, now)
    elif choice.what == "drop":
        delivering.cancel(session, actor, delivery, now)
    elif choice.what == "reschedule" and choice.due_at is not None and choice.due_at > now:
        delivering.reschedule(session, actor, delivery, choice.due_at, now)
    else:
        raise Invalid("this cannot be done with it", {f"choices.{delivery.id}": "send, drop, or a later due_at"})


def _move_posts(session: Session, post_ids: set[int], now: datetime) -> None:
    """Posts stand in calendars where what they still have to send does, if that is one time."""
    for post in session.scalars(select(Post).where(Post.id.in_(post_ids))):
        planned = select(Delivery.due_at).where(Delivery.post_id == post.id, Delivery.state == State.SCHEDULED)
        times = set(session.scalars(planned.distinct()))
        if len(times) == 1:
            post.due_at, post.updated_at = times.pop(), now
            local = post.due_at.astimezone(zone_of(post.time_zone))
            post.wall_time, post.fold_rule = f"{local:%Y-%m-%dT%H:%M}", FOLD_RULES[local.fold]
            live.tell(session, "post", now, id=post.id)


def list_stopped(
    session: Session, actor: Actor, *, scope: str = "all", scope_id: int | None = None, limit: int = 500
) -> tuple[Sequence[Delivery], Sequence[Delivery]]:
    """What lifting this brake would set free and must be chosen for, and the calls that had
    begun under it, as they stand now; on accounts that the actor sees, at most `limit` of each, oldest first.
    Raises Conflict `not_on`."""
    brake = _get_on(session, actor, scope, scope_id)
    under = (
        select(Delivery)
        .where(covered_by(brake), visible(actor, Delivery.account_id))
        .order_by(Delivery.due_at, Delivery.id)
        .limit(limit)
    )
    held = session.scalars(under.where(Delivery.state == State.HELD, not_(held_elsewhere(brake)))).all()
    flying = session.scalars(under.where(or_(Delivery.state == State.SENDING, _was_flying(brake)))).all()
    return held, flying


def list_groups(
    session: Session, actor: Actor, now: datetime, *, scope: str = "all", scope_id: int | None = None
) -> list[Group]:
    """All that lifting this brake would set free, as groups of what is alike. Raises Conflict `not_on`."""
    return groups_under(session, actor, _get_on(session, actor, scope, scope_id), now)


def _was_flying(brake: Brake) -> ColumnElement[bool]:
    """It was under way when the brake was pulled, whatever came of it."""
    still = or_(Attempt.ended_at.is_(None), Attempt.ended_at >= brake.pulled_at)
    return select(Attempt.id).where(
        Attempt.delivery_id == Delivery.id, Attempt.started_at <= brake.pulled_at, still
    ).exists()  # fmt: skip


def list_brakes(session: Session, actor: Actor) -> Sequence[Brake]:
    """Those that are on and concern an account the actor sees, the widest first."""
    require(actor, Action.STAFF_VIEW)
    on = session.scalars(select(Brake).where(Brake.lifted_at.is_(None)).order_by(Brake.pulled_at)).all()
    mine = visible_accounts(actor)
    if mine is not None:
        brands = set(session.scalars(select(Account.brand_id).where(Account.id.in_(mine))))
        seen = {"all": None, "brand": brands, "account": set(mine)}
        on = [b for b in on if (ids := seen[b.scope]) is None or b.scope_id in ids]
    return sorted(on, key=lambda b: _WIDTH[b.scope])


def count_stopped(session: Session, actor: Actor) -> tuple[int, int]:
    """How many deliveries are held, and how many calls had begun, on the accounts one sees."""
    counted = session.execute(
        select(Delivery.state, func.count())
        .where(visible(actor, Delivery.account_id), Delivery.state.in_((State.HELD, State.SENDING)))
        .group_by(Delivery.state)
    )
    by_state = {str(state): n for state, n in counted}
    return by_state.get(State.HELD, 0), by_state.get(State.SENDING, 0)


def _require_right(session: Session, actor: Actor, scope: str, scope_id: int | None) -> None:
    if scope == "account" and scope_id is not None:
        require(actor, Action.BRAKE_ACCOUNT, scope_id)
        if session.get(Account, scope_id) is None:
            raise NotFound("there is no such account")
        return
    require(actor, Action.BRAKE_ALL)
    if scope == "brand" and session.get(Brand, scope_id) is None:
        raise NotFound("there is no such brand")
    if scope not in SCOPES or (scope == "all") != (scope_id is None):
        raise Invalid("say what the brake stops", {"scope": say("must be one of {choices}", choices=", ".join(SCOPES))})


def _get_on(session: Session, actor: Actor, scope: str, scope_id: int | None) -> Brake:
    _require_right(session, actor, scope, scope_id)
    brake = session.scalars(_on(scope, scope_id)).first()
    if brake is None:
        raise Conflict("this brake is not on", code="not_on")
    return brake


def _find_on(session: Session, scope: str, scope_id: int | None) -> Brake | None:
    return session.scalars(_on(scope, scope_id).with_for_update()).first()


def _on(scope: str, scope_id: int | None) -> Select[Brake]:
    same = Brake.scope_id == scope_id if scope_id is not None else Brake.scope_id.is_(None)
    return select(Brake).where(Brake.scope == scope, same, Brake.lifted_at.is_(None)).order_by(Brake.id)


def _held_under(session: Session, brake: Brake) -> Sequence[Delivery]:
    """Those that it alone holds: once it is let go, nothing does."""
    held = select(Delivery).where(Delivery.state == State.HELD, covered_by(brake), not_(held_elsewhere(brake)))
    return session.scalars(held.order_by(Delivery.id).with_for_update()).all()
