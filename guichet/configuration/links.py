"""Importing how the links of brands' posts are tagged."""

from __future__ import annotations

from guichet.configuration.document import Document
from guichet.configuration.steps import Import
from guichet.models import Brand
from guichet.models import LinkRule as LinkRuleRow
from guichet.publishing.link_rules import LinkRule, Otherwise, checked
from guichet.publishing.linking import find_rule, set_rule


def import_link_rules(at: Import, document: Document) -> None:
    """A brand that the document does not name keeps its rule."""
    for n, part in enumerate(document.link_rules):
        with at.part(f"link_rules.{n}"):
            brand = at.session.get_one(Brand, at.numbers.id_of("brand", part.brand, "brand"))
            exceptions = tuple(Otherwise(e.network, e.on, dict(e.patterns)) for e in part.exceptions)
            wanted = checked(LinkRule(part.on, tuple(part.domains), dict(part.patterns), exceptions), at.networks)
            is_written = at.session.get(LinkRuleRow, brand.id) is not None
            here = find_rule(at.session, brand.id)
            changes = at.differing("link rule", part.brand, _values(here) if is_written else None, _values(wanted))
            if changes or not is_written:
                set_rule(at.session, at.actor, brand, wanted, at.networks, at.now)


def _values(rule: LinkRule) -> dict[str, object]:
    return {"on": rule.is_on, "domains": rule.domains, "patterns": rule.patterns, "exceptions": rule.exceptions}
