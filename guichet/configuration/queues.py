"""Importing queues of posts that go out again, by brand and name. What they hold is content."""

from __future__ import annotations

from dataclasses import asdict

from guichet.configuration.document import Document, QueuePart
from guichet.configuration.steps import Import
from guichet.evergreen import queues
from guichet.evergreen.reading import list_queues
from guichet.models import Brand
from guichet.publishing.openings import WeekSlot
from guichet.publishing.tags import fold


def import_queues(at: Import, document: Document) -> None:
    """What the document does not name stays."""
    here = {(row.brand_id, row.folded): row for row in list_queues(at.session, at.actor)}
    for n, part in enumerate(document.queues):
        with at.part(f"queues.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            row, wanted = here.get((brand.id, fold(part.name))), _setting(at, part)
            before = None if row is None else asdict(queues.setting_of(row))
            changes = at.differing("queue", part.name, before, asdict(wanted))
            if row is None:
                here[brand.id, fold(part.name)] = queues.create_queue(at.session, at.actor, brand, wanted, at.now)
            elif changes:
                queues.change_queue(at.session, at.actor, row, wanted, at.now)


def _setting(at: Import, part: QueuePart) -> queues.Setting:
    return queues.Setting(
        " ".join(part.name.split()), tuple(at.ids_of("account", part.accounts, "accounts")), part.label,
        tuple(sorted(WeekSlot(s.weekday, s.at) for s in part.slots)), part.ordering, part.rest_days,
        part.horizon_days, part.paused,
    )  # fmt: skip
