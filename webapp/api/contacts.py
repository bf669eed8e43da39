"""The address book: whom posts mention, and what they are called on each network."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.models import Contact as ContactRow
from guichet.publishing import address_book
from webapp.api.paging import after, page_by_id
from webapp.api.schemas.common import Done, IdPath, Page
from webapp.api.schemas.contacts import (
    Contact,
    ContactChange,
    ContactChecked,
    ContactHandle,
    ContactNew,
    ContactQuery,
    Unasked,
)
from webapp.asking import Asked, Room
from webapp.finding import look_up

room = Room("contacts")


@room.get("/contacts", Page[Contact])
def list_contacts(asked: Asked, query: ContactQuery) -> Page[Contact]:
    """Those of the brands that one sees, and those of all."""
    rows = address_book.list_contacts(
        asked.session, asked.actor, brand_id=query.brand_id, after=after(query.cursor), limit=query.limit + 1
    )
    return page_by_id(rows, query.limit, _show)


@room.post("/contacts", Contact, scope="manage", status=201)
def add_contact(asked: Asked, body: ContactNew) -> Contact:
    """Somebody new. For who looks after labels, and of a brand for who manages an account of it."""
    if body.brand_id is not None:
        accounts.get_brand(asked.session, asked.actor, body.brand_id)
    row = address_book.create_contact(
        asked.session, asked.actor, brand_id=body.brand_id, name=body.name, handles=body.handles,
        specs=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _show(row)


@room.patch("/contacts/<int:id>", Contact, scope="manage")
def change_contact(asked: Asked, path: IdPath, body: ContactChange) -> Contact:
    """Another name, or other handles; posts that were sent off keep theirs."""
    row = address_book.get_contact(asked.session, asked.actor, path.id)
    handles = {one.network: one.handle for one in row.handles} if body.handles is None else body.handles
    address_book.change_contact(
        asked.session, asked.actor, row, name=body.name or row.name, handles=handles,
        specs=asked.networks.specs(), now=asked.now,
    )  # fmt: skip
    return _show(row)


@room.delete("/contacts/<int:id>", Done, scope="manage")
def remove_contact(asked: Asked, path: IdPath) -> Done:
    """Forget them; posts that were sent off keep what they say."""
    row = address_book.get_contact(asked.session, asked.actor, path.id)
    address_book.delete_contact(asked.session, asked.actor, row, asked.now)
    return Done()


@room.post("/contacts/<int:id>/check", ContactChecked, scope="manage", own_units=True)
def check_contact(asked: Asked, path: IdPath) -> ContactChecked:
    """Ask each network, by an account that one sees, whether it knows the handle. For who keeps the entry."""
    unasked = look_up(asked, path.id)
    with asked.open_unit() as session:
        row = address_book.get_contact(session, asked.actor, path.id)
        said = [Unasked(network=network, reason=reason) for network, reason in sorted(unasked.items())]
        return ContactChecked(contact=_show(row), unasked=said)


def _show(row: ContactRow) -> Contact:
    handles = sorted(row.handles, key=lambda one: one.network)
    return Contact(
        id=row.id, brand_id=row.brand_id, name=row.name,
        handles=[
            ContactHandle(network=h.network, handle=h.handle, state=h.state, checked_at=h.checked_at) for h in handles
        ],
    )  # fmt: skip
