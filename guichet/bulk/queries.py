"""Reading imports: one's own, or everybody's for administrators."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import Session

from guichet.errors import NotFound
from guichet.models import PostImport
from guichet.policy import Action, Actor, can, require


def list_imports(session: Session, actor: Actor, *, before: int = 0, limit: int = 50) -> Sequence[PostImport]:
    """The newest first; `before` is the id of the last one read (0: from the newest)."""
    require(actor, Action.STAFF_VIEW)
    wanted = select(PostImport).where(_may_see(actor)).order_by(PostImport.id.desc()).limit(limit)
    return session.scalars(wanted.where(PostImport.id < before) if before else wanted).all()


def get_import(session: Session, actor: Actor, import_id: int) -> PostImport:
    """Raises NotFound, also for one that is not the actor's."""
    found = session.scalars(select(PostImport).where(PostImport.id == import_id, _may_see(actor))).first()
    if found is None:
        raise NotFound("there is no such import, or it is not yours")
    return found


def _may_see(actor: Actor) -> ColumnElement[bool]:
    return true() if can(actor, Action.BRAND_MANAGE) else PostImport.staff_id == actor.staff_id
