"""What the variables of prepared texts stand for in one conversation."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from guichet.models import Account, Conversation, Identity, Staff


def values_of(
    session: Session, conversation: Conversation, author: Staff, networks: Mapping[str, str]
) -> dict[str, str]:  # fmt: skip
    """What the variables stand for. `networks`: how each network is called. Rights are the
    caller's matter."""
    identity = session.get_one(Identity, conversation.identity_id)
    account = session.get_one(Account, conversation.account_id)
    customer = identity.customer.name or identity.name or identity.handle
    return {
        "customer.name": customer,
        "customer.first_name": _first(customer),
        "customer.handle": identity.handle,
        "agent.name": author.name,
        "agent.first_name": _first(author.name),
        "agent.initials": author.initials,
        "account.name": account.name,
        "account.handle": account.handle,
        "brand.name": account.brand.name,
        "conversation.number": str(conversation.id),
        "conversation.subject": conversation.subject,
        "network": networks.get(account.network, account.network),
    }


def _first(name: str) -> str:
    return (name.split() or [""])[0]
