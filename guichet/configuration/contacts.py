"""Importing the address book, by brand and name."""

from __future__ import annotations

from sqlalchemy import select

from guichet.configuration.document import Document
from guichet.configuration.steps import Import
from guichet.models import Contact
from guichet.publishing import address_book
from guichet.publishing.mention_rules import fold


def import_contacts(at: Import, document: Document) -> None:
    """Whom the document does not name stays, and so does what networks said of a handle that stays."""
    here = {(x.brand_id, x.folded): x for x in at.session.scalars(select(Contact))}
    for n, part in enumerate(document.contacts):
        with at.part(f"contacts.{n}"):
            brand_id = at.id_of("brand", part.brand, "brand")
            row = here.get((brand_id, fold(part.name)))
            name, handles = address_book.checked(part.name, part.handles, at.specs)
            stands = {"name": row.name, "handles": {h.network: h.handle for h in row.handles}} if row else None
            changes = at.differing("contact", name, stands, {"name": name, "handles": handles})
            if row is None:
                address_book.create_contact(
                    at.session, at.actor, brand_id=brand_id, name=name, handles=handles, specs=at.specs, now=at.now
                )
            elif changes:
                address_book.change_contact(
                    at.session, at.actor, row, name=name, handles=handles, specs=at.specs, now=at.now
                )
