"""Importing a document: what is new is created, what differs is changed, what is the same or
not mentioned is left. Everything is tried; one error anywhere, and the whole is refused with
all errors, so that nothing is imported by half. A dry run is an import that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from channels.contract import ChannelSpec
from guichet import audit
from guichet.configuration import (
    approvals,
    contacts,
    experts,
    fields,
    hashtags,
    links,
    macros,
    people,
    post_tags,
    promises,
    queues,
    rules,
    talk,
    templates,
)
from guichet.configuration.document import Document
from guichet.configuration.queries import require_all
from guichet.configuration.steps import Import, Step
from guichet.errors import Invalid
from guichet.policy import Actor

__all__ = ["Step", "import_configuration"]

# What refers to something comes after it.
_ORDER: tuple[Callable[[Import, Document], None], ...] = (
    people.import_calendars,
    people.import_staff,
    people.import_teams,
    people.import_brands,
    approvals.import_approvals,
    people.import_accounts,
    people.import_slots,
    people.import_grants,
    experts.import_topics,
    talk.import_labels,
    post_tags.import_post_tags,
    links.import_link_rules,
    queues.import_queues,
    hashtags.import_hashtag_sets,
    templates.import_post_templates,
    contacts.import_contacts,
    fields.import_fields,
    promises.import_promises,
    talk.import_rules,
    talk.import_canned_replies,
    macros.import_macros,
    talk.import_views,
)


def import_configuration(
    session: Session,
    actor: Actor,
    document: Document,
    *,
    networks: Mapping[str, float | None],
    filter_problems: Callable[[Mapping[str, Any]], Mapping[str, str]],
    specs: Mapping[str, ChannelSpec],
    now: datetime,
) -> list[Step]:
    """Make what is here agree with the document; returns every step, also those that left
    things as they were. Doing it again changes nothing. `networks`, `filter_problems` and `specs`
    as in guichet.configuration.steps.Import.

    Raises Invalid whose `fields` name each place in the document; the caller rolls back.
    """
    require_all(actor)
    wrong = rules.problems(document)
    if wrong:
        raise Invalid("this configuration cannot be imported", wrong)
    at_work = Import(session, actor, now, networks, filter_problems, specs)
    for import_kind in _ORDER:
        import_kind(at_work, document)
    if at_work.problems:
        raise Invalid("this configuration cannot be imported", at_work.problems)
    changed = sum(step.does != "leave" for step in at_work.steps)
    if changed:
        audit.record(session, actor, "configuration.import", None, now, changed=changed)
    return at_work.steps
