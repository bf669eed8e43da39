"""Teams and grants. Every change is told to the streams of those it concerns, which read
their rights again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.errors import Conflict, Invalid, NotFound
from guichet.models import (
    Account,
    ApprovalPolicy,
    Brand,
    Conversation,
    Grant,
    Handout,
    Review,
    Staff,
    Team,
    TeamMember,
    WaitSlice,
)
from guichet.policy import AccountRole, Action, Actor, require

ASSIGNMENTS = ("manual", "round_robin", "least_loaded")
QUEUE_ORDERS = ("oldest", "deadline")
MOST_AN_HOUR = 1000


def add_team(
    session: Session,
    actor: Actor,
    *,
    name: str,
    assignment: str = "manual",
    queue_order: str = "oldest",
    hourly_cap: int = 0,
    member_ids: Sequence[int] = (),
    lead_ids: Sequence[int] = (),
    now: datetime,
) -> Team:
    """A new team. Leads are members; of `hourly_cap` 0 is none. Raises Conflict where the name is taken, Invalid for
    members who do not exist and ways of sharing that there are not."""
    require(actor, Action.TEAM_MANAGE)
    _require_free_name(session, name)
    team = Team(name=name, created_at=now)
    _set_sharing(team, assignment, queue_order, hourly_cap)
    session.add(team)
    session.flush()
    _set_members(session, team, member_ids, lead_ids, now)
    audit.record(session, actor, "team.add", team, now, **_sharing_of(team))
    return team


def change_team(
    session: Session,
    actor: Actor,
    team: Team,
    *,
    name: str | None = None,
    assignment: str | None = None,
    queue_order: str | None = None,
    hourly_cap: int | None = None,
    member_ids: Sequence[int] | None = None,
    lead_ids: Sequence[int] | None = None,
    now: datetime,
) -> Team:
    """Change what is given. Who leaves a team loses at once what it was granted."""
    require(actor, Action.TEAM_MANAGE)
    if name is not None and name != team.name:
        _require_free_name(session, name)
        team.name = name
    _set_sharing(team, assignment, queue_order, hourly_cap)
    if member_ids is not None or lead_ids is not None:
        leads = [m.staff_id for m in team.members if m.is_lead] if lead_ids is None else lead_ids
        members = [m.staff_id for m in team.members] if member_ids is None else member_ids
        if lead_ids is None:
            leads = [s for s in leads if s in members]
        _set_members(session, team, members, leads, now)
    audit.record(session, actor, "team.change", team, now, **_sharing_of(team))
    return team


def remove_team(session: Session, actor: Actor, team: Team, now: datetime) -> None:
    """Dissolve a team: its grants end. One that has, or had, conversations stays (Conflict):
    figures of the past name it. So does one that must agree to posts: else they would go to
    deputies without anybody having said so."""
    require(actor, Action.TEAM_MANAGE)
    has = select(Conversation.id).where(Conversation.team_id == team.id).limit(1)
    had = select(WaitSlice.id).where(WaitSlice.team_id == team.id).limit(1)
    if session.scalar(has) is not None or session.scalar(had) is not None:
        raise Conflict("customers have waited in this team's queue: empty it instead", code="team_in_use")
    _require_not_asked(session, team)
    for staff_id in [m.staff_id for m in team.members]:
        live.tell(session, "rights", now, staff_id=staff_id)
    session.execute(delete(Grant).where(Grant.team_id == team.id))
    session.execute(delete(Handout).where(Handout.team_id == team.id))
    session.execute(update(Brand).where(Brand.default_team_id == team.id).values(default_team_id=None))
    audit.record(session, actor, "team.remove", team, now)
    session.delete(team)


def _set_sharing(team: Team, assignment: str | None, queue_order: str | None, hourly_cap: int | None) -> None:
    if assignment is not None:
        if assignment not in ASSIGNMENTS:
            raise Invalid(
                "there is no such assignment",
                {"assignment": say("must be one of {choices}", choices=", ".join(ASSIGNMENTS))},
            )
        team.assignment = assignment
    if queue_order is not None:
        if queue_order not in QUEUE_ORDERS:
            raise Invalid(
                "there is no such order",
                {"queue_order": say("must be one of {choices}", choices=", ".join(QUEUE_ORDERS))},
            )
        team.queue_order = queue_order
    if hourly_cap is not None:
        if not 0 <= hourly_cap <= MOST_AN_HOUR:
            raise Invalid(
                "there is no such cap",
                {"hourly_cap": say("must be a number from {least} to {most}", least=0, most=MOST_AN_HOUR)},
            )
        team.hourly_cap = hourly_cap


def _sharing_of(team: Team) -> dict[str, str | int]:
    return {"assignment": team.assignment, "queue_order": team.queue_order, "hourly_cap": team.hourly_cap}


def _require_not_asked(session: Session, team: Team) -> None:
    """Raises Conflict `team_approves`: the brands whose policy names it, the posts that wait."""
    policies = session.execute(select(Brand.name, ApprovalPolicy.steps).join(Brand).order_by(Brand.name)).tuples()
    brands = [name for name, steps in policies if any(team.id in step["teams"] for step in steps)]
    if brands:
        raise Conflict(
            say("this team must agree to the posts of {brands}: name others there first", brands=", ".join(brands)),
            code="team_approves", current={"brands": brands},
        )  # fmt: skip
    waiting = session.scalars(select(Review).where(Review.state == "waiting").order_by(Review.id))
    posts = list(
        dict.fromkeys(r.post_id for r in waiting if any(team.id in step["teams"] for step in r.steps[r.step :]))
    )
    if posts:
        raise Conflict(
            "posts still wait for this team: let them be decided or cancelled first",
            code="team_approves", current={"posts": posts},
        )  # fmt: skip


def _require_free_name(session: Session, name: str) -> None:
    if session.scalar(select(Team.id).where(Team.name == name)) is not None:
        raise Conflict("there already is a team of this name", code="name_taken")


def _set_members(
    session: Session, team: Team, member_ids: Sequence[int], lead_ids: Sequence[int], now: datetime
) -> None:
    wanted = set(member_ids) | set(lead_ids)
    known = set(session.scalars(select(Staff.id).where(Staff.id.in_(wanted), Staff.disabled_at.is_(None))))
    if wanted - known:
        raise Invalid(
            "some of these people do not work here",
            {"member_ids": say("unknown: {ids}", ids=", ".join(map(str, sorted(wanted - known))))},
        )
    present = {m.staff_id: m for m in team.members}
    for staff_id in set(present) ^ wanted:
        live.tell(session, "rights", now, staff_id=staff_id)
    for staff_id in set(present) - wanted:
        team.members.remove(present[staff_id])
    for staff_id in sorted(wanted):
        member = present.get(staff_id)
        if member is None:
            member = TeamMember(staff_id=staff_id)
            team.members.append(member)
        member.is_lead = staff_id in set(lead_ids)
    session.flush()


def give_grant(
    session: Session,
    actor: Actor,
    *,
    role: str,
    staff: Staff | None = None,
    team: Team | None = None,
    account: Account | None = None,
    brand: Brand | None = None,
    ends_at: datetime | None = None,
    now: datetime,
) -> Grant:
    """Let a person or a team act on an account or on all accounts of a brand. The same
    holder and scope again changes the role and the end."""
    require(actor, Action.GRANT_MANAGE)
    if (staff is None) == (team is None) or (account is None) == (brand is None):
        raise Invalid("a grant is for one person or team, on one account or brand")
    if ends_at is not None and ends_at <= now:
        raise Invalid("a grant must end later than now", {"ends_at": "must be in the future"})
    of = {
        "staff_id": staff.id if staff else None,
        "team_id": team.id if team else None,
        "account_id": account.id if account else None,
        "brand_id": brand.id if brand else None,
    }
    same = [getattr(Grant, name) == value if value else getattr(Grant, name).is_(None) for name, value in of.items()]
    grant = session.scalar(select(Grant).where(*same))
    if grant is None:
        grant = Grant(**of, created_at=now, created_by=actor.staff_id)
        session.add(grant)
    grant.role = AccountRole(role)
    grant.ends_at = ends_at
    session.flush()
    audit.record(session, actor, "grant.give", grant, now, role=role, **{k: v for k, v in of.items() if v})
    _tell_holders(session, grant, now)
    return grant


def end_grant(session: Session, actor: Actor, grant: Grant, now: datetime) -> None:
    """Take a grant away, at once."""
    require(actor, Action.GRANT_MANAGE)
    if session.get(Grant, grant.id) is None:
        raise NotFound("there is no such grant")
    audit.record(session, actor, "grant.end", grant, now, role=grant.role)
    _tell_holders(session, grant, now)
    session.delete(grant)


def _tell_holders(session: Session, grant: Grant, now: datetime) -> None:
    holders = (
        [grant.staff_id]
        if grant.staff_id
        else session.scalars(select(TeamMember.staff_id).where(TeamMember.team_id == grant.team_id)).all()
    )
    for staff_id in holders:
        live.tell(session, "rights", now, staff_id=staff_id)
