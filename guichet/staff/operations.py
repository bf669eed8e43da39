"""People: taking them on, changing what they may be, letting them go.

Sessions and tokens stand in `guichet/staff/entry.py`, teams and grants in
`guichet/staff/rights.py`; all three are offered here, so that callers know one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from guichet import audit, live
from guichet.db.changing import change_rows
from guichet.errors import Conflict, Invalid, NotAllowed
from guichet.models import ApiToken, CalendarFeed, Staff
from guichet.policy import Action, Actor, OrgRole, require
from guichet.staff import queries, rules
from guichet.staff.entry import (
    create_token,
    create_token_for,
    end_own_session,
    end_session,
    end_sessions,
    open_session,
    revoke_token,
    sign_in,
    touch_session,
)
from guichet.staff.rights import add_team, change_team, end_grant, give_grant, remove_team

__all__ = [
    "Left",
    "add_staff",
    "add_team",
    "change_own",
    "change_password",
    "change_staff",
    "change_team",
    "create_token",
    "create_token_for",
    "disable_staff",
    "enable_staff",
    "end_grant",
    "end_own_session",
    "end_session",
    "end_sessions",
    "give_grant",
    "open_session",
    "remove_team",
    "revoke_token",
    "sign_in",
    "touch_session",
]

_OWN = frozenset(
    {"locale", "time_zone", "presence", "preferences", "absent_until", "undo_seconds", "quiet_from", "quiet_until"}
)
_MANAGED = frozenset(
    {"name", "initials", "role", "languages", "skills", "capacity", "time_zone", "absent_until", "answers_reviewed"}
)
_LONGEST_ABSENCE = timedelta(days=366)


@dataclass(frozen=True)
class Left:
    """What a person leaves behind: ids of what somebody else has to take over."""

    conversations: tuple[int, ...]
    deliveries: tuple[int, ...]
    posts: tuple[int, ...]
    sessions_ended: int
    tokens_revoked: int


def add_staff(
    session: Session,
    actor: Actor,
    *,
    email: str,
    name: str,
    role: str = "member",
    password_hash: str = "",
    initials: str = "",
    locale: str = "en",
    time_zone: str = "UTC",
    now: datetime,
) -> Staff:
    """Take somebody on. `password_hash` comes from `rules.hash_password`, made before the
    transaction (it is slow); empty: they cannot sign in by password.

    Raises Invalid for what is no address or no name, Conflict where the address is taken,
    NotAllowed for a role above the actor's.
    """
    require(actor, Action.STAFF_MANAGE)
    rules.require_good_person(email, name)
    rules.require_role_within(actor, OrgRole(role))
    if queries.find_staff_by_email(session, email) is not None:
        raise Conflict("somebody here already has this address", code="email_taken")
    staff = Staff(
        email=rules.fold_email(email), name=name, initials=initials or rules.initials_of(name), role=role,
        password_hash=password_hash, password_changed_at=now if password_hash else None,
        locale=locale, time_zone=time_zone, created_at=now,
    )  # fmt: skip
    session.add(staff)
    session.flush()
    audit.record(session, actor, "staff.add", staff, now, role=role)
    return staff


def change_staff(session: Session, actor: Actor, staff: Staff, changes: dict[str, Any], now: datetime) -> Staff:
    """Change name, initials, role, languages, skills, capacity, time zone, whether
    their answers need a colleague's approval, or until when they are away (None: they are here):
    deputies decide in their place.

    The last owner keeps that role (Conflict)."""
    require(actor, Action.STAFF_MANAGE)
    _refuse_others(changes, _MANAGED)
    rules.require_role_within(actor, OrgRole(staff.role))
    if "role" in changes:
        rules.require_role_within(actor, OrgRole(changes["role"]))
        if changes["role"] != OrgRole.OWNER:
            _require_another_owner(session, staff)
    _require_good_absence(changes, now)
    for name, value in changes.items():
        setattr(staff, name, value)
    audit.record(session, actor, "staff.change", staff, now, fields=sorted(changes))
    if "absent_until" in changes:
        live.tell(session, "post", now)
    live.tell(session, "rights", now, staff_id=staff.id)
    return staff


def change_own(session: Session, actor: Actor, changes: dict[str, Any], now: datetime) -> Staff:
    """Change what is one's own: language, time zone, presence, preferences, until when one is
    away (None: one is here): deputies decide in one's place."""
    require(actor, Action.STAFF_VIEW)
    staff = _self(session, actor)
    _refuse_others(changes, _OWN)
    _require_good_absence(changes, now)
    for name, value in changes.items():
        setattr(staff, name, value)
    staff.seen_at = now
    if "absent_until" in changes:
        audit.record(session, actor, "staff.absent", staff, now)
        live.tell(session, "post", now)  # who is asked about posts is somebody else now
    return staff


def change_password(
    session: Session, actor: Actor, staff: Staff, password_hash: str, now: datetime, keep: int | None = None
) -> None:
    """Set a new password, already checked and hashed by `rules`. Oneself (the edge has
    checked the old one), or for somebody else whoever manages staff. Ends every session but
    `keep`, and revokes no token: they are listed beside it."""
    if actor.staff_id != staff.id or actor.kind == "token":
        require(actor, Action.STAFF_MANAGE)
        rules.require_role_within(actor, OrgRole(staff.role))
    staff.password_hash = password_hash
    staff.password_changed_at = now
    end_sessions(session, actor, staff, now, "password_changed", keep=keep)
    audit.record(session, actor, "staff.password", staff, now)


def disable_staff(session: Session, actor: Actor, staff: Staff, now: datetime) -> Left:
    """Let somebody go: ends their sessions, tokens and feeds at once; what they leave is listed for
    others to take over. The edge then gives their conversations back to the queues
    (guichet.inbox), in the same transaction. The last owner stays (Conflict)."""
    require(actor, Action.STAFF_MANAGE)
    rules.require_role_within(actor, OrgRole(staff.role))
    _require_another_owner(session, staff)
    if staff.disabled_at is None:
        staff.disabled_at = now
        staff.presence = "offline"
    ended = end_sessions(session, actor, staff, now, "disabled")
    tokens = update(ApiToken).where(ApiToken.staff_id == staff.id, ApiToken.revoked_at.is_(None))
    revoked = change_rows(session, tokens.values(revoked_at=now))
    feeds = update(CalendarFeed).where(CalendarFeed.made_by == staff.id, CalendarFeed.revoked_at.is_(None))
    session.execute(feeds.values(revoked_at=now))
    left = Left(
        tuple(queries.open_conversations(session, staff)),
        tuple(queries.planned_deliveries(session, staff)),
        tuple(queries.drafts_of(session, staff)),
        ended,
        revoked,
    )
    audit.record(
        session, actor, "staff.disable", staff, now,
        sessions=ended, tokens=revoked, conversations=len(left.conversations), deliveries=len(left.deliveries),
    )  # fmt: skip
    live.tell(session, "rights", now, staff_id=staff.id)
    return left


def enable_staff(session: Session, actor: Actor, staff: Staff, now: datetime) -> None:
    """Take somebody back: they may sign in again; sessions and tokens stay ended."""
    require(actor, Action.STAFF_MANAGE)
    rules.require_role_within(actor, OrgRole(staff.role))
    staff.disabled_at = None
    audit.record(session, actor, "staff.enable", staff, now)


def _self(session: Session, actor: Actor) -> Staff:
    staff = session.get(Staff, actor.staff_id) if actor.staff_id else None
    if staff is None:
        raise NotAllowed("only a person has a profile")
    return staff


def _refuse_others(changes: dict[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(set(changes) - known)
    if unknown:
        raise Invalid("this cannot be changed", dict.fromkeys(unknown, "cannot be changed here"))


def _require_good_absence(changes: dict[str, Any], now: datetime) -> None:
    until = changes.get("absent_until")
    if until is not None and not now < until <= now + _LONGEST_ABSENCE:
        raise Invalid("nobody can be away until then", {"absent_until": "must be in the future, within a year"})


def _require_another_owner(session: Session, staff: Staff) -> None:
    if staff.role == OrgRole.OWNER and staff.disabled_at is None and not queries.count_other_owners(session, staff):
        raise Conflict("the last owner cannot leave or lose that role", code="last_owner")
