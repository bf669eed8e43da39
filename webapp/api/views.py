"""Views of the inbox: the built-in ones and those that people keep, with their counts."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from guichet.errors import Invalid, NotFound
from guichet.inbox import queries
from guichet.inbox.queries import Count, Filters
from guichet.models import SavedView
from guichet.triage import prepared
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.inbox import ConversationQuery
from webapp.api.schemas.prepared import View, ViewNew
from webapp.api.threads import PRIORITIES
from webapp.asking import Asked, Room
from webapp.refusals import refusal

room = Room("views")

_UNFINISHED = ["new", "open", "waiting_customer", "waiting_internal", "snoozed"]

BUILT_IN: dict[str, dict[str, Any]] = {
    "open": {},
    "mine": {"assignee": "me"},
    "unassigned": {"assignee": "none"},
    "mentions": {"mentioned": True, "state": _UNFINISHED},
    "approval": {"approval": True, "state": ["all"]},
    "held": {"held": True, "state": ["waiting_internal"], "sort": "oldest_waiting"},
    "pool": {"pooled": True, "state": _UNFINISHED},
    "followed": {"followed": True, "state": _UNFINISHED},
    "waiting": {"waiting": True, "state": ["all"]},
    "late": {"late": True, "state": _UNFINISHED, "sort": "deadline"},
    "urgent": {"priority": "urgent"},
    "snoozed": {"state": ["snoozed", "waiting_internal"]},
    "done": {"state": ["waiting_customer", "resolved", "closed"]},
    "spam": {"state": ["spam"]},
}
_NOT_FILTERS = frozenset({"view", "cursor", "limit"})


@room.get("/views", Page[View])
def list_views(asked: Asked) -> Page[View]:
    """Views with how many conversations each shows."""
    kept = prepared.list_views(asked.session, asked.actor)
    lists = [_to_filters(_query_of(filters)) for filters in (*BUILT_IN.values(), *(v.filters for v in kept))]
    counts = queries.count_each(asked.session, asked.actor, lists)
    built_in = [_show(name, name, filters, counts.pop(0)) for name, filters in BUILT_IN.items()]
    return Page(items=[*built_in, *(_show_kept(view, counts.pop(0)) for view in kept)])


@room.post("/views", View, scope="answer", status=201)
def add_view(asked: Asked, body: ViewNew) -> View:
    """Keep a filter under a name."""
    count = queries.count_conversations(asked.session, asked.actor, _to_filters(_query_of(body.filters)))
    view = prepared.add_view(
        asked.session, asked.actor, name=body.name, filters=body.filters, is_shared=body.shared, now=asked.now
    )
    return _show_kept(view, count)


@room.delete("/views/<int:id>", Done, scope="answer")
def remove_view(asked: Asked, path: IdPath) -> Done:
    """Take a kept view away."""
    view = prepared.get_view(asked.session, asked.actor, path.id)
    prepared.remove_view(asked.session, asked.actor, view, asked.now)
    return Done()


def filters_for(asked: Asked, query: ConversationQuery) -> Filters:
    """What a list shows: the view's filters, overridden by what the query names itself."""
    given = query.model_dump(exclude_none=True, exclude_unset=True, exclude=set(_NOT_FILTERS))
    if query.view:
        given = {**_filters_of(asked, query.view), **given}
    return _to_filters(_query_of(given))


def order_for(asked: Asked, query: ConversationQuery) -> str:
    """The order that the query names, else the view's own."""
    if query.view and "sort" not in query.model_fields_set:
        return _query_of(_filters_of(asked, query.view)).sort
    return query.sort


def _filters_of(asked: Asked, view: str) -> dict[str, Any]:
    if view in BUILT_IN:
        return BUILT_IN[view]
    if not view.isdecimal() or len(view) > 15:
        raise NotFound("there is no such view")
    return prepared.get_view(asked.session, asked.actor, int(view)).filters


def query_for(given: dict[str, Any]) -> ConversationQuery:
    """Filters as the list takes them, a view among them, from a body. Raises Invalid."""
    view = given.get("view")
    if view is not None and not isinstance(view, str):
        raise Invalid("these are no filters", {"filters.view": "must be a text"})
    query = _query_of({name: value for name, value in given.items() if name != "view"})
    return query if view is None else query.model_copy(update={"view": view})


def _query_of(filters: dict[str, Any]) -> ConversationQuery:
    if set(filters) & _NOT_FILTERS:
        raise Invalid("these are no filters", {"filters": "must not hold view, cursor or limit"})
    try:
        return ConversationQuery.model_validate(filters)
    except ValidationError as e:
        wrong = {f"filters.{'.'.join(map(str, one['loc']))}": refusal(one) for one in e.errors()}
        raise Invalid("these filters make no sense", wrong) from None


def _to_filters(query: ConversationQuery) -> Filters:
    return Filters(
        account_ids=tuple(query.account_id or ()),
        brand_id=query.brand_id,
        network=query.network or "",
        states=tuple(query.state or ()),
        assignee=query.assignee or "",
        team_id=query.team_id,
        label_id=query.label_id,
        language=query.language or "",
        priority=PRIORITIES.index(query.priority) if query.priority else None,
        is_waiting=bool(query.waiting),
        is_late=bool(query.late),
        is_followed=bool(query.followed),
        is_mentioned=bool(query.mentioned),
        is_to_approve=bool(query.approval),
        is_held=bool(query.held),
        is_pooled=bool(query.pooled),
        text=query.q or "",
    )


def _show_kept(view: SavedView, count: Count) -> View:
    kept = _show(str(view.id), view.name, view.filters, count)
    return kept.model_copy(update={"builtin": False, "shared": view.staff_id is None})


def _show(view_id: str, name: str, filters: dict[str, Any], count: Count) -> View:
    return View(id=view_id, name=name, builtin=True, shared=True, filters=filters, count=count.n, more=count.is_capped)
