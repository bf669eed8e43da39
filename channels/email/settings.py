"""What a person types to connect a mailbox, checked and made one value.

Refuses what cannot work before any connection is made, naming the field: a wrong
address, a port that is none, a host with a path in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from channels.contract import FormField
from channels.email.addresses import is_address
from channels.errors import Rejected
from channels.sentences import say

TLS_MODES = ("tls", "starttls", "none")

# A host name or an address literal; no scheme, path, user or port.
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?")


@dataclass(frozen=True)
class Host:
    """Where a mail service listens. `tls`: "tls" from the first byte, "starttls", or
    "none", which is refused on any address that is not our own network's."""

    name: str
    port: int
    tls: str


@dataclass(frozen=True)
class Provider:
    """A large mail host that takes OAuth 2 instead of passwords."""

    authorize_url: str
    token_url: str
    scope: str
    imap: Host
    smtp: Host
    extra: Mapping[str, str]


# learn.microsoft.com/exchange/client-developer "Authenticate an IMAP, POP or SMTP connection
# using OAuth" and developers.google.com/workspace/gmail/imap "OAuth 2.0 mechanism".
PROVIDERS: Mapping[str, Provider] = {
    "microsoft": Provider(
        authorize_url="https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        token_url="https://login.microsoftonline.com/common/oauth2/v2.0/token",  # noqa: S106 - an address
        scope=("https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access"),
        imap=Host("outlook.office365.com", 993, "tls"),
        smtp=Host("smtp.office365.com", 587, "starttls"),
        extra={},
    ),
    "google": Provider(
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        scope="https://mail.google.com/",
        imap=Host("imap.gmail.com", 993, "tls"),
        smtp=Host("smtp.gmail.com", 465, "tls"),
        # Google gives a refresh token only when asked this way.
        extra={"access_type": "offline", "prompt": "consent"},
    ),
}

FIELDS = (
    FormField("address", "text"),
    FormField("name", "text", required=False),
    FormField("user", "text", required=False),  # where the sign-in is not the address
    FormField("password", "secret", required=False),
    FormField("imap_host", "address", required=False),
    FormField("imap_port", "number", required=False, default="993"),
    FormField("imap_tls", "choice", required=False, default="tls", choices=TLS_MODES),
    FormField("smtp_host", "address", required=False),
    FormField("smtp_port", "number", required=False, default="465"),
    FormField("smtp_tls", "choice", required=False, default="tls", choices=TLS_MODES),
    # Whether to send one mail to oneself, to learn if the provider files what it sends.
    FormField("probe_sent", "choice", required=False, default="yes", choices=("yes", "no")),
    # Whether mail to name+anything@… reaches this mailbox; "" where nobody knows.
    FormField("plus_addressing", "choice", required=False, default="", choices=("", "yes", "no")),
    FormField("provider", "choice", required=False, default="", choices=("", *PROVIDERS, "other")),
    FormField("client_id", "text", required=False),
    FormField("client_secret", "secret", required=False),
    FormField("authorize_url", "address", required=False),
    FormField("token_url", "address", required=False),
)


@dataclass(frozen=True)
class Mailbox:
    """One mailbox: who it is and where its mail goes in and out."""

    address: str
    name: str
    user: str
    imap: Host
    smtp: Host
    plus_addressing: str = ""  # yes, no, or "" where nobody knows

    @property
    def takes_plus(self) -> bool:
        """Whether mail to name+anything@… surely reaches it."""
        known = {provider.imap.name for provider in PROVIDERS.values()}
        return self.plus_addressing == "yes" or (not self.plus_addressing and self.imap.name in known)

    def as_settings(self) -> dict[str, Any]:
        """Plain values, to be stored with the account."""
        return {
            "address": self.address,
            "name": self.name,
            "user": self.user,
            "plus_addressing": self.plus_addressing,
            **{f"imap_{key}": value for key, value in _plain(self.imap).items()},
            **{f"smtp_{key}": value for key, value in _plain(self.smtp).items()},
        }


def _plain(host: Host) -> dict[str, Any]:
    return {"host": host.name, "port": host.port, "tls": host.tls}


def mailbox_of(form: Mapping[str, Any]) -> Mailbox:
    """The mailbox that a form, or an account's stored settings, describe.

    A known `provider` fills in the hosts that were left empty.
    Raises Rejected (code "bad_form") naming the field.
    """
    address = _text(form, "address")
    if not is_address(address):
        raise bad_form("address", say("that is not a mail address"))
    provider = PROVIDERS.get(_text(form, "provider"))
    return Mailbox(
        address=address,
        name=_text(form, "name"),
        user=_text(form, "user") or address,
        imap=_host(form, "imap", provider.imap if provider else Host("", 993, "tls")),
        smtp=_host(form, "smtp", provider.smtp if provider else Host("", 465, "tls")),
        plus_addressing=_choice(form, "plus_addressing", ("", "yes", "no")),
    )


def bad_form(name: str, why: str) -> Rejected:
    """The error for a field that cannot work."""
    return Rejected(why, code="bad_form", evidence={"field": name})


def _text(form: Mapping[str, Any], name: str) -> str:
    value = str(form.get(name) or "").strip()
    if any(ord(c) < 32 for c in value):
        raise bad_form(name, say("control characters are not allowed"))
    return value


def _choice(form: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str:
    text = _text(form, name)
    if text not in choices:
        raise bad_form(name, say("must be one of {choices}", choices=", ".join(filter(None, choices))))
    return text


def _host(form: Mapping[str, Any], service: str, usual: Host) -> Host:
    name = _text(form, f"{service}_host")
    if not name and usual.name:
        return usual
    if not _HOST.fullmatch(name):
        raise bad_form(f"{service}_host", say("a host name is needed, such as mail.example.org"))
    port = _text(form, f"{service}_port") or str(usual.port)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise bad_form(f"{service}_port", say("a port is a number from {least} to {most}", least="1", most="65535"))
    tls = _text(form, f"{service}_tls") or usual.tls
    if tls not in TLS_MODES:
        raise bad_form(f"{service}_tls", say("must be one of {choices}", choices=", ".join(TLS_MODES)))
    return Host(name.strip("[]"), int(port), tls)


def rehearsal_form(base_url: str) -> dict[str, str]:
    """The rehearsal provider speaks IMAP and SMTP on the two ports after its own."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 0
    return {
        "password": "rehearsal",
        "imap_host": host, "imap_port": str(port + 1), "imap_tls": "none",
        "smtp_host": host, "smtp_port": str(port + 2), "smtp_tls": "none",
        "probe_sent": "no",
        "plus_addressing": "yes",
    }  # fmt: skip
