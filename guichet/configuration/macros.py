"""Importing macros: a person's, a team's, a brand's or everybody's, by name."""

from __future__ import annotations

from sqlalchemy import select

from guichet.configuration.document import Document, MacroPart
from guichet.configuration.rules import numbered_actions
from guichet.configuration.steps import Here, Import, columns
from guichet.models import Macro
from guichet.triage import macros


def import_macros(at: Import, document: Document) -> None:
    """What the document does not name stays; what is new comes last, in the document's order."""
    rows = at.session.scalars(select(Macro).order_by(Macro.position, Macro.id))
    here = Here(((x.staff_id, x.team_id, x.brand_id, x.name), x) for x in rows)
    for n, part in enumerate(document.macros):
        with at.part(f"macros.{n}"):
            _import(at, part, here)


def _import(at: Import, part: MacroPart, here: Here[Macro]) -> None:
    name = " ".join(part.name.split())
    of = {
        "owner_id": at.id_of("staff", part.owner, "owner"),
        "team_id": at.id_of("team", part.team, "team"),
        "brand_id": at.id_of("brand", part.brand, "brand"),
    }
    actions = numbered_actions(part.actions, at.numbers)
    row, wanted = here.take((*of.values(), name)), {"actions": actions}
    changes = at.differing("macro", name, columns(row, wanted), wanted)
    if row is None:
        macros.add_macro(at.session, at.actor, name=name, actions=actions, is_own=False, **of, now=at.now)
    elif changes:
        macros.change_macro(at.session, at.actor, row, actions=actions, now=at.now)
