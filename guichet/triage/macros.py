"""Macros: several actions under one name, of one person, a team, a brand, or for everybody.

A macro gives nobody a right: it does what whoever applies it could do by hand, or refuses
(guichet.triage.carrying_out).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.accounts.queries import get_brand, in_brands_seen
from guichet.errors import Invalid, NotAllowed, NotFound
from guichet.models import Label, Macro, Staff, Team, TeamMember, Topic
from guichet.policy import Action, Actor, can, require
from guichet.triage import macro_rules

_TARGETS = {"label": Label, "unlabel": Label, "team": Team, "assignee": Staff, "topic": Topic}
MOST_OWN = 200


def list_macros(session: Session, actor: Actor) -> Sequence[Macro]:
    """One's own, those of one's teams and of the brands one sees, and everybody's, in order."""
    require(actor, Action.STAFF_VIEW)
    teams = select(TeamMember.team_id).where(TeamMember.staff_id == actor.staff_id)
    for_all = Macro.staff_id.is_(None) & Macro.team_id.is_(None) & Macro.brand_id.is_(None)
    of_brand = in_brands_seen(session, actor, Macro.brand_id)
    of_team = Macro.team_id.is_not(None) if can(actor, Action.CANNED_MANAGE) else Macro.team_id.in_(teams)
    own = Macro.staff_id == actor.staff_id if actor.staff_id is not None else false()
    wanted = select(Macro).where(or_(own, of_team, of_brand, for_all))
    return session.scalars(wanted.order_by(Macro.position, Macro.id)).all()


def get_macro(session: Session, actor: Actor, macro_id: int) -> Macro:
    """Raises NotFound, also for one that is not the actor's to see."""
    found = next((one for one in list_macros(session, actor) if one.id == macro_id), None)
    if found is None:
        raise NotFound("there is no such macro")
    return found


def add_macro(
    session: Session,
    actor: Actor,
    *,
    name: str,
    actions: Sequence[Mapping[str, Any]],
    is_own: bool = True,
    owner_id: int | None = None,
    team_id: int | None = None,
    brand_id: int | None = None,
    now: datetime,
) -> Macro:
    """Keep a macro, last in order. `is_own`: only for oneself; `owner_id`: for that person, by who
    manages the staff; else for a team, a brand or everybody, by who manages prepared texts.
    Raises Invalid."""
    require(actor, Action.STAFF_VIEW if is_own else Action.CANNED_MANAGE)
    if is_own:
        owner_id = actor.staff_id
    elif owner_id is not None:
        require(actor, Action.STAFF_MANAGE)
    is_shared = team_id is not None or brand_id is not None
    if (is_own and owner_id is None) or (owner_id is not None and is_shared):
        raise Invalid("a macro is one's own, a team's or a brand's", {"own": "cannot be both"})
    if team_id is not None and brand_id is not None:
        raise Invalid("a macro is one's own, a team's or a brand's", {"team_id": "cannot be both"})
    if brand_id is not None:
        get_brand(session, actor, brand_id)
    if team_id is not None and session.get(Team, team_id) is None:
        raise NotFound("there is no such team")
    last = session.scalar(select(func.max(Macro.position))) or 0
    macro = Macro(
        name=macro_rules.checked_name(name), actions=_checked(session, actions), position=last + 1,
        staff_id=owner_id, team_id=team_id, brand_id=brand_id, updated_at=now,
    )  # fmt: skip
    if is_own:
        _refuse_too_many(session, actor)
    session.add(macro)
    session.flush()
    audit.record(session, actor, "macro.add", macro, now, macro=macro.name)
    return macro


def change_macro(
    session: Session,
    actor: Actor,
    macro: Macro,
    *,
    name: str | None = None,
    actions: Sequence[Mapping[str, Any]] | None = None,
    now: datetime,
) -> Macro:
    """Another name, other actions; None leaves what is. Raises Invalid."""
    require_manage(actor, macro)
    if name is not None:
        macro.name = macro_rules.checked_name(name)
    if actions is not None:
        macro.actions = _checked(session, actions)
    macro.updated_at = now
    audit.record(session, actor, "macro.change", macro, now, macro=macro.name)
    return macro


def remove_macro(session: Session, actor: Actor, macro: Macro, now: datetime) -> None:
    require_manage(actor, macro)
    audit.record(session, actor, "macro.remove", macro, now, macro=macro.name)
    session.delete(macro)


def order_macros(session: Session, actor: Actor, ids: Sequence[int], now: datetime) -> Sequence[Macro]:
    """Put those named into this order, in the places that they had. Gives all that one sees."""
    require(actor, Action.STAFF_VIEW)
    if len(set(ids)) != len(ids):
        raise Invalid("each macro has one place", {"ids": "must name each once"})
    macros = [get_macro(session, actor, macro_id) for macro_id in ids]
    for macro in macros:
        require_manage(actor, macro)
    for macro, position in zip(macros, sorted(one.position for one in macros), strict=True):
        macro.position = position
    session.flush()
    audit.record(session, actor, "macro.order", None, now, ids=list(ids))
    return list_macros(session, actor)


def require_manage(actor: Actor, macro: Macro) -> None:
    """One's own; by who manages prepared texts, what is shared; by who manages the staff, a
    person's. Raises NotAllowed."""
    if not may_manage(actor, macro):
        raise NotAllowed("this macro is not yours to change")


def may_manage(actor: Actor, macro: Macro) -> bool:
    if macro.staff_id is not None:
        return can(actor, Action.STAFF_VIEW if macro.staff_id == actor.staff_id else Action.STAFF_MANAGE)
    return can(actor, Action.CANNED_MANAGE)


def _checked(session: Session, actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    kept = macro_rules.checked_actions(actions)
    wrong = {
        f"actions.{n}.value": "does not exist"
        for n, action in enumerate(kept)
        if action["kind"] in _TARGETS and not _exists(session, action["kind"], action["value"])
    }
    if wrong:
        raise Invalid("this macro cannot be kept so", wrong)
    return kept


def _exists(session: Session, kind: str, value: int) -> bool:
    if kind == "assignee" and value == 0:
        return True
    return session.get(_TARGETS[kind], value) is not None


def _refuse_too_many(session: Session, actor: Actor) -> None:
    own = select(func.count()).select_from(Macro).where(Macro.staff_id == actor.staff_id)
    if (session.scalar(own) or 0) >= MOST_OWN:
        raise Invalid("you have too many macros", {"name": "take one away first"})
