"""Signing in at a network, and what an account is afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class AppKeys:
    """The application's own keys at a network, from the environment. May be empty."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    api_key: str = ""
    api_secret: str = field(default="", repr=False)


@dataclass(frozen=True)
class Connection:
    """All an adapter needs to act as one account.

    `secrets` are decrypted only for the time of the call and never shown;
    `settings` are what was learned of the account (its instance's limits, …).
    `account_id` is its number with us, for those who keep count of its calls.
    """

    network: str
    remote_id: str
    handle: str
    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    app: AppKeys = field(default=AppKeys(), repr=False)
    account_id: int | None = None


@dataclass(frozen=True)
class Connected:
    """The outcome of connecting: who we now are there, and with what secrets.

    `expires_at` is when the secrets end if nothing is done (None: never); `renews` whether
    `refresh` can prevent that without a person, `refresh_ends_at` until when, where the
    network says so.
    """

    remote_id: str
    handle: str
    name: str
    base_url: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    avatar_url: str = ""
    expires_at: datetime | None = None
    renews: bool = True
    refresh_ends_at: datetime | None = None


@dataclass(frozen=True)
class Consent:
    """The first half of an OAuth dance: where to send the person, and what to
    remember (encrypted, bound to their session, once, for minutes)."""

    authorize_url: str
    memory: Mapping[str, str] = field(repr=False)


class Connector(Protocol):
    """Connects accounts. OAuth networks use begin/complete, the others `sign_in`."""

    def begin(self, form: Mapping[str, str], redirect_uri: str, state: str) -> Consent:
        """Start the dance. `state` must come back in the redirect.

        Raises Rejected for a form that cannot work, saying which field.
        """
        ...

    def complete(self, memory: Mapping[str, str], query: Mapping[str, str]) -> Connected:
        """Finish it with the redirect's query. Raises Rejected when consent was refused."""
        ...

    def sign_in(self, form: Mapping[str, str]) -> Connected:
        """Connect with typed credentials. Raises AuthExpired when they are wrong."""
        ...

    def check(self, connection: Connection) -> Connected:
        """Ask the network who we are: health, fresh settings. Raises AuthExpired."""
        ...

    def refresh(self, connection: Connection) -> Connected | None:
        """New secrets before the old ones end; None where nothing needs refreshing."""
        ...
