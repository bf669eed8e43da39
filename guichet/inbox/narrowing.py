"""From what was typed into the search to conditions on conversations.

Words, phrases, `from:` and dates are met by one message; everything else by its
conversation. What `-` leaves out was never said in it. Rights are the caller's matter: the
conditions narrow a list that is limited to the accounts that one may see.

What was said is asked in either of two ways (`Said`): all conversations in which a rare word
stands are gathered from the index; of a common one each conversation of a walk is asked. So
neither is cut off, whatever else is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from operator import eq
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, or_, select, union
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet.db import dialect, word_index
from guichet.db.tokens import Query
from guichet.delivery.states import State as DeliveryState
from guichet.inbox import field_finding, searching
from guichet.inbox.sought import PRIORITIES, STATES, Sought, Term, asked_of_followers, day_of, refused
from guichet.inbox.states import ACTIVE
from guichet.inbox.words import fold
from guichet.models import (
    Account,
    Attachment,
    Brand,
    Conversation,
    ConversationFollower,
    ConversationLabel,
    ConversationSeen,
    Customer,
    Delivery,
    Identity,
    Label,
    Message,
    Staff,
    Team,
    table_of,
)  # fmt: skip
from guichet.policy import Action, Actor, visible

# What is due so soon is asked for as due, what is late already with it.
SOON = timedelta(hours=1)

# So many messages that hold the words are gathered sooner than conversations are asked.
_FEW = 3000
_ITS_ID = table_of(Conversation).c.id


@dataclass(frozen=True)
class Said:
    """That one message of a conversation holds the words, as two conditions that mean the same:
    `gathered`, of a `Conversation`, costs as much as there are such messages; `probed`, of an
    id, as much as there are conversations of which it is asked. `is_common`: so many such
    messages that one tries the second first."""

    gathered: ColumnElement[bool]
    probed: Callable[[ColumnElement[int]], ColumnElement[bool]]
    is_common: bool


@dataclass(frozen=True)
class Narrowing:
    """`states` None: the search says nothing of them. `said` is not in `where`. `query` is what a
    message must hold, for its excerpt; `when` bounds when it was said."""

    where: tuple[ColumnElement[bool], ...] = ()
    said: Said | None = None
    states: tuple[str, ...] | None = None
    query: Query = ()
    when: tuple[ColumnElement[bool], ...] = ()


def narrow(session: Session, actor: Actor, sought: Sought, accounts: Sequence[int]) -> Narrowing:
    """Raises Invalid (field q) for a name that nothing here bears."""
    asked = [t for t in sought.of("", "from") if not t.is_left_out]
    query, when = searching.query_of(asked), _when(session, actor, sought)
    where: list[ColumnElement[bool]] = []
    if when and not query:
        where.append(_in_messages(session, (), when))
    for term in sought.of("", "from"):
        if term.is_left_out:
            where.append(not_(_in_messages(session, searching.query_of([term]), ())))
    for term in sought.terms:
        condition = _condition(session, actor, term, accounts)
        if condition is not None:
            where.append(not_(condition) if term.is_left_out else condition)
    said = _said(session, accounts, query, when, [] if when else _labels_named(session, asked)) if query else None
    return Narrowing(tuple(where), said, _states(sought), query, when)


# ------------------------------------------------------------ what was said, and when


def _said(
    session: Session, accounts: Sequence[int], query: Query, when: tuple[ColumnElement[bool], ...], labels: list[int]
) -> Said:
    is_few = not word_index.is_common(session, query)
    if is_few:
        few = word_index.find_words(session, query, accounts, _FEW + 1, newest=False)
        is_few = len(few) <= _FEW
    holds = dialect.is_one_of(session, Message.id, few if is_few else word_index.select_words(session, query, accounts))
    found: Any = select(Message.conversation_id).where(holds, Message.deleted_at.is_(None), *when)
    marked = select(ConversationLabel.conversation_id).where(ConversationLabel.label_id.in_(labels))
    if labels:
        found = select(union(found, marked).subquery().c.conversation_id)
    gathered = dialect.is_one_of(session, Conversation.id, list(session.scalars(found)) if is_few else found)

    def probed(id_: ColumnElement[int]) -> ColumnElement[bool]:
        here = _in_messages(session, query, when, id_)
        return or_(here, id_.in_(marked)) if labels else here

    return Said(gathered, probed, not is_few and word_index.probes_well(session))


def _in_messages(
    session: Session,
    query: Query,
    when: tuple[ColumnElement[bool], ...],
    conversation_id: ColumnElement[int] = _ITS_ID,
) -> ColumnElement[bool]:
    """Whether one message of the conversation meets it all. OFFSET keeps PostgreSQL from
    reading all messages of the house at once."""
    said = select(Message.id).where(Message.conversation_id == conversation_id, Message.deleted_at.is_(None), *when)
    if query:
        said = said.where(word_index.has_words(session, table_of(Message).c.id, query))
    return exists(said.correlate_except(Message).limit(1).offset(0))


def newest_said(session: Session, narrowing: Narrowing, ids: Sequence[int]) -> Select[int, int]:
    """For each of these conversations that has one: its id and its newest message that is meant."""
    return (
        select(Message.conversation_id, func.max(Message.id))
        .where(Message.conversation_id.in_(ids), Message.deleted_at.is_(None), *narrowing.when)
        .where(word_index.has_words(session, table_of(Message).c.id, narrowing.query))
        .group_by(Message.conversation_id)
    )


def _when(session: Session, actor: Actor, sought: Sought) -> tuple[ColumnElement[bool], ...]:
    terms = sought.of("before", "after", "on")
    if not terms:
        return ()
    staff = session.get(Staff, actor.staff_id) if actor.staff_id else None
    zone = ZoneInfo(staff.time_zone) if staff else ZoneInfo("UTC")
    where: list[ColumnElement[bool]] = []
    for term in terms:
        day = day_of(term)
        try:
            start = datetime.combine(day, time(), zone).astimezone(UTC)
            end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        except OverflowError:
            raise refused(say("“{word}” needs a date such as 2026-05-31", word=term.said)) from None
        bounds = {
            "before": Message.sort_at < start,
            "after": Message.sort_at >= start,
            "on": and_(Message.sort_at >= start, Message.sort_at < end),
        }
        where.append(not_(bounds[term.operator]) if term.is_left_out else bounds[term.operator])
    return tuple(where)


# ------------------------------------------------------------ what a conversation is


def _states(sought: Sought) -> tuple[str, ...] | None:
    """The states asked for, any of them; less those left out."""
    named = [t for t in sought.of("is") if t.value in STATES]
    if not named:
        return None
    wanted = {s for t in named if not t.is_left_out for s in STATES[t.value]}
    wanted = wanted or {s for states in STATES.values() for s in states}
    return tuple(sorted(wanted - {s for t in named if t.is_left_out for s in STATES[t.value]}))


def _condition(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool] | None:
    make = _CONDITIONS.get(term.operator)
    return make(session, actor, term, accounts) if make else None


def _is(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool] | None:
    c, me = Conversation, actor.staff_id or 0
    if term.value == "unread":
        return _is_unread(me)
    if term.value in ("late", "due"):
        return is_due(session, SOON if term.value == "due" else timedelta(0))
    flags: dict[str, ColumnElement[bool]] = {
        "waiting": c.waiting_since.is_not(None),
        "assigned": c.assignee_id.is_not(None),
        "unassigned": c.assignee_id.is_(None),
        "followed": is_followed(me),
        "mentioned": is_followed(me, only_called=True),
        "approval": is_to_approve(actor),
        "held": c.held_at.is_not(None),
        "vip": _of_identity(Identity.customer.has(Customer.is_vip)),
        "mine": and_(c.assignee_id.is_not(None), c.assignee_id == me),
        **{surface: c.surface == surface for surface in ("public", "direct", "mail")},
    }
    return flags.get(term.value)


def is_due(session: Session, within: timedelta) -> ColumnElement[bool]:
    """Whether a promise ends `within` that time, or is broken already (within nothing: only these)."""
    return and_(Conversation.due_at.is_not(None), Conversation.due_at <= dialect.database_now(session) + within)


def is_followed(staff_id: int, *, only_called: bool = False) -> ColumnElement[bool]:
    """Whether this person follows it (`only_called`: because a note called them)."""
    row = ConversationFollower
    own = select(row.conversation_id).where(row.staff_id == staff_id)
    return Conversation.id.in_(own.where(row.mentioned_at.is_not(None)) if only_called else own)


def is_to_approve(actor: Actor) -> ColumnElement[bool]:
    """Whether an answer in it waits for the actor's approval."""
    answers = select(Message.conversation_id).join(Delivery, Delivery.id == Message.delivery_id)
    return Conversation.id.in_(answers.where(awaits_approval_of(actor)))


def awaits_approval_of(actor: Actor) -> ColumnElement[bool]:
    """Whether a `delivery` is an answer of somebody else that the actor may approve."""
    return and_(
        Delivery.state == DeliveryState.AWAITING_APPROVAL,
        Delivery.is_answer,
        or_(Delivery.actor_id.is_(None), Delivery.actor_id != (actor.staff_id or 0)),
        visible(actor, Delivery.account_id, Action.ANSWER_APPROVE),
    )


def _is_unread(staff_id: int) -> ColumnElement[bool]:
    seen = ConversationSeen
    mark = select(seen.through_message_id).where(seen.conversation_id == Conversation.id, seen.staff_id == staff_id)
    through = mark.correlate(Conversation).scalar_subquery()
    newest, beside = func.coalesce(Conversation.last_message_id, 0), func.coalesce(Conversation.last_beside_id, 0)
    is_newer = or_(func.coalesce(through, newest) < newest, func.coalesce(through, beside) < beside)
    return or_(and_(through.is_(None), Conversation.state.in_(ACTIVE)), is_newer)


def _has(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    said = select(Message.id).where(Message.conversation_id == Conversation.id).correlate(Conversation)
    if term.value == "label":
        return exists().where(ConversationLabel.conversation_id == Conversation.id)
    if term.value in ("note", "answer"):
        return exists(said.where(Message.direction == ("note" if term.value == "note" else "out")).limit(1).offset(0))
    files = said.join(Attachment, Attachment.message_id == Message.id)
    return exists(files.where(Attachment.mime.like("image/%")) if term.value == "image" else files)


def _account(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    rows = session.execute(select(Account.id, Account.handle, Account.name).where(Account.id.in_(accounts)))
    return Conversation.account_id.in_(_named(rows.all(), term))


def _network(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    rows = session.execute(select(Account.id, Account.network).where(Account.id.in_(accounts)))
    return Conversation.account_id.in_(_named(rows.all(), term))


def _brand(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    seen = select(Account.id, Brand.name).join(Brand, Brand.id == Account.brand_id).where(Account.id.in_(accounts))
    return Conversation.account_id.in_(_named(session.execute(seen).all(), term))


def _label(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    return _labelled(_named(session.execute(select(Label.id, Label.name)).all(), term))


def _team(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    return Conversation.team_id.in_(_named(session.execute(select(Team.id, Team.name)).all(), term))


def _assignee(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    value = fold(term.value)
    if value in ("none", "nobody", "personne"):
        return Conversation.assignee_id.is_(None)
    if value in ("me", "moi"):
        return Conversation.assignee_id == (actor.staff_id or 0)
    rows = session.execute(select(Staff.id, Staff.name, Staff.initials, Staff.email)).all()
    return and_(Conversation.assignee_id.is_not(None), Conversation.assignee_id.in_(_named(rows, term)))


def _priority(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    return Conversation.priority == PRIORITIES.index(term.value)


def _language(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    return Conversation.language == fold(term.value)


def _awaits(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    """Whom one waits for, by a part of the name."""
    c, wanted = Conversation, fold(term.value)
    here = (c.account_id.in_(accounts), c.awaits != "")
    if wanted in ("me", "moi"):
        return and_(*here, c.awaits_staff_id == (actor.staff_id or 0))
    names = session.scalars(select(c.awaits).where(*here).distinct())
    return and_(c.awaits != "", c.awaits.in_([name for name in names if wanted in fold(name)]))


def _followers(session: Session, actor: Actor, term: Term, accounts: Sequence[int]) -> ColumnElement[bool]:
    """How many follow its customer there; of whom that is not known, neither few nor many."""
    sign, number = asked_of_followers(term)
    return _of_identity(_COMPARED[sign](Identity.followers, number))


def _of_identity(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether it holds of who writes there."""
    own = select(Identity.id).where(Identity.id == Conversation.identity_id, condition)
    return exists(own.correlate(Conversation))


_COMPARED = {**field_finding.COMPARED, "=": eq}
_CONDITIONS: dict[str, Callable[[Session, Actor, Term, Sequence[int]], ColumnElement[bool] | None]] = {
    "is": _is, "has": _has, "account": _account, "network": _network, "brand": _brand, "label": _label,
    "team": _team, "assignee": _assignee, "priority": _priority, "language": _language, "awaits": _awaits,
    "field": field_finding.condition_of, "followers": _followers,
}  # fmt: skip


def _named(rows: Sequence[Sequence[object]], term: Term) -> list[int]:
    """Ids of rows (id, names…) of which one name is what was typed, else has a word that begins
    with it. Raises Invalid where there is none."""
    wanted = fold(term.value)
    named = [(row[0], [fold(str(name)) for name in row[1:]]) for row in rows]
    exact = [id_ for id_, names in named if wanted in names]
    found = exact or [id_ for id_, names in named if wanted and any(f" {wanted}" in f" {name}" for name in names)]
    if not found:
        raise refused(say("“{word}”: there is nothing of that name that you may see", word=term.said))
    return [int(str(id_)) for id_ in found]


def _labelled(ids: Sequence[int]) -> ColumnElement[bool]:
    mark = ConversationLabel
    return exists().where(mark.conversation_id == Conversation.id, mark.label_id.in_(ids))


def _labels_named(session: Session, terms: Sequence[Term]) -> list[int]:
    """Labels are found by their words, too: those that have all the plain words."""
    if any(t.operator for t in terms):
        return []
    wanted = [f" {fold(t.value)}" for t in terms]
    labels = session.execute(select(Label.id, Label.name)).all()
    return [id_ for id_, name in labels if all(w in f" {fold(name)}" for w in wanted)]
