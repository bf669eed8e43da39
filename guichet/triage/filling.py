"""Variables of prepared texts: what stands in their place in one conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy.orm import Session

from guichet.models import Account, Conversation, Identity, Staff

_VARIABLE = re.compile(r"\{([a-z]+(?:\.[a-z_]+)?)(?:\|([^{}|]*))?\}", re.IGNORECASE)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with `{customer.first_name}` replaced; `{customer.first_name|there}` says what
    stands there where nothing is known. An unknown variable stays as it is, in sight of who
    sends it. Pure."""

    def replaced(found: re.Match[str]) -> str:
        name, instead = found[1].lower(), found[2] or ""
        return (values[name] or instead.strip()) if name in values else found[0]

    return _VARIABLE.sub(replaced, text)


def unfilled(text: str, values: Mapping[str, str]) -> list[str]:
    """Variables of the text for which nothing is known here, and nothing stands instead. Pure."""
    return [
        found[1].lower() for found in _VARIABLE.finditer(text)
        if not values.get(found[1].lower()) and not (found[2] or "").strip()
    ]  # fmt: skip


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
