"""Reading the inbox: the list, its counts, one conversation. Every query is limited to the
accounts that the actor may see, counts included.

Lists go by keyset and never by offset, one index walk for each account (or person, or
team) so that they cost the same at ten thousand and at ten million conversations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from channels.sentences import say
from guichet.db import dialect
from guichet.errors import Invalid
from guichet.inbox import cursors, excerpts, narrowing, searching, sought
from guichet.inbox.cursors import Cursor
from guichet.inbox.narrowing import Narrowing
from guichet.inbox.rows import ConversationRow, read_rows, with_excerpts
from guichet.inbox.states import ACTIVE, UNFINISHED, State
from guichet.models import Account, Conversation, ConversationCount, ConversationLabel, Message, table_of
from guichet.policy import Action, Actor, visible, visible_accounts, visible_conversations

ORDERS = ("oldest_waiting", "deadline", "newest")
COUNT_CAP = 999
LIST_LIMIT = 200
_PROBED = 2000  # conversations that are asked one by one what was said in them, before all such are gathered


@dataclass(frozen=True)
class Filters:
    """What a list shows; empty means no restriction.

    `states` empty means new and open ("all" in it: every state). `assignee`: "" anybody's,
    "none" nobody's, "me", or a staff id in digits. `is_late`: a promise is broken.
    `is_followed`, `is_mentioned`: by whoever asks, or them by a note. `is_to_approve`: an answer
    waits for the approval of whoever asks. `text` is searched for
    (guichet.inbox.sought); states that it names go before `states`.
    """

    account_ids: tuple[int, ...] = ()
    brand_id: int | None = None
    network: str = ""
    states: tuple[str, ...] = ()
    assignee: str = ""
    team_id: int | None = None
    label_id: int | None = None
    language: str = ""
    priority: int | None = None
    is_waiting: bool = False
    is_late: bool = False
    is_followed: bool = False
    is_mentioned: bool = False
    is_to_approve: bool = False
    is_pooled: bool = False
    is_held: bool = False
    text: str = ""

    def checked(self) -> Filters:
        """Raises Invalid naming the field that makes no sense."""
        fields: dict[str, str] = {}
        if not set(self.states) <= {*State, "all"}:
            fields["state"] = say("must be one of {choices}", choices=", ".join(("all", *State)))
        if self.assignee not in ("", "none", "me") and not self.assignee.isdecimal():
            fields["assignee"] = say("must be one of {choices}", choices="none, me, id")
        if fields:
            raise Invalid("this filter makes no sense", fields)
        return self

    def wanted_states(self) -> tuple[str, ...]:
        if "all" in self.states:
            return tuple(State)
        return self.states or tuple(sorted(ACTIVE))


@dataclass(frozen=True)
class Page:
    """`next_cursor` is "" at the end."""

    items: list[ConversationRow]
    next_cursor: str = ""


@dataclass(frozen=True)
class Count:
    """`n` at most COUNT_CAP; `is_capped`: there are more ("999+")."""

    n: int
    is_capped: bool = False


@dataclass(frozen=True)
class Badges:
    """How many conversations are new or open, of those that the actor may see."""

    active: int = 0
    unassigned: int = 0
    mine: int = 0
    by_state: dict[str, int] = field(default_factory=dict)
    by_account: dict[int, int] = field(default_factory=dict)
    by_team: dict[int, int] = field(default_factory=dict)


def list_conversations(
    session: Session,
    actor: Actor,
    filters: Filters = Filters(),
    *,
    order: str = "oldest_waiting",
    after: str = "",
    limit: int = 50,
) -> Page:
    """One page. "oldest_waiting": who waits longest first, then the others, newest first;
    "deadline": whose promise ends first, then the others in the same way; "newest": by the last
    message. Raises Invalid for a filter, order or cursor that makes no sense."""
    walk = _walk_for(session, actor, filters.checked(), limit, _accounts_for(session, actor, filters))
    if order not in ORDERS:
        raise Invalid("there is no such order", {"order": say("must be one of {choices}", choices=", ".join(ORDERS))})
    # What is finished does not wait, but for an answer on its way: its newest come first.
    first = _FIRST.get(order) if not UNFINISHED.isdisjoint(walk.states) else None
    keys = _by_first(session, walk, after, *first) if first else _by_newest(session, walk, after, "newest")
    page = keys[: walk.limit]
    ids = [k.id for k in page]
    rows = with_excerpts(read_rows(session, ids, actor.staff_id), excerpts.read_excerpts(session, walk.narrowing, ids))
    return Page(rows, cursors.write(page[-1]) if len(keys) > walk.limit else "")


def count_conversations(session: Session, actor: Actor, filters: Filters = Filters()) -> Count:
    """How many a list with these filters has, counted up to COUNT_CAP."""
    walk = _walk_for(session, actor, filters.checked(), COUNT_CAP, _accounts_for(session, actor, filters))
    return _counted(session, [walk])[0]


def count_each(session: Session, actor: Actor, lists: Sequence[Filters]) -> list[Count]:
    """As `count_conversations` for many lists, in one statement for all of them (each that
    searches for words looks into the index besides). A list that names what is no longer
    there, such as a label in a kept search, has nothing in it."""
    accounts = _account_rows(session, actor)
    walks: list[_Walk] = []
    for filters in lists:
        try:
            walks.append(_walk_for(session, actor, filters.checked(), COUNT_CAP, accounts))
        except Invalid:
            walks.append(_Walk((), (), (), COUNT_CAP))
    return _counted(session, walks)


def _counted(session: Session, walks: Sequence[_Walk]) -> list[Count]:
    asked = [_count_of(walk) for walk in walks if walk.accounts]
    found = iter(session.execute(select(*asked)).one() if asked else ())
    numbers = [next(found) if walk.accounts else 0 for walk in walks]
    return [Count(min(n, COUNT_CAP), n > COUNT_CAP) for n in numbers]


def _count_of(walk: _Walk) -> ColumnElement[int]:
    listed = select(Conversation.id).where(_stands(walk), *walk.where)
    said = walk.narrowing.said
    if said is not None:
        listed = listed.where(said.probed(table_of(Conversation).c.id) if said.is_common else said.gathered)
    return select(func.count()).select_from(listed.limit(COUNT_CAP + 1).subquery()).scalar_subquery()


def _stands(walk: _Walk) -> ColumnElement[bool]:
    return and_(Conversation.account_id.in_(walk.accounts), Conversation.state.in_(walk.states))


def read_badges(session: Session, actor: Actor) -> Badges:
    """From the counter rows, whatever the size of the inbox."""
    count = ConversationCount
    rows = session.execute(
        select(count.account_id, count.state, count.team_id, count.assignee_id, count.n).where(
            visible(actor, count.account_id, Action.CONVERSATION_VIEW), count.n > 0
        )
    )
    by_state: dict[str, int] = {}
    by_account: dict[int, int] = {}
    by_team: dict[int, int] = {}
    unassigned = mine = active = 0
    for account_id, state, team_id, assignee_id, n in rows:
        by_state[state] = by_state.get(state, 0) + n
        if state in ACTIVE:
            active += n
            unassigned += n if assignee_id == 0 else 0
            mine += n if assignee_id == actor.staff_id else 0
            by_account[account_id] = by_account.get(account_id, 0) + n
            by_team[team_id] = by_team.get(team_id, 0) + n
    by_team.pop(0, None)
    return Badges(active, unassigned, mine, by_state, by_account, by_team)


def find_customers(session: Session, actor: Actor, name: str, *, limit: int) -> list[int]:
    """Ids of identities with a name like this, among those who wrote last on the accounts that
    the actor may see."""
    allowed = visible_accounts(actor, Action.CONVERSATION_VIEW)
    found = searching.find_named(session, None if allowed is None else sorted(allowed), name)
    wanted = select(Message.identity_id).where(Message.id.in_(found), Message.identity_id.is_not(None)).distinct()
    return [id_ for id_ in session.scalars(wanted.limit(limit)) if id_ is not None]


@dataclass(frozen=True)
class _Walk:
    """A list, prepared: `legs` are the index prefixes that are walked."""

    accounts: Sequence[int]
    states: Sequence[str]
    where: Sequence[ColumnElement[bool]]
    limit: int
    assignee_id: int | None = None
    team_id: int | None = None
    narrowing: Narrowing = field(default_factory=Narrowing)
    is_plain: bool = False  # nothing is asked but where it lies


def _walk_for(
    session: Session, actor: Actor, filters: Filters, limit: int, seen: Sequence[tuple[int, int, str]]
) -> _Walk:
    where: list[ColumnElement[bool]] = [Conversation.merged_into_id.is_(None)]
    where += _in_pools(actor, filters)
    assignee_id = None
    if filters.assignee == "none":
        where.append(Conversation.assignee_id.is_(None))
    elif filters.assignee:
        assignee_id = (actor.staff_id or 0) if filters.assignee == "me" else int(filters.assignee[:18])
        where.append(Conversation.assignee_id == assignee_id)
    for column, value in (
        (Conversation.team_id, filters.team_id),
        (Conversation.language, filters.language or None),
        (Conversation.priority, filters.priority),
    ):
        if value is not None:
            where.append(column == value)
    if filters.label_id is not None:
        mark = ConversationLabel
        where.append(exists().where(mark.conversation_id == Conversation.id, mark.label_id == filters.label_id))
    if filters.is_waiting:
        where.append(Conversation.waiting_since.is_not(None))
    if filters.is_late:
        where.append(narrowing.is_due(session, timedelta(0)))
    if filters.is_followed or filters.is_mentioned:
        where.append(narrowing.is_followed(actor.staff_id or 0, only_called=filters.is_mentioned))
    if filters.is_to_approve:
        where.append(narrowing.is_to_approve(actor))
    if filters.is_held:
        where.append(Conversation.held_at.is_not(None))
    accounts = [
        id_ for id_, brand_id, network in seen
        if (not filters.account_ids or id_ in filters.account_ids)
        and filters.brand_id in (None, brand_id) and filters.network in ("", network)
    ]  # fmt: skip
    narrowed = narrowing.narrow(session, actor, sought.read(filters.text), accounts)
    states = filters.wanted_states() if narrowed.states is None else narrowed.states
    return _Walk(
        accounts, states, [*where, *narrowed.where], max(1, min(limit, LIST_LIMIT)), assignee_id, filters.team_id,
        narrowed, is_plain=len(where) == 1 and not narrowed.where,
    )  # fmt: skip


def _in_pools(actor: Actor, filters: Filters) -> list[ColumnElement[bool]]:
    """What is asked of the pools, and nothing beside what is open to an expert there."""
    where: list[ColumnElement[bool]] = []
    if actor.pool:
        where.append(visible_conversations(actor, Conversation.account_id, Conversation.id))
    if filters.is_pooled:
        where.append(Conversation.topic_id.is_not(None))
    return where


def _accounts_for(session: Session, actor: Actor, filters: Filters) -> list[tuple[int, int, str]]:
    """As `_account_rows`, which need not be read for what a person's rights tell already."""
    allowed = visible_accounts(actor, Action.CONVERSATION_VIEW)
    if allowed is None or actor.pool or filters.brand_id is not None or filters.network:
        return _account_rows(session, actor)
    return [(id_, 0, "") for id_ in sorted(allowed)]  # no filter compares the brand and the network


def _account_rows(session: Session, actor: Actor) -> list[tuple[int, int, str]]:
    """Id, brand and network of the accounts whose conversations the actor may see."""
    wanted = select(Account.id, Account.brand_id, Account.network).order_by(Account.id)
    pooled = select(Conversation.account_id).where(Conversation.id.in_(sorted(actor.pool)))
    seen = or_(visible(actor, Account.id, Action.CONVERSATION_VIEW), Account.id.in_(pooled) if actor.pool else false())
    return [(id_, brand_id, network) for id_, brand_id, network in session.execute(wanted.where(seen))]


# What comes first in an order: the phase of its cursor, and the column that it goes by.
_FIRST = {"oldest_waiting": ("waiting", Conversation.waiting_since), "deadline": ("due", Conversation.due_at)}


def _by_first(
    session: Session, walk: _Walk, after: str, phase: str, column: InstrumentedAttribute[datetime | None]
) -> list[Cursor]:
    """First those that have `column`, earliest first; then the others. One more than the limit."""
    start = cursors.read(after, phase, "newest") if after else None
    keys: list[Cursor] = []
    if start is None or start.phase == phase:
        keys = _earliest(session, walk, start, phase, column)
    if len(keys) <= walk.limit:
        rest = replace(walk, where=(*walk.where, column.is_(None)), limit=walk.limit - len(keys))
        go_on = after if start is not None and start.phase == "newest" else ""
        keys += _by_newest(session, rest, go_on, "newest")
    return keys


def _earliest(
    session: Session, walk: _Walk, start: Cursor | None, phase: str, column: InstrumentedAttribute[datetime | None]
) -> list[Cursor]:
    c = Conversation
    where = [*walk.where, column.is_not(None), c.state.in_(walk.states)]
    if start is not None:
        where.append(or_(column > start.at, and_(column == start.at, c.id > start.id)))
    found = _walk_legs(session, walk, column, where, (column.asc(), c.id.asc()), by_state=False, ascending=True)
    return [Cursor(phase, at, id_) for id_, at in found]


def _by_newest(session: Session, walk: _Walk, after: str, phase: str) -> list[Cursor]:
    c = Conversation
    where = list(walk.where)
    if after:
        start = cursors.read(after, phase)
        where.append(or_(c.last_message_at < start.at, and_(c.last_message_at == start.at, c.id < start.id)))
    order = (c.last_message_at.desc(), c.id.desc())
    found = _walk_legs(session, walk, c.last_message_at, where, order, by_state=True, ascending=False)
    return [Cursor(phase, at, id_) for id_, at in found]


def _walk_legs(
    session: Session,
    walk: _Walk,
    key: Any,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    *,
    by_state: bool,
    ascending: bool,
) -> list[tuple[int, datetime]]:
    """(id, key) in order, one more than the limit, from one walk for each index prefix."""
    if not walk.accounts:
        return []
    if walk.assignee_id is not None:
        prefixes: list[dict[str, Any]] = [{"assignee_id": walk.assignee_id}]
        beyond = [Conversation.account_id.in_(walk.accounts)]
    elif walk.team_id is not None and by_state:
        prefixes, beyond = [{"team_id": walk.team_id}], [Conversation.account_id.in_(walk.accounts)]
    else:
        prefixes, beyond = [{"account_id": a} for a in walk.accounts], []
    if by_state and "account_id" in prefixes[0] and set(walk.states) >= set(State):
        by_state = False  # there is an index without the state
    legs: list[dict[str, Any]] = [{**p, "state": s} for p in prefixes for s in walk.states] if by_state else [*prefixes]

    def walk_one(leg: Mapping[str, Any]) -> Select[Any]:
        prefix = [getattr(Conversation, name) == value for name, value in leg.items()]
        found = select(Conversation.id.label("id"), key.label("key")).where(*prefix, *beyond, *where)
        return found.order_by(*order)

    most, said = walk.limit + 1, walk.narrowing.said
    if said is None:
        return dialect.walk_each(
            session,
            legs,
            lambda leg: walk_one(leg).limit(most),
            ascending=ascending,
            limit=most,
            is_plain=walk.is_plain,
        )
    if said.is_common:
        found = dialect.walk_until(session, legs, walk_one, said.probed, ascending=ascending, limit=most, most=_PROBED)
        if len(found) == most:
            return found
    gathered = walk_one({}).where(_stands(walk), said.gathered).limit(most)
    return [(id_, at) for id_, at in session.execute(gathered)]
