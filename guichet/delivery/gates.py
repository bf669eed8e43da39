"""What must hold in the moment that a delivery starts, as SQL.

The same expression decides when a row's time comes, when it is claimed and, inside the
UPDATE that starts it, whether it goes out: there is no moment between asking and acting
in which an answer could grow old. Rights are asked of the tables, not of a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Table, and_, bindparam, case, exists, literal, not_, or_, select

from channels.sentences import say
from guichet.db.types import UTCDateTime
from guichet.delivery.states import OPPOSITES, State
from guichet.instance import is_unconfirmed
from guichet.models import (
    Account,
    AnswerReview,
    Brake,
    Brand,
    Conversation,
    Delivery,
    Grant,
    Message,
    Post,
    Review,
    Staff,
    TeamMember,
    TopicExpert,
    Worker,
    table_of,
)
from guichet.policy import ACCOUNT_RIGHTS, ORG_RIGHTS, Action, OrgRole

D = table_of(Delivery)
_A = table_of(Account)
_B = table_of(Brand)
_C = table_of(Conversation)
_E = table_of(TopicExpert)
_M = table_of(Message)
_P = table_of(Post)
_R = table_of(Review)
_S = table_of(Staff)
_V = table_of(AnswerReview)
_W = table_of(Worker)

OPEN = "open"
NOW: ColumnElement[datetime] = bindparam("now", type_=UTCDateTime())


@dataclass(frozen=True)
class Closed:
    """Where a delivery goes whose gate is shut, and what a person is told."""

    state: State
    reason: str


CLOSED: Mapping[str, Closed] = {
    "withdrawn": Closed(State.CANCELLED, say("it was withdrawn before it went out")),
    "account_gone": Closed(State.NEEDS_HUMAN, say("the account is not connected")),
    "embargoed": Closed(State.NEEDS_HUMAN, say("nothing of it may go out before its embargo ends")),
    "approval_gone": Closed(State.AWAITING_APPROVAL, say("what stands there now was not approved")),
    "right_gone": Closed(State.NEEDS_HUMAN, say("whoever scheduled it may no longer publish there")),
    "film_late": Closed(State.NEEDS_HUMAN, say("its film was not ready in time")),
    "late": Closed(State.NEEDS_HUMAN, say("its time is past by more than was allowed")),
    "spent": Closed(State.NEEDS_HUMAN, say("what the account may cost this month is spent")),
    "braked": Closed(State.HELD, say("a brake is on")),
}


def gate(now: datetime | ColumnElement[datetime]) -> ColumnElement[str]:
    """OPEN, or the first thing that forbids this row of `delivery` to start."""
    return case(
        (D.c.withdraw, literal("withdrawn")),
        (not_(_account_is_connected()), literal("account_gone")),
        (_is_embargoed(now), literal("embargoed")),
        (not_(_approval_stands()), literal("approval_gone")),
        (not_(right_stands(now)), literal("right_gone")),
        (and_(_is_late(now), D.c.awaits_film), literal("film_late")),
        (_is_late(now), literal("late")),
        (_is_spent(now), literal("spent")),
        (_is_braked(), literal("braked")),
        else_=literal(OPEN),
    )


def worker_is_alive(worker_id: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Nobody has taken over from this worker."""
    return exists(select(_W.c.id).where(_W.c.id == worker_id, _W.c.ended_at.is_(None)))


def _account_is_connected() -> ColumnElement[bool]:
    return exists(select(_A.c.id).where(_A.c.id == D.c.account_id, _A.c.state == "connected"))


def _is_late(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    return and_(D.c.deadline_at.is_not(None), D.c.deadline_at < now)


def _is_spent(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """The month's money is gone: no new post begins. What was begun is finished, what must go
    is taken down, and customers are always answered."""
    return and_(
        D.c.kind == "post",
        not_(D.c.is_answer),
        exists(select(_A.c.id).where(_A.c.id == D.c.account_id, _A.c.spent_until > now)),
    )


def _is_embargoed(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Taking down is never held up."""
    return and_(D.c.kind != "delete", exists(select(_P.c.id).where(_P.c.id == D.c.post_id, _P.c.embargo_at > now)))


def _is_approved(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    """Just this content on this account was agreed to and, where the approval is for one
    time only, for this time."""
    return exists(
        select(_R.c.id).where(
            _R.c.post_id == D.c.post_id,
            _R.c.account_id == D.c.account_id,
            _R.c.state.in_(("granted", "bypassed")),
            _R.c.content_hash == D.c.content_hash,
            or_(_R.c.due_at.is_(None), _R.c.due_at == D.c.due_at),
            *more,
        )
    )


def _approval_stands() -> ColumnElement[bool]:
    """Taking down is never held up by an approval, nor what says nothing: a like, hiding."""
    asks = exists(
        select(_A.c.id).select_from(_A.join(_B, _A.c.brand_id == _B.c.id)).where(
            _A.c.id == D.c.account_id,
            or_(_A.c.approval == "four_eyes", and_(_A.c.approval == "as_brand", _B.c.needs_approval)),
        )
    )  # fmt: skip
    posts = or_(D.c.post_id.is_(None), not_(asks), _is_approved())
    wordless = D.c.kind.in_(("delete", *OPPOSITES))
    return or_(wordless, and_(posts, or_(not_(D.c.is_answer), _answer_stands())))


def _answer_stands() -> ColumnElement[bool]:
    """An answer waits for a colleague where it goes out in the right of somebody whose answers do,
    or who asked for it. Who sends a colleague's in their own right answers for it themselves. What is
    written to somebody beside the customer waits for nobody: they may not write it in the first place."""
    beside = exists(select(_M.c.id).where(_M.c.id == D.c.message_id, _M.c.side_id.is_not(None)))
    marked = exists(select(_S.c.id).where(_S.c.id == D.c.actor_id, _S.c.answers_reviewed))
    asked = exists(select(_V.c.delivery_id).where(_V.c.delivery_id == D.c.id, _V.c.asked_by == D.c.actor_id))
    agreed = exists(
        select(_V.c.delivery_id).where(
            _V.c.delivery_id == D.c.id,
            _V.c.state == "granted",
            _V.c.content_hash == D.c.payload_hash,
            _V.c.settled_by != D.c.actor_id,
        )
    )
    return or_(agreed, not_(or_(and_(marked, not_(beside)), asked)))


def right_stands(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """In whose right it goes out: the one who scheduled it or, for what was approved, the
    one who approved it. What our own processes made carries no person's right."""
    approver = _is_approved(_holds(_R.c.carried_by, Action.POST_APPROVE, now))
    return or_(
        D.c.actor_id.is_(None),
        and_(D.c.is_answer, or_(_holds(D.c.actor_id, Action.CONVERSATION_ANSWER, now), _is_expert())),
        and_(not_(D.c.is_answer), or_(_holds(D.c.actor_id, Action.POST_PUBLISH, now), approver)),
    )


def _is_expert() -> ColumnElement[bool]:
    """Whether it is the answer of an expert to a question of theirs."""
    return exists(
        select(_S.c.id)
        .select_from(_S.join(_E, _E.c.staff_id == _S.c.id).join(_C, _C.c.topic_id == _E.c.topic_id))
        .where(_S.c.id == D.c.actor_id, _S.c.disabled_at.is_(None), _C.c.id == D.c.conversation_id)
    )


def _holds(
    person: ColumnElement[int | None], action: Action, now: datetime | ColumnElement[datetime]
) -> ColumnElement[bool]:
    """Whether a person may do `action` on this row's account now (as guichet.policy says)."""
    staff = table_of(Staff).alias()
    grant = table_of(Grant).alias()
    member = table_of(TeamMember).alias()
    account: Table = _A.alias()  # type: ignore[assignment]
    roles = sorted(role.value for role, rights in ACCOUNT_RIGHTS.items() if action in rights)
    everywhere = sorted(role.value for role in ORG_RIGHTS if role in (OrgRole.ADMINISTRATOR, OrgRole.OWNER))
    teams = select(member.c.team_id).where(member.c.staff_id == staff.c.id).correlate(staff)
    # Correlated by name: by itself, only what stands one level above is, and deeper down "this
    # row" would become "any row".
    granted = exists(
        select(grant.c.id)
        .correlate(D, staff)
        .select_from(
            grant.join(account, or_(grant.c.account_id == account.c.id, grant.c.brand_id == account.c.brand_id))
        )
        .where(
            account.c.id == D.c.account_id,
            or_(grant.c.staff_id == staff.c.id, grant.c.team_id.in_(teams)),
            or_(grant.c.ends_at.is_(None), grant.c.ends_at > now),
            grant.c.role.in_(roles),
        )
    )
    return exists(
        select(staff.c.id).where(
            staff.c.id == person, staff.c.disabled_at.is_(None), or_(staff.c.role.in_(everywhere), granted)
        )
    )


def _is_braked() -> ColumnElement[bool]:
    """A brake of any scope over it. Taking something down or out of sight goes through: that is
    what one wants in a crisis; and so does what is marked to go on, under a brake that spares it. But
    nothing where the whole instance is somebody's copy."""
    brake = table_of(Brake)
    goes_on = exists(select(_P.c.id).where(_P.c.id == D.c.post_id, _P.c.goes_on).correlate(D))
    brand_of = select(_A.c.brand_id).where(_A.c.id == D.c.account_id).correlate(D).scalar_subquery()
    return and_(
        or_(D.c.kind.not_in(("delete", "hide")), is_unconfirmed()),
        exists(
            select(brake.c.id).where(
                brake.c.lifted_at.is_(None),
                or_(not_(brake.c.spares), not_(goes_on), is_unconfirmed()),
                or_(
                    and_(D.c.is_answer, brake.c.stops_answers),
                    and_(not_(D.c.is_answer), brake.c.stops_posts),
                ),
                or_(
                    brake.c.scope == "all",
                    and_(brake.c.scope == "account", brake.c.scope_id == D.c.account_id),
                    and_(brake.c.scope == "brand", brake.c.scope_id == brand_of),
                ),
            )
        ),
    )


GATE = gate(NOW)  # built once: building it costs more than asking it
