"""Who is behind many secrets at once, with the rights of this moment: what the live streams of
a process ask again and again. Asking for each alone would take a processor for itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from guichet.models import Account, ApiToken, Grant, Staff, StaffSession, TeamMember
from guichet.policy import ACCOUNT_RIGHTS, AccountRole, Action, Actor, OrgRole
from guichet.staff.rules import session_is_live

_AT_ONCE = 500  # secrets, or people, of one statement
_Rights = dict[int, frozenset[Action]]  # by account

_PERSON = (Staff.id, Staff.name, Staff.role, Staff.answers_reviewed, Staff.disabled_at)
_SESSIONS = select(
    StaffSession.token_hash, StaffSession.seen_at, StaffSession.expires_at, StaffSession.ended_at, *_PERSON
).join(StaffSession.staff)
_TOKENS = (
    select(ApiToken.token_hash, ApiToken.scopes, ApiToken.expires_at, *_PERSON)
    .join(ApiToken.staff)
    .where(ApiToken.revoked_at.is_(None), Staff.disabled_at.is_(None))
)
_GRANTS = select(Grant.staff_id, Grant.team_id, Grant.role, Account.id).join(
    Account, or_(Grant.account_id == Account.id, Grant.brand_id == Account.brand_id)
)


def actors_behind(
    session: Session, now: datetime, *, sessions: Collection[str], tokens: Collection[str]
) -> dict[str, Actor]:
    """The actor behind each hashed secret that still lets somebody in. Says of many what
    `find_session`, `find_token` and `load_actor` say of one, save the questions of their topics."""
    opened = [row for row in _among(session, _SESSIONS, StaffSession.token_hash, sessions) if _is_live(row, now)]
    valid = [
        row
        for row in _among(session, _TOKENS, ApiToken.token_hash, tokens)
        if row.expires_at is None or row.expires_at > now
    ]
    rights = _held(session, {row.id for row in (*opened, *valid)}, now)
    return {
        **{row.token_hash: _actor(row, rights[row.id]) for row in opened},
        **{row.token_hash: _actor(row, rights[row.id], kind="token", scopes=frozenset(row.scopes)) for row in valid},
    }


def _among(
    session: Session, query: Select[*tuple[Any, ...]], column: InstrumentedAttribute[Any], wanted: Collection[Any]
) -> Iterator[Row[*tuple[Any, ...]]]:
    in_order = sorted(wanted)
    for first in range(0, len(in_order), _AT_ONCE):
        yield from session.execute(query.where(column.in_(in_order[first : first + _AT_ONCE])))


def _is_live(row: Row[*tuple[Any, ...]], now: datetime) -> bool:
    return session_is_live(
        seen_at=row.seen_at, expires_at=row.expires_at, ended_at=row.ended_at, disabled_at=row.disabled_at, now=now
    )


def _actor(row: Row[*tuple[Any, ...]], rights: _Rights, **more: Any) -> Actor:
    return Actor(
        row.id, role=OrgRole(row.role), accounts=rights, name=row.name, is_reviewed=row.answers_reviewed, **more
    )


def _held(session: Session, staff_ids: Collection[int], now: datetime) -> Mapping[int, _Rights]:
    """What each may do, by account: what they were granted, and what their teams were."""
    grants = _GRANTS.where(or_(Grant.ends_at.is_(None), Grant.ends_at > now))
    own, of_teams = defaultdict[int, _Rights](dict), defaultdict[int, _Rights](dict)
    for row in _among(session, grants, Grant.staff_id, staff_ids):
        _add(own[row.staff_id], row)
    for row in session.execute(grants.where(Grant.team_id.is_not(None))):
        _add(of_teams[row.team_id], row)
    teams = defaultdict[int, list[int]](list)
    members = select(TeamMember.staff_id, TeamMember.team_id).order_by(TeamMember.team_id)
    for member in _among(session, members, TeamMember.staff_id, staff_ids):
        teams[member.staff_id].append(member.team_id)
    shared: dict[tuple[int, ...], _Rights] = {}  # many are in the same teams
    held: dict[int, _Rights] = {}
    for staff_id in staff_ids:
        together = tuple(teams[staff_id])
        if together not in shared:
            shared[together] = _united([of_teams[team] for team in together])
        held[staff_id] = _united([shared[together], own[staff_id]]) if own[staff_id] else shared[together]
    return held


def _add(rights: _Rights, row: Row[*tuple[Any, ...]]) -> None:
    rights[row.id] = rights.get(row.id, frozenset()) | ACCOUNT_RIGHTS[AccountRole(row.role)]


def _united(many: Sequence[_Rights]) -> _Rights:
    united: _Rights = {}
    for rights in many:
        for account, actions in rights.items():
            united[account] = united.get(account, frozenset()) | actions
    return united
