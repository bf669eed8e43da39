"""Importing topics and who answers for them, by name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from guichet.configuration.document import Document
from guichet.configuration.steps import Import
from guichet.errors import Conflict
from guichet.inbox import topics
from guichet.models import Topic


def import_topics(at: Import, document: Document) -> None:
    """What the document does not name stays; a topic keeps its brand."""
    here = {x.name: x for x in at.session.scalars(select(Topic))}
    for n, part in enumerate(document.topics):
        with at.part(f"topics.{n}"):
            brand_id = at.id_of("brand", part.brand, "brand")
            wanted: dict[str, Any] = {
                "reviewed": part.reviewed,
                "return_minutes": part.return_minutes,
                "expert_ids": at.ids_of("staff", part.experts, "experts"),
            }
            row = here.get(part.name)
            if row is not None and row.brand_id != brand_id:
                raise Conflict("there is a topic of this name already", code="name_taken")
            held = None
            if row is not None:
                experts = topics.experts_of(at.session, [row.id]).get(row.id, [])
                held = {
                    "reviewed": row.reviewed, "return_minutes": row.return_minutes,
                    "expert_ids": sorted(one.id for one in experts),
                }  # fmt: skip
            changes = at.differing("topic", part.name, held, wanted)
            if row is None:
                row = topics.add_topic(at.session, at.actor, name=part.name, brand_id=brand_id, **wanted, now=at.now)
            elif changes:
                topics.change_topic(at.session, at.actor, row, changes, at.now)
            at.know("topic", part.name, row.id)
