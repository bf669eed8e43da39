"""Oneself: who is signed in, with which rights, and how one wants it."""

from __future__ import annotations

import json

from flask import Response

from guichet.errors import Invalid, NotAllowed
from guichet.models import Staff, StaffSession
from guichet.policy import Action, can
from guichet.staff import operations, queries, rules
from webapp.api import briefs
from webapp.api.schemas.common import Done
from webapp.api.schemas.people import Me, MeChange, PasswordChange
from webapp.asking import Asked, Room
from webapp.auth import take_cookie

room = Room("me")
_ORGANISATION = tuple(a for a in Action if a is not Action.SYSTEM)
_LARGEST_PREFERENCES = 20_000  # bytes of JSON


@room.get("/me", Me)
def get_me(asked: Asked) -> Me:
    """Who is signed in, and what they may do."""
    return _me(asked)


@room.patch("/me", Me, scope="")
def change_me(asked: Asked, body: MeChange) -> Me:
    """Change one's own language, time zone, presence or preferences."""
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    if "absent_until" in body.model_fields_set:
        changes["absent_until"] = body.absent_until
    if "language" in changes:
        changes["locale"] = changes.pop("language")
    if len(json.dumps(changes.get("preferences", {}))) > _LARGEST_PREFERENCES:
        raise Invalid("these preferences are too large", {"preferences": "are too large"})
    operations.change_own(asked.session, asked.actor, changes, asked.now)
    return _me(asked)


@room.post("/me/sign-out", Done, scope="")
def sign_out(asked: Asked) -> Response:
    """End this browser's session."""
    opened = asked.session.get_one(StaffSession, asked.session_id)
    operations.end_session(asked.session, asked.actor, opened, asked.now)
    response = Response(Done().model_dump_json(), mimetype="application/json")
    take_cookie(response, asked.runtime)
    return response


@room.post("/me/password", Done, scope="", own_units=True, secret=True)
def change_my_password(asked: Asked, body: PasswordChange) -> Done:
    """Change one's own password; every other session of one's own ends."""
    with asked.runtime.reading() as session:
        staff = session.get_one(Staff, asked.staff_id)
        stored, about = staff.password_hash, (staff.email.split("@")[0], staff.name)
    if not rules.password_fits(stored, body.old):
        raise NotAllowed("the old password is not right", code="wrong_password")
    rules.require_good_password(body.new, *about)
    hashed = rules.hash_password(body.new)
    with asked.open_unit() as session:
        staff = session.get_one(Staff, asked.staff_id)
        operations.change_password(session, asked.actor, staff, hashed, asked.now, keep=asked.session_id)
    return Done()


def _me(asked: Asked) -> Me:
    staff = asked.session.get_one(Staff, asked.staff_id)
    settings = asked.runtime.settings
    return Me(
        **briefs.person(staff).model_dump(),
        email=staff.email,
        role=staff.role,
        language="fr" if staff.locale == "fr" else "en",
        time_zone=staff.time_zone,
        presence=staff.presence,
        absent_until=rules.absence(staff.absent_until, asked.now),
        capacity=staff.capacity,
        answers_reviewed=staff.answers_reviewed,
        teams=[briefs.team(t) for t in queries.teams_of(asked.session, [staff.id]).get(staff.id, [])],
        csrf_token=asked.csrf_token,
        can=[a.value for a in _ORGANISATION if can(asked.actor, a)],
        quiet_from=staff.quiet_from,
        quiet_until=staff.quiet_until,
        undo_seconds=staff.undo_seconds,
        preferences=staff.preferences,
        organisation="Guichet",
        rehearsal=bool(asked.networks.rehearsal),
        public_url=settings.public_url,
    )
