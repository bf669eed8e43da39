"""Customers: who they are on each network, and what was said with them, as far as one may
see it."""

from __future__ import annotations

from sqlalchemy import or_, select

from guichet.errors import NotFound
from guichet.inbox import erasing, field_values, knowing, thread, uniting
from guichet.inbox.customers import change_customer as change
from guichet.models import Conversation, Identity
from guichet.models import Customer as CustomerTable
from guichet.policy import Action, can, visible
from webapp.api import threads
from webapp.api.around import brief_of
from webapp.api.briefs import Names, person
from webapp.api.fields import show_filled
from webapp.api.paging import after, cursor_of
from webapp.api.schemas.common import Done, Id, IdPath, Page, PageQuery
from webapp.api.schemas.customers import (
    Customer,
    CustomerChange,
    CustomerJoin,
    CustomerJoinNew,
    CustomerNote,
    CustomerNoteNew,
    CustomerQuery,
    CustomerSeparate,
    CustomerSuggestion,
)
from webapp.api.schemas.customers import Identity as IdentityOut
from webapp.api.schemas.inbox import ConversationRow, CustomerBrief
from webapp.asking import Asked, Room

room = Room("customers")


class NotePath(IdPath):
    """A customer and a note about them."""

    note_id: Id


@room.get("/customers", Page[CustomerBrief])
def list_customers(asked: Asked, query: CustomerQuery) -> Page[CustomerBrief]:
    """Customers with a conversation that one may see, one line for each identity."""
    seen = select(Conversation.identity_id).where(
        visible(asked.actor, Conversation.account_id, Action.CONVERSATION_VIEW)
    )
    wanted = select(Identity).where(Identity.id.in_(seen), Identity.id > after(query.cursor))
    if query.q:
        text = query.q
        wanted = wanted.where(
            or_(Identity.name.icontains(text, autoescape=True), Identity.handle.icontains(text, autoescape=True))
        )
    rows = asked.session.scalars(wanted.order_by(Identity.id).limit(query.limit + 1)).all()
    shown = rows[: query.limit]
    more = cursor_of(shown[-1].id) if len(rows) > query.limit else None
    return Page(items=[brief_of(i) for i in shown], next_cursor=more)


@room.get("/customers/<int:id>", Customer)
def get_customer(asked: Asked, path: IdPath) -> Customer:
    """One customer."""
    return _show(asked, path.id)


@room.patch("/customers/<int:id>", Customer, scope="answer")
def change_customer(asked: Asked, path: IdPath, body: CustomerChange) -> Customer:
    """Change the note about them, or how they are marked."""
    card = thread.get_customer(asked.session, asked.actor, path.id)
    changes = body.model_dump(exclude_none=True)
    change(asked.session, asked.actor, card.customer, changes, asked.now)
    asked.session.flush()
    return _show(asked, path.id)


@room.get("/customers/<int:id>/conversations", Page[ConversationRow])
def list_customer_conversations(asked: Asked, path: IdPath, query: PageQuery) -> Page[ConversationRow]:
    """What was said with them over all networks, newest first."""
    customer = knowing.get_home(asked.session, asked.actor, path.id)
    rows, more = knowing.read_conversations(
        asked.session, asked.actor, customer, after=query.cursor or "", limit=query.limit
    )
    return Page(items=threads.show_rows(rows), next_cursor=more or None)


@room.post("/customers/<int:id>/join", Customer, scope="answer")
def join_customers(asked: Asked, path: IdPath, body: CustomerJoinNew) -> Customer:
    """Say that another customer is the same person. Answers go on by identity; it can be taken back."""
    customer, other = (asked.session.get(CustomerTable, id_) for id_ in (path.id, body.other_id))
    if customer is None or other is None:
        raise NotFound("there is no such customer, or they are not yours to see")
    uniting.join(asked.session, asked.actor, customer, other=other, now=asked.now)
    return _show(asked, path.id)


@room.post("/customers/<int:id>/separate", Customer, scope="answer")
def separate_customers(asked: Asked, path: IdPath, body: CustomerSeparate) -> Customer:
    """Take a join back: what came with it goes back with it. Gives the customer who stays."""
    customer = knowing.get_home(asked.session, asked.actor, path.id)
    uniting.separate(asked.session, asked.actor, customer, body.join_id, asked.now)
    return _show(asked, path.id)


@room.post("/customers/<int:id>/notes", Customer, scope="answer", status=201)
def add_customer_note(asked: Asked, path: IdPath, body: CustomerNoteNew) -> Customer:
    """Note something about them, for colleagues."""
    customer = knowing.get_home(asked.session, asked.actor, path.id)
    knowing.add_note(asked.session, asked.actor, customer, body.text, asked.now)
    return _show(asked, path.id)


@room.delete("/customers/<int:id>/notes/<int:note_id>", Done, scope="answer")
def remove_customer_note(asked: Asked, path: NotePath) -> Done:
    """Take away a note of one's own."""
    customer = knowing.get_home(asked.session, asked.actor, path.id)
    knowing.remove_note(asked.session, asked.actor, customer, path.note_id, asked.now)
    return Done()


@room.post("/customers/<int:id>/erase", Done, scope="manage", own_units=True)
def erase_customer(asked: Asked, path: IdPath) -> Done:
    """Forget them for good: what was said with them, and what is known of them. The figures stay."""
    with asked.open_unit() as session:
        customer = knowing.get_home(session, asked.actor, path.id)
        keys = erasing.erase(session, asked.actor, customer, asked.now)
    for key in keys:
        asked.runtime.store.delete(key)
    return Done()


def _show(asked: Asked, customer_id: int) -> Customer:
    asked.session.flush()
    session, actor = asked.session, asked.actor
    card = thread.get_customer(session, actor, customer_id)
    row: CustomerTable = card.customer
    joins = uniting.read_joins(session, row)
    notes = knowing.read_notes(session, actor, row)
    names = Names(session).load(people=[one.staff_id for one in joins])
    came_by = {id_: one.id for one in joins[::-1] for id_ in one.identity_ids}
    shown = {i.id for i in card.identities}
    return Customer(
        id=row.id,
        name=row.name,
        handle=card.identities[0].handle if card.identities else "",
        identities=[
            IdentityOut(
                id=i.id, join_id=came_by.get(i.id), network=i.network, handle=i.handle, name=i.name,
                url=i.url if i.url.startswith("https://") else None, followers=i.followers,
            )
            for i in card.identities
        ],
        joins=[
            CustomerJoin(
                id=one.id, name=session.get_one(CustomerTable, one.gone_id).name, by=names.person(one.staff_id),
                at=one.at, identities=len(shown & set(one.identity_ids)),
            )
            for one in joins
            if shown & set(one.identity_ids)
        ],
        notes=[
            CustomerNote(id=n.id or None, text=n.text, by=person(n.staff) if n.staff else None, at=n.at) for n in notes
        ],
        suggestions=[
            CustomerSuggestion(customer=brief_of(s.identity), network=s.identity.network, address=s.address)
            for s in knowing.suggest(session, actor, row)
        ],
        may_change=knowing.may_change(session, actor, row),
        may_erase=row.erased_at is None and can(actor, Action.CUSTOMER_ERASE),
        erased_at=row.erased_at,
        note=row.note,
        language=row.language,
        is_vip=row.is_vip,
        is_blocked=row.is_blocked,
        first_seen_at=row.created_at,
        fields=show_filled(field_values.read_customer_fields(session, actor, row)),
        conversations=threads.show_rows(card.conversations),
    )  # fmt: skip
