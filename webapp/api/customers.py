"""Customers: who they are on each network, and what was said with them, as far as one may
see it."""

from __future__ import annotations

from sqlalchemy import or_, select

from guichet.inbox import thread
from guichet.inbox.customers import change_customer as change
from guichet.models import Conversation, Identity
from guichet.models import Customer as CustomerTable
from guichet.policy import Action, visible
from webapp.api import threads
from webapp.api.around import brief_of
from webapp.api.paging import after, cursor_of
from webapp.api.schemas.common import IdPath, Page
from webapp.api.schemas.inbox import Customer, CustomerBrief, CustomerChange, CustomerQuery
from webapp.api.schemas.inbox import Identity as IdentityOut
from webapp.asking import Asked, Room

room = Room("customers")


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


def _show(asked: Asked, customer_id: int) -> Customer:
    card = thread.get_customer(asked.session, asked.actor, customer_id)
    row: CustomerTable = card.customer
    return Customer(
        id=row.id,
        name=row.name,
        handle=card.identities[0].handle if card.identities else "",
        identities=[
            IdentityOut(
                network=i.network, handle=i.handle, name=i.name, url=i.url if i.url.startswith("https://") else None
            )
            for i in card.identities
        ],
        note=row.note,
        language=row.language,
        is_vip=row.is_vip,
        is_blocked=row.is_blocked,
        first_seen_at=row.created_at,
        conversations=threads.show_rows(asked, card.conversations),
    )
