"""How the links of a brand's posts are tagged."""

from __future__ import annotations

from guichet.accounts import queries as accounts
from guichet.publishing import linking
from guichet.publishing.link_rules import LinkRule as Rule
from guichet.publishing.link_rules import Otherwise
from webapp.api.schemas.common import IdPath
from webapp.api.schemas.links import LinkExample, LinkExamples, LinkException, LinkRule
from webapp.asking import Asked, Room

room = Room("links")


@room.get("/brands/<int:id>/link-rule", LinkRule)
def get_link_rule(asked: Asked, path: IdPath) -> LinkRule:
    """The brand's rule, for who manages it or one of its accounts."""
    return _show(asked, path.id)


@room.put("/brands/<int:id>/link-rule", LinkRule, scope="manage")
def set_link_rule(asked: Asked, path: IdPath, body: LinkRule) -> LinkRule:
    """Write it. Posts that were sent off already keep what was settled for them."""
    brand = accounts.get_brand(asked.session, asked.actor, path.id)
    linking.set_rule(asked.session, asked.actor, brand, _rule(body), asked.networks.specs(), asked.now)
    return _show(asked, path.id)


@room.post("/brands/<int:id>/link-rule/examples", LinkExamples, scope="manage")
def try_link_rule(asked: Asked, path: IdPath, body: LinkRule) -> LinkExamples:
    """What a link would become under a rule that is being written; nothing is saved."""
    brand = accounts.get_brand(asked.session, asked.actor, path.id)
    found = linking.examples(asked.session, asked.actor, brand, _rule(body), asked.networks.specs(), asked.now)
    return LinkExamples(items=[LinkExample(account_id=id_, link=link) for id_, link in found])


def _rule(body: LinkRule) -> Rule:
    exceptions = tuple(Otherwise(e.network, e.on, e.patterns) for e in body.exceptions)
    return Rule(body.on, tuple(body.domains), body.patterns, exceptions)


def _show(asked: Asked, brand_id: int) -> LinkRule:
    brand = accounts.get_brand(asked.session, asked.actor, brand_id)
    rule = linking.get_rule(asked.session, asked.actor, brand)
    return LinkRule.model_validate(
        {
            "on": rule.is_on,
            "domains": list(rule.domains),
            "patterns": dict(rule.patterns),
            "exceptions": [LinkException.model_validate(e) for e in rule.plain_exceptions()],
        }
    )
