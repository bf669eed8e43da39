"""Reading people, teams, grants, sessions and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from guichet.db import dialect
from guichet.errors import NotFound
from guichet.models import ApiToken, Conversation, Delivery, Grant, Post, Staff, StaffSession, Team, TeamMember
from guichet.policy import Action, Actor, OrgRole, can, require
from guichet.staff.rules import fold_email, hash_secret, session_is_live

# Deliveries that have not begun: what a person who leaves had still planned.
_PLANNED = ("scheduled", "due", "claimed", "blocked", "awaiting_approval", "held")


def list_staff(
    session: Session, actor: Actor, *, q: str = "", disabled: bool | None = None, after: int = 0, limit: int = 50
) -> Sequence[Staff]:
    """People by id. `q` is looked for in name and address."""
    require(actor, Action.STAFF_VIEW)
    query = select(Staff).where(Staff.id > after).order_by(Staff.id).limit(limit)
    if q:
        query = query.where(or_(Staff.name.icontains(q, autoescape=True), Staff.email.icontains(q, autoescape=True)))
    if disabled is not None:
        query = query.where(Staff.disabled_at.is_not(None) if disabled else Staff.disabled_at.is_(None))
    return session.scalars(query).all()


def get_staff(session: Session, actor: Actor, staff_id: int) -> Staff:
    """Raises NotFound. Everybody may see who works here."""
    require(actor, Action.STAFF_VIEW)
    staff = session.get(Staff, staff_id)
    if staff is None:
        raise NotFound("nobody here has this number")
    return staff


def find_staff_by_email(session: Session, email: str) -> Staff | None:
    """For sign-in and the command line: no right is asked, none is given."""
    return session.scalar(select(Staff).where(Staff.email == fold_email(email)))


def count_other_owners(session: Session, staff: Staff) -> int:
    """Owners besides `staff` who can still sign in."""
    others = select(func.count()).where(Staff.role == OrgRole.OWNER, Staff.disabled_at.is_(None), Staff.id != staff.id)
    return session.scalar(others) or 0


def teams_of(session: Session, staff_ids: Sequence[int]) -> dict[int, list[Team]]:
    """Teams by person, in one query."""
    rows = session.execute(
        select(TeamMember.staff_id, Team).join(Team).where(TeamMember.staff_id.in_(staff_ids)).order_by(Team.name)
    )
    found: dict[int, list[Team]] = {}
    for staff_id, team in rows:
        found.setdefault(staff_id, []).append(team)
    return found


def list_teams(session: Session, actor: Actor, *, after: int = 0, limit: int = 200) -> Sequence[Team]:
    """Teams with their members, by id."""
    require(actor, Action.STAFF_VIEW)
    members = selectinload(Team.members).joinedload(TeamMember.staff)
    return session.scalars(select(Team).where(Team.id > after).options(members).order_by(Team.id).limit(limit)).all()


def get_team(session: Session, actor: Actor, team_id: int) -> Team:
    """Raises NotFound."""
    require(actor, Action.STAFF_VIEW)
    team = session.get(Team, team_id)
    if team is None:
        raise NotFound("there is no such team")
    return team


def list_grants(
    session: Session,
    actor: Actor,
    *,
    staff_id: int | None = None,
    team_id: int | None = None,
    account_id: int | None = None,
    brand_id: int | None = None,
    after: int = 0,
    limit: int = 50,
) -> Sequence[Grant]:
    """Grants by id. Who may not manage them sees only their own."""
    require(actor, Action.STAFF_VIEW)
    query = select(Grant).where(Grant.id > after).order_by(Grant.id).limit(limit)
    if not can(actor, Action.GRANT_MANAGE):
        teams = select(TeamMember.team_id).where(TeamMember.staff_id == actor.staff_id)
        query = query.where(or_(Grant.staff_id == actor.staff_id, Grant.team_id.in_(teams)))
    wanted = {"staff_id": staff_id, "team_id": team_id, "account_id": account_id, "brand_id": brand_id}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Grant, name) == value)
    return session.scalars(query).all()


def get_grant(session: Session, actor: Actor, grant_id: int) -> Grant:
    """Raises NotFound."""
    require(actor, Action.GRANT_MANAGE)
    grant = session.get(Grant, grant_id)
    if grant is None:
        raise NotFound("there is no such grant")
    return grant


# Asked with every request, and put together once.
_HASH = bindparam("hash", type_=ApiToken.token_hash.type)
_SESSION = (
    select(StaffSession)
    .join(StaffSession.staff)
    .where(StaffSession.token_hash == _HASH)
    .options(contains_eager(StaffSession.staff))
    .execution_options(**dialect.PREPARED)
)
_TOKEN = (
    select(ApiToken)
    .join(ApiToken.staff)
    .where(ApiToken.token_hash == _HASH, ApiToken.revoked_at.is_(None), Staff.disabled_at.is_(None))
    .where(or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now", type_=ApiToken.expires_at.type)))
    .options(contains_eager(ApiToken.staff))
    .execution_options(**dialect.PREPARED)
)


def find_session(session: Session, secret: str, now: datetime) -> StaffSession | None:
    """The live browser session behind a cookie, with its person."""
    found = session.scalar(_SESSION, {"hash": hash_secret(secret)})
    return found if found is not None and is_live(found, now) else None


def is_live(found: StaffSession, now: datetime) -> bool:
    """Whether a stored session still counts."""
    return session_is_live(
        seen_at=found.seen_at,
        expires_at=found.expires_at,
        ended_at=found.ended_at,
        disabled_at=found.staff.disabled_at,
        now=now,
    )


def find_token(session: Session, secret: str, now: datetime) -> ApiToken | None:
    """The valid API token behind a bearer secret, with its person."""
    return session.scalar(_TOKEN, {"hash": hash_secret(secret), "now": now})


def list_tokens(session: Session, actor: Actor, *, after: int = 0, limit: int = 50) -> Sequence[ApiToken]:
    """One's own tokens."""
    return session.scalars(
        select(ApiToken)
        .where(ApiToken.staff_id == actor.staff_id, ApiToken.id > after)
        .order_by(ApiToken.id)
        .limit(limit)
    ).all()


def planned_deliveries(session: Session, staff: Staff) -> Sequence[int]:
    """Deliveries that would go out in this person's right."""
    return session.scalars(
        select(Delivery.id).where(Delivery.actor_id == staff.id, Delivery.state.in_(_PLANNED)).order_by(Delivery.id)
    ).all()


def open_conversations(session: Session, staff: Staff) -> Sequence[int]:
    """Conversations that this person has and that are not over."""
    over = ("resolved", "closed", "spam")
    return session.scalars(
        select(Conversation.id)
        .where(Conversation.assignee_id == staff.id, Conversation.state.not_in(over))
        .order_by(Conversation.id)
    ).all()


def drafts_of(session: Session, staff: Staff) -> Sequence[int]:
    """Posts of this person that are not out yet."""
    open_ = Post.state.in_(("draft", "evergreen", "awaiting_approval", "scheduled"))
    unfinished = and_(Post.author_id == staff.id, open_)
    return session.scalars(select(Post.id).where(unfinished).order_by(Post.id)).all()
