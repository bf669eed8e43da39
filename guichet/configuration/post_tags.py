"""Importing labels and campaigns of posts, by brand, kind and name."""

from __future__ import annotations

from sqlalchemy import select

from guichet.configuration.document import Document
from guichet.configuration.steps import Import, columns
from guichet.models import Brand, PostTag
from guichet.publishing import tags


def import_post_tags(at: Import, document: Document) -> None:
    """What the document does not name stays."""
    here = {(x.brand_id, x.kind, x.folded): x for x in at.session.scalars(select(PostTag))}
    for n, part in enumerate(document.post_tags):
        with at.part(f"post_tags.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            key = (brand.id, part.kind, tags.fold(part.name))
            row, values = here.get(key), {"name": " ".join(part.name.split()), "colour": part.colour}
            changes = at.differing(part.kind, part.name, columns(row, values), values)
            if row is None:
                here[key] = tags.create_tag(
                    at.session, at.actor, brand, kind=part.kind, name=part.name, colour=part.colour, now=at.now
                )
            elif changes:
                tags.change_tag(at.session, at.actor, row, **values, now=at.now)
