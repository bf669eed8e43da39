"""Staff: who works here, taking on, changing, letting go."""

from __future__ import annotations

from datetime import datetime

from guichet.inbox import operations as inbox
from guichet.models import Staff as StaffRow
from guichet.models import Team
from guichet.policy import Action, require
from guichet.staff import operations, queries, rules
from webapp.api import briefs
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import IdPath, Page
from webapp.api.schemas.people import Left, Staff, StaffChange, StaffNew, StaffQuery
from webapp.asking import Asked, Room

room = Room("staff")


@room.get("/staff", Page[Staff])
def list_staff(asked: Asked, query: StaffQuery) -> Page[Staff]:
    """Everybody who works here."""
    rows = queries.list_staff(
        asked.session, asked.actor, q=query.q or "", disabled=query.disabled, after=after(query.cursor),
        limit=query.limit + 1,
    )  # fmt: skip
    teams = queries.teams_of(asked.session, [r.id for r in rows])
    return page_by_id(rows, query.limit, lambda row: _show(row, teams, asked.now))


@room.get("/staff/<int:id>", Staff)
def get_staff(asked: Asked, path: IdPath) -> Staff:
    """One person."""
    return _one(asked, queries.get_staff(asked.session, asked.actor, path.id))


@room.post("/staff", Staff, scope="manage", status=201, own_units=True)
def add_staff(asked: Asked, body: StaffNew) -> Staff:
    """Take somebody on."""
    require(asked.actor, Action.STAFF_MANAGE)
    rules.require_good_password(body.password, body.email.split("@")[0], body.name)
    hashed = rules.hash_password(body.password)  # slow: before the transaction
    with asked.open_unit() as session:
        staff = operations.add_staff(
            session, asked.actor, email=body.email, name=body.name, role=body.role, password_hash=hashed,
            initials=body.initials, locale=body.language, time_zone=body.time_zone, now=asked.now,
        )  # fmt: skip
        return _show(staff, {}, asked.now)


@room.patch("/staff/<int:id>", Staff, scope="manage", own_units=True)
def change_staff(asked: Asked, path: IdPath, body: StaffChange) -> Staff:
    """Change somebody's name, role, skills, languages, capacity, absence or password."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    if "absent_until" in body.model_fields_set:
        changes["absent_until"] = body.absent_until
    password = changes.pop("password", None)
    require(asked.actor, Action.STAFF_MANAGE)
    hashed = ""
    if password:
        rules.require_good_password(password)
        hashed = rules.hash_password(password)
    with asked.open_unit() as session:
        staff = queries.get_staff(session, asked.actor, path.id)
        if changes:
            operations.change_staff(session, asked.actor, staff, changes, asked.now)
        if hashed:
            operations.change_password(session, asked.actor, staff, hashed, asked.now)
        return _show(staff, queries.teams_of(session, [staff.id]), asked.now)


@room.post("/staff/<int:id>/disable", Left, scope="manage")
def disable_staff(asked: Asked, path: IdPath) -> Left:
    """Let somebody go: their sessions and tokens end, their conversations return to the
    queues, what they had planned is listed for others to take over."""
    staff = queries.get_staff(asked.session, asked.actor, path.id)
    left = operations.disable_staff(asked.session, asked.actor, staff, asked.now)
    inbox.return_to_queue(asked.session, asked.actor, staff, asked.now)
    return Left(
        conversations=list(left.conversations),
        deliveries=list(left.deliveries),
        posts=list(left.posts),
        sessions_ended=left.sessions_ended,
        tokens_revoked=left.tokens_revoked,
    )


@room.post("/staff/<int:id>/enable", Staff, scope="manage")
def enable_staff(asked: Asked, path: IdPath) -> Staff:
    """Take somebody back."""
    staff = queries.get_staff(asked.session, asked.actor, path.id)
    operations.enable_staff(asked.session, asked.actor, staff, asked.now)
    return _one(asked, staff)


def _one(asked: Asked, staff: StaffRow) -> Staff:
    return _show(staff, queries.teams_of(asked.session, [staff.id]), asked.now)


def _show(staff: StaffRow, teams: dict[int, list[Team]], now: datetime) -> Staff:
    return Staff(
        **briefs.person(staff).model_dump(),
        email=staff.email,
        role=staff.role,
        presence=staff.presence,
        absent_until=rules.absence(staff.absent_until, now),
        languages=staff.languages,
        skills=staff.skills,
        capacity=staff.capacity,
        answers_reviewed=staff.answers_reviewed,
        teams=[briefs.team(t) for t in teams.get(staff.id, [])],
        seen_at=staff.seen_at,
        disabled_at=staff.disabled_at,
    )
