"""What is prepared beforehand: canned replies and saved views of the inbox.

A canned reply of a brand is for who sees that brand's accounts; a shared view is a filter
for all, and shows to each only what they may see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from guichet import audit
from guichet.accounts.queries import get_brand, in_brands_seen
from guichet.errors import NotAllowed, NotFound
from guichet.models import CannedReply, SavedView
from guichet.policy import Action, Actor, can, require
from guichet.triage import texts


def list_canned(session: Session, actor: Actor, *, after: int = 0, limit: int = 200) -> Sequence[CannedReply]:
    """Canned replies for everybody, and those of the brands one sees, by id."""
    require(actor, Action.STAFF_VIEW)
    query = select(CannedReply).where(CannedReply.id > after).order_by(CannedReply.id).limit(limit)
    own = in_brands_seen(session, actor, CannedReply.brand_id)
    return session.scalars(query.where(or_(CannedReply.brand_id.is_(None), own))).all()


def get_canned(session: Session, actor: Actor, canned_id: int) -> CannedReply:
    """Raises NotFound, also for one of a brand that the actor does not see."""
    require(actor, Action.STAFF_VIEW)
    found = session.get(CannedReply, canned_id)
    if found is None:
        raise NotFound("there is no such canned reply")
    if found.brand_id is not None:
        get_brand(session, actor, found.brand_id)
    return found


def add_canned(
    session: Session, actor: Actor, *, title: str, text: str, brand_id: int | None = None, now: datetime, **more: Any
) -> CannedReply:
    """Prepare a text, for all brands or one. `more`: the other fields of guichet.triage.texts.
    Raises Invalid."""
    require(actor, Action.CANNED_MANAGE)
    if brand_id is not None:
        get_brand(session, actor, brand_id)
    values = texts.checked({"shortcut": "", "language": "", **more, "title": title, "text": text})
    canned = CannedReply(brand_id=brand_id, created_by=actor.staff_id, updated_at=now, **values)
    session.add(canned)
    session.flush()
    audit.record(session, actor, "canned.add", canned, now)
    return canned


def change_canned(
    session: Session, actor: Actor, canned: CannedReply, changes: Mapping[str, Any], now: datetime
) -> CannedReply:
    """Change some of the fields of guichet.triage.texts; others are left. Raises Invalid."""
    require(actor, Action.CANNED_MANAGE)
    was = {name: getattr(canned, name) for name in texts.FIELDS}
    for name, value in texts.checked({**was, **changes}).items():
        setattr(canned, name, value)
    canned.updated_at = now
    audit.record(session, actor, "canned.change", canned, now, fields=sorted(changes))
    return canned


def remove_canned(session: Session, actor: Actor, canned: CannedReply, now: datetime) -> None:
    require(actor, Action.CANNED_MANAGE)
    audit.record(session, actor, "canned.remove", canned, now)
    session.delete(canned)


def list_views(session: Session, actor: Actor) -> Sequence[SavedView]:
    """One's own views and the shared ones, in their order."""
    require(actor, Action.STAFF_VIEW)
    mine = or_(SavedView.staff_id == actor.staff_id, SavedView.staff_id.is_(None))
    return session.scalars(select(SavedView).where(mine).order_by(SavedView.position, SavedView.id)).all()


def get_view(session: Session, actor: Actor, view_id: int) -> SavedView:
    """Raises NotFound for somebody else's."""
    require(actor, Action.STAFF_VIEW)
    view = session.get(SavedView, view_id)
    if view is None or view.staff_id not in (None, actor.staff_id):
        raise NotFound("there is no such view")
    return view


def add_view(
    session: Session, actor: Actor, *, name: str, filters: Mapping[str, Any], is_shared: bool, now: datetime
) -> SavedView:
    """Keep a filter; one for all only by who manages labels (team leads and above)."""
    require(actor, Action.STAFF_VIEW)
    if is_shared:
        require(actor, Action.LABEL_MANAGE)
    view = SavedView(staff_id=None if is_shared else actor.staff_id, name=name, filters=dict(filters))
    session.add(view)
    session.flush()
    audit.record(session, actor, "view.add", view, now)
    return view


def remove_view(session: Session, actor: Actor, view: SavedView, now: datetime) -> None:
    """One's own, or a shared one by who may share."""
    require(actor, Action.STAFF_VIEW)
    if view.staff_id is None and not can(actor, Action.LABEL_MANAGE):
        raise NotAllowed("only who may share views can take one away")
    audit.record(session, actor, "view.remove", view, now)
    session.delete(view)
