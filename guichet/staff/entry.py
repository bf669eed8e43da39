"""Ways in: passwords, browser sessions, API tokens. Secrets are stored hashed and shown
once; ending is a row, so that it holds for every process at the next question."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.errors import Invalid, NotAllowed, NotFound, NotSignedIn
from guichet.models import ApiToken, IdempotencyKey, Staff, StaffSession
from guichet.policy import SCOPES, Action, Actor, OrgRole, load_actor, require
from guichet.staff import rules
from guichet.staff.queries import find_staff_by_email

_AT_ONCE = 500  # people of one statement


def sign_in(session: Session, *, email: str, password: str) -> Staff:
    """The person with this address and password. Raises NotSignedIn, with the same words
    and after the same time whether the address is known or not. Nothing is written, so the
    slow check holds nobody up: the edge opens the session afterwards."""
    staff = find_staff_by_email(session, email)
    fits = rules.password_fits(staff.password_hash if staff else "", password)
    if staff is None or not fits or staff.disabled_at is not None:
        raise NotSignedIn("the address or the password is not right")
    return staff


def open_session(
    session: Session, staff: Staff, *, now: datetime, ip: str = "", user_agent: str = ""
) -> tuple[StaffSession, str]:
    """A new browser session for somebody whose identity the edge has checked, and its secret
    for the cookie. Always a new one: an old cookie never becomes a signed-in one."""
    secret = rules.new_secret()
    opened = StaffSession(
        staff_id=staff.id, token_hash=rules.hash_secret(secret), created_at=now, seen_at=now,
        expires_at=now + rules.ABSOLUTE, ip=ip[:300], user_agent=user_agent[:300],
    )  # fmt: skip
    session.add(opened)
    staff.seen_at = now
    if staff.presence == "offline":
        staff.presence = "online"
    session.flush()
    audit.record(session, load_actor(session, staff, now, ip=ip), "session.open", opened, now)
    return opened, secret


def touch_session(session: Session, actor: Actor, session_id: int, now: datetime) -> None:
    """Note that a browser session is in use; an idle one ends by itself."""
    session.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=now))
    note_present(session, actor, now)


def touch_token(session: Session, actor: Actor, token_id: int, now: datetime) -> None:
    """Note that a token is in use, so that its person sees which of them nothing uses."""
    session.execute(
        update(ApiToken).where(ApiToken.id == token_id, ApiToken.staff_id == actor.staff_id).values(used_at=now)
    )


def note_present(session: Session, actor: Actor, now: datetime) -> None:
    """Note that somebody has a window open. Who comes back after an absence is online again."""
    if actor.staff_id is not None:
        _note_present(session, [actor.staff_id], now)


def note_many_present(session: Session, actor: Actor, staff_ids: Collection[int], now: datetime) -> None:
    """The same of many people."""
    require(actor, Action.SYSTEM)
    in_order = sorted(staff_ids)
    for first in range(0, len(in_order), _AT_ONCE):
        _note_present(session, in_order[first : first + _AT_ONCE], now)


def _note_present(session: Session, staff_ids: Collection[int], now: datetime) -> None:
    theirs = update(Staff).where(Staff.id.in_(staff_ids))
    was_away = or_(Staff.seen_at.is_(None), Staff.seen_at < now - rules.ABSENT)
    session.execute(theirs.where(Staff.presence == "offline", was_away).values(presence="online"))
    session.execute(theirs.values(seen_at=now))


def note_absent(session: Session, actor: Actor, now: datetime) -> int:
    """Who has no window open any more is offline: nothing is assigned to them. Returns how
    many were found gone."""
    require(actor, Action.SYSTEM)
    gone = session.scalars(select(Staff).where(Staff.presence != "offline", Staff.seen_at < now - rules.ABSENT)).all()
    for staff in gone:
        staff.presence = "offline"
    return len(gone)


def end_session(session: Session, actor: Actor, opened: StaffSession, now: datetime, reason: str = "sign_out") -> None:
    """Sign out one browser: one's own, or anybody's for who manages staff."""
    if actor.staff_id != opened.staff_id:
        require(actor, Action.STAFF_MANAGE)
    if opened.ended_at is None:
        opened.ended_at = now
        opened.end_reason = reason
        audit.record(session, actor, "session.end", opened, now, reason=reason)
        live.tell(session, "signed_out", now, staff_id=opened.staff_id, session_id=opened.id)


def end_own_session(session: Session, opened: StaffSession, now: datetime) -> None:
    """Sign out the browser that shows this session's own secret."""
    end_session(session, load_actor(session, opened.staff, now), opened, now)


def end_sessions(
    session: Session, actor: Actor, staff: Staff, now: datetime, reason: str, keep: int | None = None
) -> int:
    """Sign out every browser of a person but the session `keep`; returns how many."""
    if actor.staff_id != staff.id:
        require(actor, Action.STAFF_MANAGE)
    live_ones = session.scalars(
        select(StaffSession).where(
            StaffSession.staff_id == staff.id, StaffSession.ended_at.is_(None), StaffSession.id != (keep or 0)
        )
    ).all()
    for opened in live_ones:
        end_session(session, actor, opened, now, reason)
    return len(live_ones)


def create_token(
    session: Session, actor: Actor, *, name: str, scopes: list[str], expires_at: datetime | None, now: datetime
) -> tuple[ApiToken, str]:
    """A bearer token of one's own, and its secret, shown this once. A token cannot make
    tokens (a leaked one must not outlive its end)."""
    require(actor, Action.STAFF_VIEW)
    if actor.kind == "token" or actor.staff_id is None:
        raise NotAllowed("only a signed-in person can make a token")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(
            "these are no scopes of a token", {"scopes": say("must be one of {choices}", choices=", ".join(SCOPES))}
        )
    return _add_token(session, actor, actor.staff_id, name, scopes, expires_at, now)


def create_token_for(
    session: Session,
    actor: Actor,
    staff: Staff,
    *,
    name: str,
    scopes: list[str],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[ApiToken, str]:
    """A token for somebody else, from the command line."""
    require(actor, Action.STAFF_MANAGE)
    rules.require_role_within(actor, OrgRole(staff.role))
    return _add_token(session, actor, staff.id, name, scopes, expires_at, now)


def _add_token(
    session: Session,
    actor: Actor,
    staff_id: int,
    name: str,
    scopes: list[str],
    expires_at: datetime | None,
    now: datetime,
) -> tuple[ApiToken, str]:
    secret = rules.new_secret(rules.TOKEN_PREFIX)
    token = ApiToken(
        staff_id=staff_id, name=name, prefix=secret[: len(rules.TOKEN_PREFIX) + 6],
        token_hash=rules.hash_secret(secret), scopes=sorted(set(scopes)), created_at=now, expires_at=expires_at,
    )  # fmt: skip
    session.add(token)
    session.flush()
    audit.record(session, actor, "token.create", token, now, scopes=token.scopes)
    return token, secret


def revoke_token(session: Session, actor: Actor, token: ApiToken, now: datetime) -> None:
    """End a token: one's own, or anybody's for who manages staff."""
    if actor.staff_id != token.staff_id:
        try:
            require(actor, Action.STAFF_MANAGE)
        except NotAllowed:
            raise NotFound("there is no such token") from None
    if token.revoked_at is None:
        token.revoked_at = now
        audit.record(session, actor, "token.revoke", token, now)
        live.tell(session, "rights", now, staff_id=token.staff_id)


def forget_old_keys(session: Session, actor: Actor, now: datetime) -> None:
    """Idempotency keys are honoured for a day."""
    require(actor, Action.SYSTEM)
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - rules.KEYS_KEPT))
