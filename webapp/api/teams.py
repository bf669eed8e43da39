"""Teams and grants: who belongs together, who may act where."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.inbox.rows import read_rows
from guichet.models import Grant as GrantRow
from guichet.models import Team as TeamRow
from guichet.staff import operations, queries
from guichet.triage import taking, turns
from webapp.api import briefs, threads
from webapp.api.briefs import Names
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.people import Grant, GrantNew, GrantQuery, Team, TeamChange, TeamMember, TeamNew
from webapp.api.schemas.queues import NextInLine
from webapp.asking import Asked, Room

room = Room("teams")


@room.get("/teams", Page[Team])
def list_teams(asked: Asked, query: PageQuery) -> Page[Team]:
    """Teams and their members."""
    rows = queries.list_teams(asked.session, asked.actor, after=after(query.cursor), limit=query.limit + 1)
    states = turns.standings(asked.session, asked.actor, rows, asked.now)
    return page_by_id(rows, query.limit, lambda row: _team(row, states[row.id]))


@room.get("/teams/<int:id>", Team)
def get_team(asked: Asked, path: IdPath) -> Team:
    """One team."""
    return _show(asked, queries.get_team(asked.session, asked.actor, path.id))


@room.post("/teams", Team, scope="manage", status=201)
def add_team(asked: Asked, body: TeamNew) -> Team:
    """Found a team."""
    team = operations.add_team(asked.session, asked.actor, **body.model_dump(), now=asked.now)
    return _fresh(asked, team)


@room.patch("/teams/<int:id>", Team, scope="manage")
def change_team(asked: Asked, path: IdPath, body: TeamChange) -> Team:
    """Rename it, change how it shares work, or who belongs to it."""
    team = queries.get_team(asked.session, asked.actor, path.id)
    operations.change_team(asked.session, asked.actor, team, **body.model_dump(exclude_none=True), now=asked.now)
    return _fresh(asked, team)


@room.post("/teams/<int:id>/next", NextInLine, scope="answer")
def take_next(asked: Asked, path: IdPath) -> NextInLine:
    """Claim what is next in its queue, of what one may answer; null: there is nothing."""
    team = queries.get_team(asked.session, asked.actor, path.id)
    taken = taking.take_next(asked.session, asked.actor, team, asked.now)
    if taken is None:
        return NextInLine(conversation=None)
    asked.session.flush()
    return NextInLine(conversation=threads.show_row(read_rows(asked.session, [taken.id], asked.staff_id)[0]))


@room.delete("/teams/<int:id>", Done, scope="manage")
def remove_team(asked: Asked, path: IdPath) -> Done:
    """Dissolve a team that nobody has waited in."""
    team = queries.get_team(asked.session, asked.actor, path.id)
    operations.remove_team(asked.session, asked.actor, team, asked.now)
    return Done()


@room.get("/grants", Page[Grant])
def list_grants(asked: Asked, query: GrantQuery) -> Page[Grant]:
    """Who may do what where; one's own for who does not manage them."""
    rows = queries.list_grants(
        asked.session, asked.actor, staff_id=query.staff_id, team_id=query.team_id, account_id=query.account_id,
        brand_id=query.brand_id, after=after(query.cursor), limit=query.limit + 1,
    )  # fmt: skip
    names = Names(asked.session).load(
        people=[r.staff_id for r in rows],
        teams=[r.team_id for r in rows],
        accounts=[r.account_id for r in rows],
        brands=[r.brand_id for r in rows],
    )
    return page_by_id(rows, query.limit, lambda row: _grant(row, names))


@room.post("/grants", Grant, scope="manage", status=201)
def give_grant(asked: Asked, body: GrantNew) -> Grant:
    """Let a person or team act on an account or brand."""
    session, actor = asked.session, asked.actor
    grant = operations.give_grant(
        session,
        actor,
        role=body.role,
        staff=queries.get_staff(session, actor, body.staff_id) if body.staff_id else None,
        team=queries.get_team(session, actor, body.team_id) if body.team_id else None,
        account=accounts.get_account(session, actor, body.account_id) if body.account_id else None,
        brand=accounts.get_brand(session, actor, body.brand_id) if body.brand_id else None,
        ends_at=body.ends_at,
        now=asked.now,
    )
    return _grant(grant, Names(session))


@room.delete("/grants/<int:id>", Done, scope="manage")
def end_grant(asked: Asked, path: IdPath) -> Done:
    """Take a grant away, at once."""
    grant = queries.get_grant(asked.session, asked.actor, path.id)
    operations.end_grant(asked.session, asked.actor, grant, asked.now)
    return Done()


def _fresh(asked: Asked, team: TeamRow) -> Team:
    asked.session.flush()
    asked.session.refresh(team)
    return _show(asked, team)


def _show(asked: Asked, team: TeamRow) -> Team:
    return _team(team, turns.standings(asked.session, asked.actor, [team], asked.now)[team.id])


def _team(team: TeamRow, standing: turns.Standing) -> Team:
    members = [
        TeamMember(
            **briefs.person(m.staff).model_dump(), is_lead=m.is_lead, presence=m.staff.presence,
            given=standing.given.get(m.staff_id, 0), next_at=standing.next_at.get(m.staff_id),
        )
        for m in team.members
    ]  # fmt: skip
    return Team(
        **briefs.team(team).model_dump(), assignment=team.assignment, queue_order=team.queue_order,
        hourly_cap=team.hourly_cap, waiting=standing.waiting, members=members,
    )  # fmt: skip


def _grant(grant: GrantRow, names: Names) -> Grant:
    return Grant(
        id=grant.id,
        staff=names.person(grant.staff_id),
        team=names.team(grant.team_id),
        account=names.account_or_none(grant.account_id),
        brand=names.brand(grant.brand_id),
        role=grant.role,
        ends_at=grant.ends_at,
        created_at=grant.created_at,
    )
