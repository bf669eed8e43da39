"""Importing templates of posts, by brand and name."""

from __future__ import annotations

from sqlalchemy import select

from guichet.configuration.document import Document
from guichet.configuration.steps import Import, columns
from guichet.models import Brand, PostTemplate
from guichet.publishing import templates
from guichet.publishing.tags import fold
from guichet.publishing.templates import Wording


def import_post_templates(at: Import, document: Document) -> None:
    """What the document does not name stays."""
    here = {(x.brand_id, x.folded): x for x in at.session.scalars(select(PostTemplate))}
    for n, part in enumerate(document.post_templates):
        with at.part(f"post_templates.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            row = here.get((brand.id, fold(part.name)))
            name = " ".join(part.name.split())
            wording = templates.checked(Wording(part.text, part.variants), at.networks)
            wanted = {"name": name, "text": wording.text, "variants": dict(wording.variants)}
            changes = at.differing("post template", name, columns(row, wanted), wanted)
            if row is None:
                templates.create_template(
                    at.session, at.actor, brand, name=name, wording=wording, networks=at.networks, now=at.now
                )
            elif changes:
                templates.change_template(
                    at.session, at.actor, row, name=name, wording=wording, networks=at.networks, now=at.now
                )
