"""Customers and their identities, as networks tell of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.contract import Person
from guichet.inbox import searching
from guichet.inbox.words import clean, clean_short, fold
from guichet.models import Customer, Identity

ID_LENGTH = 600


def identity_of(session: Session, network: str, person: Person, now: datetime) -> Identity:
    """The identity of somebody on a network, made with a customer of its own when new. Names
    and pictures are kept as last seen; what a network leaves out does not erase them."""
    return meet(session, network, person, now)[0]


def meet(session: Session, network: str, person: Person, now: datetime) -> tuple[Identity, bool]:
    """As `identity_of`, and whether it was made just now."""
    remote_id = clean(person.remote_id, ID_LENGTH)
    identity = find_identity(session, network, remote_id)
    is_new = identity is None
    handle, name = clean_short(person.handle), clean_short(person.name)
    if identity is None:
        customer = Customer(name=name or handle or remote_id[:300], created_at=now)
        identity = Identity(
            customer=customer, network=network, remote_id=remote_id, handle=handle or remote_id[:300],
            name=name, created_at=now, seen_at=now,
        )  # fmt: skip
        session.add(identity)
    elif handle and name and identity.customer.name in (identity.name, identity.handle):
        identity.customer.name = name  # never a name that a person gave them here
    was = fold(f"{identity.name} {identity.handle}")
    identity.handle = handle or identity.handle
    identity.name = name or identity.name
    identity.avatar_url = web_address(person.avatar_url) or identity.avatar_url
    identity.url = web_address(person.url) or identity.url
    identity.followers = identity.followers if person.followers is None else person.followers
    identity.seen_at = now
    session.flush()
    if fold(f"{identity.name} {identity.handle}") != was:
        searching.reindex_identity(session, identity.id)
    return identity, is_new


def stranger(remote_id: str) -> Person:
    """Somebody of whom only the id is known so far."""
    return Person(remote_id=remote_id, handle=remote_id)


def find_identity(session: Session, network: str, remote_id: str) -> Identity | None:
    return session.scalars(
        select(Identity).where(Identity.network == network, Identity.remote_id == remote_id)
    ).one_or_none()


def web_address(url: str) -> str:
    """The address if it is one of the web; anything else (javascript:, data:) is dropped."""
    url = clean(url, 4000).strip()
    return url if url.lower().startswith(("https://", "http://")) else ""
