"""What needs a person."""

from __future__ import annotations

from collections.abc import Mapping

from guichet.stats import needs_you
from guichet.stats.acted_on import words_acted_on
from webapp.api.briefs import Names
from webapp.api.deliveries import show_detail
from webapp.api.schemas.needs import Doubt, NeedsYou
from webapp.asking import Asked, Room

room = Room("needs-you")


@room.get("/needs-you", NeedsYou)
def get_needs_you(asked: Asked) -> NeedsYou:
    """Everything that waits for a person's decision, on the accounts one may decide for."""
    found = needs_you.read(asked.session, asked.actor, asked.now)
    names = Names(asked.session).load(
        people=[d.staff_id for d in found.items],
        accounts=[i for d in found.items for i in (d.account_id, *d.account_ids)],
    )  # fmt: skip
    about = words_acted_on(asked.session, asked.actor, [d.delivery for d in found.items if d.delivery])
    return NeedsYou(
        total=sum(found.counts.values()), counts=found.counts, items=[_doubt(d, names, about) for d in found.items]
    )


def _doubt(doubt: needs_you.Doubt, names: Names, about: Mapping[int, str]) -> Doubt:
    return Doubt(
        id=doubt.key,
        kind=doubt.kind,
        title=doubt.title,
        text=doubt.text,
        since=doubt.since,
        delivery=show_detail(doubt.delivery, names) if doubt.delivery else None,
        about=about.get(doubt.delivery.id) if doubt.delivery else None,
        account=names.account_or_none(doubt.account_id),
        accounts=[names.account(i) for i in doubt.account_ids],
        due_at=doubt.due_at,
        post_id=doubt.post_id,
        post_version=doubt.post_version,
        dead_letter_id=doubt.dead_letter_id,
        discrepancy_id=doubt.discrepancy_id,
        person=names.person(doubt.staff_id),
        evidence=list(doubt.evidence),
        choices=list(doubt.choices),
    )
