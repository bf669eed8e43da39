"""Reading what is known of a customer: identities, history over networks, notes, who else they may be.

Of a customer one sees what belongs to accounts that one may see, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from channels.sentences import say
from guichet import audit, live
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.inbox import cursors, uniting, words
from guichet.inbox.answering import author_of
from guichet.inbox.cursors import Cursor
from guichet.inbox.rows import ConversationRow, read_rows
from guichet.models import Conversation, Customer, CustomerNote, Identity, Message, Staff
from guichet.policy import Action, Actor, visible

NOTES = 200
NOTE_LENGTH = 5000
_LOOKED_THROUGH = 60  # newest messages in which an address may stand
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@dataclass(frozen=True)
class NoteRow:
    """`staff` None: it was there before notes had authors. `id` 0: it cannot be taken away."""

    id: int
    text: str
    staff: Staff | None
    at: datetime


@dataclass(frozen=True)
class Suggestion:
    """Another customer who may be the same person: `address` stands in what one of them wrote, and
    is the other's. Never more than a suggestion: anybody can write any address."""

    identity: Identity
    address: str


def get_home(session: Session, actor: Actor, customer_id: int) -> Customer:
    """The customer, or who they turned out to be. Raises NotFound, also for who may see none of their
    conversations."""
    found = uniting.home_of(session, customer_id)
    if found is None:
        raise NotFound("there is no such customer, or they are not yours to see")
    uniting.require_known(session, actor, found, Action.CONVERSATION_VIEW)
    return found


def may_change(session: Session, actor: Actor, customer: Customer) -> bool:
    """Whether the actor may note, mark, join and separate here."""
    try:
        uniting.require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    except (Conflict, NotAllowed, NotFound):
        return False
    return True


def read_identities(session: Session, actor: Actor, customer: Customer) -> Sequence[Identity]:
    """Those who wrote to an account that the actor may see."""
    seen = visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW)
    known = select(Conversation.id).where(Conversation.identity_id == Identity.id, seen).exists()
    return session.scalars(
        select(Identity).where(Identity.customer_id == customer.id, known).order_by(Identity.id)
    ).all()


def read_conversations(
    session: Session, actor: Actor, customer: Customer, *, after: str = "", limit: int = 50
) -> tuple[list[ConversationRow], str]:
    """Their conversations over all networks, newest first, and the cursor of what follows."""
    c = Conversation
    own = select(Identity.id).where(Identity.customer_id == customer.id)
    wanted = select(c.id, c.last_message_at).where(
        c.identity_id.in_(own), visible(actor, c.account_id, Action.CONVERSATION_VIEW)
    )
    if after:
        edge = cursors.read(after, "history")
        wanted = wanted.where(or_(c.last_message_at < edge.at, and_(c.last_message_at == edge.at, c.id < edge.id)))
    found = session.execute(wanted.order_by(c.last_message_at.desc(), c.id.desc()).limit(limit + 1)).all()
    page = found[:limit]
    more = cursors.write(Cursor("history", page[-1][1], page[-1][0])) if len(found) > limit else ""
    return read_rows(session, [id_ for id_, _ in page], actor.staff_id), more


def read_notes(session: Session, actor: Actor, customer: Customer) -> list[NoteRow]:
    """What colleagues noted, the newest first; with what was noted about those joined with them."""
    uniting.require_known(session, actor, customer, Action.CONVERSATION_VIEW)
    ids = uniting.all_of(session, customer)
    own = select(CustomerNote, Staff).join(Staff, Staff.id == CustomerNote.staff_id)
    rows = session.execute(
        own.where(CustomerNote.customer_id.in_(ids)).order_by(CustomerNote.id.desc()).limit(NOTES)
    ).all()
    notes = [NoteRow(note.id, note.text, staff, note.at) for note, staff in rows]
    joined = session.scalars(
        select(Customer).where(Customer.id.in_(ids[1:]), Customer.note != "").order_by(Customer.id)
    )
    return notes + [NoteRow(0, one.note, None, one.created_at) for one in joined]


def add_note(session: Session, actor: Actor, customer: Customer, text: str, now: datetime) -> CustomerNote:
    """Note something about them. Raises Invalid, NotAllowed, NotFound."""
    uniting.require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    clean = words.clean(text).strip()
    if not clean or len(clean) > NOTE_LENGTH:
        raise Invalid("a note needs some text", {"text": say("must have 1 to {most} characters", most=NOTE_LENGTH)})
    note = CustomerNote(customer_id=customer.id, staff_id=author_of(session, actor).id, text=clean, at=now)
    session.add(note)
    session.flush()
    audit.record(session, actor, "customer.note", customer, now, note_id=note.id)
    _tell(session, customer, now)
    return note


def remove_note(session: Session, actor: Actor, customer: Customer, note_id: int, now: datetime) -> None:
    """Take away a note of one's own. Raises NotFound."""
    uniting.require_known(session, actor, customer, Action.CONVERSATION_ANSWER)
    note = session.get(CustomerNote, note_id)
    if note is None or note.staff_id != actor.staff_id or note.customer_id not in uniting.all_of(session, customer):
        raise NotFound("there is no such note of yours")
    session.delete(note)
    session.flush()
    audit.record(session, actor, "customer.note_removed", customer, now, note_id=note_id)
    _tell(session, customer, now)


def suggest(session: Session, actor: Actor, customer: Customer, *, limit: int = 5) -> list[Suggestion]:
    """Customers whose mail address stands in what this one wrote lately, as far as the actor may see
    them."""
    seen = visible(actor, Conversation.account_id, Action.CONVERSATION_VIEW)
    own = select(Identity.id).where(Identity.customer_id == customer.id)
    here = select(Conversation.id).where(Conversation.identity_id.in_(own), seen)
    said = select(Message.text).where(
        Message.conversation_id.in_(here), Message.direction == "in", Message.identity_id.in_(own),
        Message.deleted_at.is_(None),
    )  # fmt: skip
    texts = session.scalars(said.order_by(Message.id.desc()).limit(_LOOKED_THROUGH))
    addresses = {a.lower().strip(".") for text in texts for a in _ADDRESS.findall(text[:20_000])}
    if not addresses:
        return []
    known = select(Conversation.id).where(Conversation.identity_id == Identity.id, seen).exists()
    wanted = select(Identity).where(
        Identity.network == "email", Identity.remote_id.in_(sorted(addresses)[:100]),
        Identity.customer_id != customer.id, known,
    )  # fmt: skip
    return [Suggestion(one, one.remote_id) for one in session.scalars(wanted.order_by(Identity.id).limit(limit))]


def _tell(session: Session, customer: Customer, now: datetime) -> None:
    own = select(Identity.id).where(Identity.customer_id == customer.id)
    accounts = select(Conversation.account_id).where(Conversation.identity_id.in_(own)).distinct()
    for account_id in sorted(session.scalars(accounts)):
        live.tell(session, "conversation", now, account_id=account_id, what="customer")
