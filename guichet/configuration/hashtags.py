"""Importing sets of hashtags, by brand and name."""

from __future__ import annotations

from sqlalchemy import select

from guichet.configuration.document import Document
from guichet.configuration.steps import Import, columns
from guichet.models import Brand, HashtagSet
from guichet.publishing import hashtags
from guichet.publishing.tags import fold


def import_hashtag_sets(at: Import, document: Document) -> None:
    """What the document does not name stays."""
    here = {(x.brand_id, x.folded): x for x in at.session.scalars(select(HashtagSet))}
    for n, part in enumerate(document.hashtag_sets):
        with at.part(f"hashtag_sets.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            row = here.get((brand.id, fold(part.name)))
            name, tags = " ".join(part.name.split()), hashtags.plain_tags(part.tags)
            wanted = {"name": name, "tags": tags}
            changes = at.differing("hashtag set", name, columns(row, wanted), wanted)
            if row is None:
                hashtags.create_set(at.session, at.actor, brand, name=name, tags=tags, now=at.now)
            elif changes:
                hashtags.change_set(at.session, at.actor, row, name=name, tags=tags, now=at.now)
